import { NOBODY, type ItemCharge, ReferenceAccount, type ReferenceCharge, type ReferenceGrant, type ReferencePurchase, type ReferenceReservation } from './reference-account.js'
import { budgetLevel, type ReferenceBudget, type Spender } from './reference-budgets.js'
import { calendarSpan, monthsAfter } from './reference-calendar.js'
import { type CatalogDocument, categoryOf, isPaidPlan, micro } from './reference-catalog.js'
import { type Asked, isFree, type Quoted, quoted, type Refusal, settledPrice } from './reference-prices.js'

export const SPENDING_VERBS = ['charge', 'reserve', 'extend', 'settle', 'release'] as const
export const OPERATOR_VERBS = [
  'grant', 'adjust', 'refund', 'setAccountState', 'subscribe', 'cancelSubscription', 'purchase', 'settlePurchase', 'cancelPurchase', 'refundPurchase',
  'setBudget', 'removeBudget', 'raiseBudget', 'putMember', 'removeMember', 'createKey', 'revokeKey', 'setItem', 'setTimeZone', 'setSelfService',
] as const

export type Verb = (typeof SPENDING_VERBS)[number] | (typeof OPERATOR_VERBS)[number]

/**
 * A call of the library as data. Rows made by earlier calls are named by the number of the call that made them, because
 * nobody but the product knows its ids.
 */
export interface Call {
  readonly verb: Verb
  readonly holder: 'operator' | 'agent'
  readonly key?: string
  readonly member?: string
  readonly run?: string
  readonly input: Readonly<Record<string, unknown>> & { readonly account: string; readonly idempotencyKey?: string }
  /** The call whose reservation (extend, settle, release), charge (refund) or purchase this is about. */
  readonly about?: number
}

export type Predicted =
  | Refusal
  /** What the answer must contain, and the call whose row it names: another one's where it is a replay. */
  | { readonly answer: Readonly<Record<string, unknown>>; readonly row: number | null }

interface Remembered {
  readonly asked: string
  /** The key whose work it was. */
  readonly of: string | null
  readonly predicted: Extract<Predicted, { readonly answer: unknown }>
}

interface Moment {
  readonly number: number
  readonly call: Call
  readonly account: ReferenceAccount
  readonly at: number
}

const DAY_MS = 86_400_000
const OPEN_GRANTS_MAX = 1_000
const LEVELS = ['ok', 'low', 'critical', 'exhausted']

export interface NewReferenceAccount {
  readonly id: string
  readonly plan: string
  readonly debtLimit: number
  readonly timeZone: string
}

/** Predicts every answer and refusal of the library, every balance and every report. */
export class ReferenceLedger {
  readonly catalog: CatalogDocument
  readonly accounts = new Map<string, ReferenceAccount>()
  readonly charges = new Map<number, ReferenceCharge>()
  readonly reservations = new Map<number, ReferenceReservation>()
  readonly purchases = new Map<number, ReferencePurchase>()
  readonly #remembered = new Map<string, Remembered>()

  constructor(catalog: CatalogDocument) {
    this.catalog = catalog
  }

  createAccount({ id, plan, debtLimit, timeZone }: NewReferenceAccount, at: number): void {
    const account = new ReferenceAccount({ id, catalog: this.catalog, at, debtMax: micro(debtLimit), zone: timeZone })
    this.accounts.set(id, account)
    if (plan !== 'none') account.openPeriod(plan, null, 'sign_up', true, at)
  }

  account(id: string): ReferenceAccount {
    const account = this.accounts.get(id)
    if (account === undefined) throw new Error(`there is no account ${id}`)
    return account
  }

  /** Everything that was charged, by calls and by time. */
  allCharges(id: string): readonly (ItemCharge & { readonly refunded: bigint })[] {
    const charges = [...this.charges.values()].filter(({ account }) => account === id)
    return [...charges, ...this.account(id).itemCharges.map((charge) => ({ ...charge, refunded: 0n }))]
  }

  /** Predicts call number `number` and remembers what it changes. */
  call(number: number, call: Call, now: number): Predicted {
    const account = this.account(call.input.account)
    const at = Math.max(now, account.lastAt)
    account.catchUp(at)
    const forbidden = refusalByKey(account, call)
    if (forbidden !== null) return forbidden
    const { idempotencyKey, ...rest } = call.input
    const key = idempotencyKey === undefined ? null : `${account.id}\n${idempotencyKey}`
    const asked = JSON.stringify([call.verb, call.about ?? null, Object.entries({ ...LEFT_OUT[call.verb], ...rest }).sort()])
    const earlier = key === null ? undefined : this.#remembered.get(key)
    if (earlier !== undefined) {
      if (earlier.asked !== asked) return { code: 'idempotency_conflict' }
      const refused = refusalToRepeat(this, call, account, earlier.of)
      if (refused !== null) return refused
      return { answer: { ...earlier.predicted.answer, replayed: true }, row: earlier.predicted.row }
    }
    const before = account.sequence
    const predicted = DECISIONS[call.verb](this, { number, call, account, at })
    if (key !== null && 'answer' in predicted && account.sequence > before && predicted.answer['replayed'] === false) this.#remembered.set(key, { asked, of: workerOf(this, call), predicted })
    return predicted
  }
}

/** What a request means that leaves it out: written out it is the same request. */
const LEFT_OUT: Partial<Record<Verb, object>> = { grant: { paid: false, priority: 20 }, reserve: { overrun: 'cap' }, subscribe: { when: 'renewal' } }

/** Whether more than was set aside may be spent: from an active account, by a key that holds. */
function mayExceed(account: ReferenceAccount, { key, spender }: ReferenceReservation): boolean {
  const holds = key === null || account.keys.get(key)?.isRevoked === false
  return account.state === 'active' && holds && refusalByParty(account, spender, key) === null
}

/** Work that was admitted is finished by its holder, whatever has become of the key. */
const FINISHING: readonly Verb[] = ['extend', 'settle', 'release']

/** An agent orders credits, which an operator has to settle; whatever else is no spending takes an operator. */
const AGENTS_TOO: readonly Verb[] = ['purchase']

function refusalByKey({ keys }: ReferenceAccount, { key: id, verb, holder }: Call): Refusal | null {
  const isSpending = (SPENDING_VERBS as readonly Verb[]).includes(verb)
  if (!isSpending && !AGENTS_TOO.includes(verb) && holder !== 'operator') return { code: 'forbidden' }
  if (id === undefined || (FINISHING.includes(verb) && holder !== 'operator')) return null
  const key = keys.get(id)
  if (key === undefined || key.isRevoked) return { code: 'unauthenticated' }
  if (key.scopes.includes('admin')) return null
  if (!(SPENDING_VERBS as readonly Verb[]).includes(verb)) return { code: 'forbidden' }
  const maySpend = key.scopes.some((scope) => scope !== 'credits:read')
  return maySpend ? null : { code: 'forbidden' }
}

/** A settlement is the work of whoever reserved; whatever else is done is that of whoever asks for it. */
function workerOf(ledger: ReferenceLedger, { verb, key, about }: Call): string | null {
  return verb === 'settle' && about !== undefined ? (ledger.reservations.get(about)?.key ?? null) : (key ?? null)
}

/** One agent's key is told of another's charge where it may spend on that itself, and of nothing else that another did. */
function refusalToRepeat(ledger: ReferenceLedger, call: Call, account: ReferenceAccount, worker: string | null): Refusal | null {
  const { holder, key, verb } = call
  if (holder === 'operator' || key === undefined || key === worker) return null
  if (verb !== 'charge') return { code: 'idempotency_conflict' }
  return refusalByParty(account, spenderOf(ledger, call, account), key)
}

type Decision = (ledger: ReferenceLedger, moment: Moment) => Predicted

const DECISIONS: Readonly<Record<Verb, Decision>> = {
  grant: (_, { number, call: { input }, account, at }) => {
    const amount = micro(input['credits'] as number)
    const effectiveAt = (input['effectiveAt'] as number | undefined) ?? at
    const expiresAt = (input['expiresAt'] as number | undefined) ?? Infinity
    if (account.state === 'closed') return { code: 'account_suspended' }
    if (expiresAt <= Math.max(effectiveAt, at)) return { code: 'invalid_request' }
    if (account.grants.length >= OPEN_GRANTS_MAX) return { code: 'invalid_request' }
    const facts = { amount, source: 'adjustment', priority: (input['priority'] as number | undefined) ?? 20, isPaid: input['paid'] === true, expiresAt }
    const isPromise = effectiveAt > at
    if (isPromise) account.promise({ ...facts, effectiveAt }, at)
    else account.give({ ...facts, effectiveAt: at }, 'grant', at)
    return done(number, account, isPromise ? {} : { granted: credits(amount), expiresAt: iso(expiresAt) })
  },

  adjust: (_, { number, call: { input }, account, at }) => {
    const amount = micro(input['credits'] as number)
    if (amount === 0n) return { code: 'invalid_amount' }
    if (amount > 0n && account.state === 'closed') return { code: 'account_suspended' }
    if (amount > 0n && account.grants.length >= OPEN_GRANTS_MAX) return { code: 'invalid_request' }
    if (amount > 0n) account.give({ amount, source: 'adjustment', priority: 20, isPaid: false, effectiveAt: at, expiresAt: Infinity }, 'adjust', at)
    else {
      if (account.balance < -amount) return { code: 'out_of_credits' }
      account.take(-amount)
      account.post('adjust', amount, at)
    }
    return done(number, account, {})
  },

  charge: (ledger, moment) => {
    const { number, call, account, at } = moment
    const price = quoted(ledger.catalog, askedOf(call))
    if ('code' in price) return price
    if (isFree(price)) return done(null, account, { charged: 0, budgetLevel: 'ok', variant: null })
    if (!price.isExact) return { code: 'invalid_request' }
    const spender = spenderOf(ledger, call, account)
    const refused = refusalToSpend(moment, spender, price)
    if (refused !== null) return refused
    const amount = price.maximum
    const level = levelAfter(account, spender, at, amount)
    const payments = account.take(amount)
    account.spent += amount
    account.post('charge', amount, at)
    const began = { began: at, beganBy: account.sequence }
    account.budgets.count(spender, { used: amount, reserved: 0n, at, ...began }, account.owner)
    ledger.charges.set(number, { account: account.id, at, sequence: account.sequence, beyond: 0n, ...began, operation: operationOf(call), spender, credits: amount, payments, refunded: 0n })
    return done(number, account, { charged: credits(amount), budgetLevel: level, variant: price.variant })
  },

  reserve: (ledger, moment) => {
    const { number, call, account, at } = moment
    const ttlMs = Math.ceil(((call.input['ttlSeconds'] as number | undefined) ?? 900) * 1_000)
    const price = quoted(ledger.catalog, askedOf(call))
    if ('code' in price) return price
    if (isFree(price)) return done(null, account, { reserved: 0, expiresAt: null })
    if (ttlMs > DAY_MS) return { code: 'invalid_request' }
    // What costs nothing is charged at once.
    if (price.maximum === 0n) return { code: 'invalid_amount' }
    const spender = spenderOf(ledger, call, account)
    const refused = refusalToSpend(moment, spender, price)
    if (refused !== null) return refused
    const amount = price.maximum
    const row: ReferenceReservation = {
      account: account.id,
      sequence: account.sequence + 1,
      holder: call.holder,
      key: call.key ?? null,
      amount,
      pins: account.take(amount),
      overrun: (call.input['overrun'] as string | undefined) ?? 'cap',
      price,
      operation: operationOf(call),
      spender,
      openedAt: at,
      expiresAt: at + ttlMs,
      state: 'open',
    }
    account.open.push(row)
    ledger.reservations.set(number, row)
    account.post('reserve', amount, at)
    account.budgets.count(spender, { used: 0n, reserved: amount, at, began: at, beganBy: row.sequence }, account.owner)
    return { answer: { reserved: credits(amount), expiresAt: iso(row.expiresAt), balance: credits(account.balance), replayed: false }, row: number }
  },

  extend: (ledger, { call, account, at }) => {
    const row = heldBy(ledger, call, account, at)
    if ('code' in row) return row
    const ttlMs = Math.ceil((call.input['ttlSeconds'] as number) * 1_000)
    if (ttlMs > DAY_MS) return { code: 'invalid_request' }
    row.expiresAt = Math.max(row.expiresAt, at + ttlMs)
    account.post('amend', 0n, at)
    return { answer: { expiresAt: iso(row.expiresAt), replayed: false }, row: call.about ?? null }
  },

  settle: (ledger, { number, call, account, at }) => {
    const row = heldBy(ledger, call, account, at, { mayBeLate: true })
    if ('code' in row) return row
    const wanted = settledPrice(row.price, call.input as Asked & Call['input'])
    if (typeof wanted !== 'bigint') return wanted
    const isOpen = row.state === 'open'
    if (row.overrun === 'reject' && wanted > row.amount) return { code: 'invalid_amount' }
    const payments: { grant: ReferenceGrant | null; amount: bigint }[] = []
    const returned: { grant: ReferenceGrant; amount: bigint }[] = []
    let left = wanted
    for (const pin of isOpen ? row.pins : []) {
      const part = pin.amount < left ? pin.amount : left
      left -= part
      if (part > 0n) payments.push({ grant: pin.grant, amount: part })
      if (part < pin.amount) returned.push({ grant: pin.grant, amount: pin.amount - part })
    }
    const hard = account.hardRemaining(row.spender, at)
    // Beyond what was admitted nothing is spent from a stopped account, or with a key that holds no more.
    const admitted = isOpen ? 0n : row.amount
    const most = mayExceed(account, row) || left < admitted ? left : admitted
    const allowed = hard === null || most < hard ? most : hard
    const beyond = account.take(account.within(most, row.spender, at))
    const fromGrants = beyond.reduce((sum, part) => sum + part.amount, 0n)
    const room = isOpen && row.overrun === 'debt' ? account.debtMax - account.debt : 0n
    const unpaid = allowed - fromGrants
    const owed = unpaid < room ? unpaid : room > 0n ? room : 0n
    if (isOpen) account.end(row, 'settled')
    row.state = 'settled'
    account.giveBack(returned)
    payments.push(...beyond, ...(owed > 0n ? [{ grant: null, amount: owed }] : []))
    account.debt += owed
    const charged = payments.reduce((sum, part) => sum + part.amount, 0n)
    account.spent += charged
    account.uncollected += left - fromGrants - owed
    account.post('settle', charged, at)
    const began = { began: row.openedAt, beganBy: row.sequence }
    const extra = fromGrants + owed
    account.budgets.count(row.spender, { used: charged - extra, reserved: isOpen ? -row.amount : 0n, at, ...began }, account.owner)
    account.budgets.count(row.spender, { used: extra, reserved: 0n, at, began: at, beganBy: account.sequence }, account.owner)
    ledger.charges.set(number, { account: row.account, at, sequence: account.sequence, beyond: extra, ...began, operation: row.operation, spender: row.spender, credits: charged, payments, refunded: 0n })
    account.expireReturned(returned, at)
    return done(number, account, {
      charged: credits(charged),
      released: credits(returned.reduce((sum, part) => sum + part.amount, 0n)),
      uncollected: credits(left - fromGrants - owed),
    })
  },

  release: (ledger, { number, call, account, at }) => {
    const row = heldBy(ledger, call, account, at, { isRelease: true })
    if ('code' in row) return row
    account.end(row, 'released')
    account.giveBack(row.pins)
    account.post('release', row.amount, at)
    account.countReturned(row, at)
    account.expireReturned(row.pins, at)
    return done(number, account, { released: credits(row.amount) })
  },

  refund: (ledger, { number, call: { about, input }, account, at }) => {
    const charge = about === undefined ? undefined : ledger.charges.get(about)
    if (charge === undefined || charge.account !== input.account) return { code: 'unknown_transaction' }
    const refundable = charge.credits - charge.refunded
    const amount = input['credits'] === undefined ? refundable : micro(input['credits'] as number)
    if (amount === 0n || amount > refundable) return { code: 'refund_not_allowed' }
    const { back, owed } = sharesBack(charge, amount)
    const lastLeft = charge.beyond > charge.refunded ? charge.beyond - charge.refunded : 0n
    const ofLast = lastLeft < amount ? lastLeft : amount
    charge.refunded += amount
    account.spent -= amount
    const undone = owed < account.debt ? owed : account.debt
    account.debt -= undone
    if (owed > undone) {
      const anew = owed - undone
      const facts = { source: 'refund', priority: 20, isPaid: false, endsWithPlan: false, amount: anew, effectiveAt: at, expiresAt: Infinity }
      account.grants.push({ ...facts, sequence: account.sequence + 1, remaining: anew, isScheduled: false })
    }
    account.giveBack(back)
    account.post('refund', amount, at)
    account.budgets.count(charge.spender, { used: -ofLast, reserved: 0n, at, began: charge.at, beganBy: charge.sequence }, account.owner)
    account.budgets.count(charge.spender, { used: ofLast - amount, reserved: 0n, at, began: charge.began, beganBy: charge.beganBy }, account.owner)
    account.expireReturned(back, at)
    return done(number, account, { refunded: credits(amount) })
  },

  setAccountState: (_, { number, call: { input }, account, at }) => {
    const state = input['state'] as string
    if (account.state === 'closed' && state !== 'closed') return { code: 'account_suspended' }
    if (account.state === state && input.idempotencyKey === undefined) return nothingWritten(account)
    if (state === 'closed') {
      for (const [id, item] of [...account.items].sort(([a], [b]) => (a < b ? -1 : 1))) account.chargeItem(id, item, at, at)
      account.items.clear()
      account.itemsDueAt = Infinity
      if (account.plan !== null) account.endPlan(at)
    }
    account.state = state
    account.post('amend', 0n, at)
    return done(number, account, {})
  },

  subscribe: ({ catalog }, { number, call: { input }, account, at }) => {
    const id = input['plan'] as string
    const plan = catalog.plans[id]
    if (plan === undefined) return { code: 'unknown_plan' }
    if (account.state === 'closed') return { code: 'account_suspended' }
    if (account.plan?.id === id) return planNext(number, account, input, at, null)
    if (plan.trial === true && account.trials.has(id)) return { code: 'invalid_request' }
    const isBought = isPaidPlan(catalog, id)
    const actsAtOnce = account.plan === null || (!isPaidPlan(catalog, account.plan.id) && (isBought || plan.trial === true))
    if (actsAtOnce) account.openPeriod(id, null, 'subscription', true, at)
    else if (input['when'] !== 'now') return planNext(number, account, input, at, id)
    else if (!isBought) return { code: 'invalid_request' }
    else account.switchPlan(id, at)
    account.post('amend', 0n, at)
    account.setCap(plan, at)
    return done(number, account, {})
  },

  cancelSubscription: (_, { number, call: { input }, account, at }) =>
    account.plan === null ? { code: 'invalid_request' } : planNext(number, account, input, at, 'none'),

  purchase: (ledger, { number, call, account, at }) => {
    const { input } = call
    const refused = refusalToBuy(account, call.holder === 'agent')
    if (refused !== null) return refused
    const pack = ledger.catalog.packs?.[input['pack'] as string]
    if (pack === undefined) return { code: 'unknown_pack' }
    const budget = (input['budget'] as string | undefined) ?? null
    const isSelfService = call.holder === 'agent'
    if (isSelfService && budget !== null) return { code: 'forbidden' }
    if (budget !== null && !account.budgets.open.has(budget)) return { code: 'unknown_budget' }
    if (account.state === 'closed') return { code: 'account_suspended' }
    // Nobody but an operator says that money was taken: what a customer orders waits until one does.
    const isPending = input['pending'] === true || isSelfService
    const waiting = [...ledger.purchases.values()].filter((other) => other.account === account.id && other.isSelfService && other.state === 'pending')
    if (isSelfService && waiting.length >= 20) return { code: 'invalid_request' }
    if (!isPending && account.grants.length + pack.parts.length > OPEN_GRANTS_MAX) return { code: 'invalid_request' }
    const bought = pack.parts.reduce((sum, part) => sum + micro(part.credits), 0n)
    account.post('amend', 0n, at)
    const purchase: ReferencePurchase = { account: account.id, pack: input['pack'] as string, credits: bought, orderedAt: at, budget, state: 'pending', settledAt: at, settledBy: 0, raisedBudget: false, isSelfService, grants: [] }
    ledger.purchases.set(number, purchase)
    account.pending += bought
    if (!isPending) settlePurchase(ledger, purchase, account, at)
    return done(number, account, { state: purchase.state, credits: credits(bought), granted: isPending ? 0 : credits(bought) })
  },

  settlePurchase: (ledger, { call, account, at }) => {
    const purchase = purchaseOf(ledger, call)
    if (purchase === undefined) return { code: 'unknown_purchase' }
    if (purchase.state === 'cancelled') return { code: 'invalid_request' }
    if (purchase.state !== 'pending') return { answer: { replayed: true, state: purchase.state }, row: call.about ?? null }
    if (account.state === 'closed') return { code: 'account_suspended' }
    if (account.grants.length + (ledger.catalog.packs?.[purchase.pack]?.parts.length ?? 0) > OPEN_GRANTS_MAX) return { code: 'invalid_request' }
    settlePurchase(ledger, purchase, account, at)
    return done(call.about ?? null, account, { granted: credits(purchase.credits) })
  },

  cancelPurchase: (ledger, { call, account, at }) => {
    const purchase = purchaseOf(ledger, call)
    if (purchase === undefined) return { code: 'unknown_purchase' }
    if (purchase.state !== 'pending') return { code: 'invalid_request' }
    purchase.state = 'cancelled'
    account.pending -= purchase.credits
    account.post('amend', 0n, at)
    return done(call.about ?? null, account, { state: 'cancelled' })
  },

  refundPurchase: (ledger, { call, account, at }) => {
    const purchase = purchaseOf(ledger, call)
    if (purchase === undefined) return { code: 'unknown_purchase' }
    if (purchase.state === 'pending') return { code: 'purchase_pending' }
    const left = purchase.grants.reduce((sum, grant) => sum + grant.remaining, 0n)
    const isAllowed = call.input['force'] === true || isRefundable(ledger, purchase, account, at, left)
    if (purchase.state !== 'settled' || !isAllowed || left === 0n) return { code: 'refund_not_allowed' }
    for (const grant of purchase.grants) grant.remaining = 0n
    account.post('revoke', left, at)
    purchase.state = 'refunded'
    const budget = account.budgets.open.get(purchase.budget ?? '')
    if (budget !== undefined && purchase.raisedBudget && purchase.settledBy > budget.setBy) {
      budget.limit -= left
      budget.raisedBy -= left
    }
    return done(call.about ?? null, account, { revoked: credits(left) })
  },

  setBudget: (_, { number, call: { input }, account, at }) => {
    const { id, window, limit, scope = {}, enforcement = 'hard' } = input as unknown as { id: string; window: string; limit: number; scope?: object; enforcement?: 'hard' | 'alert' }
    if (id === 'spending_cap') return { code: 'invalid_request' }
    const before = account.budgets.open.get(id)
    const goesOn = before !== undefined && before.window === window && sameScope(before.scope, scope)
    account.post('amend', 0n, at)
    const made = goesOn ? { since: before.since, origin: before.origin, raises: before.raises } : { since: at, origin: account.sequence, raises: [] }
    const budget: ReferenceBudget = { id, scope: scope as ReferenceBudget['scope'], window, limit: micro(limit), enforcement, thresholds: enforcement === 'hard' ? [80, 95] : [100], setBy: account.sequence, raisedBy: 0n, ...made }
    account.budgets.set(budget)
    return { answer: budgetAnswer(account, budget, at), row: number }
  },

  removeBudget: (_, { number, call: { input }, account, at }) => {
    const id = input['id'] as string
    if (id === 'spending_cap') return { code: 'invalid_request' }
    if (!account.budgets.open.delete(id)) return { code: 'unknown_budget' }
    account.post('amend', 0n, at)
    return done(number, account, {})
  },

  raiseBudget: (_, { number, call: { input }, account, at }) => {
    const budget = account.budgets.open.get(input['id'] as string)
    if (budget === undefined) return { code: 'unknown_budget' }
    const amount = micro(input['credits'] as number)
    const until = input['until'] as number | undefined
    if (until !== undefined && until <= at) return { code: 'invalid_request' }
    budget.raises = budget.raises.filter((raise) => at < raise.until)
    if (until !== undefined && budget.raises.length === 20) return { code: 'invalid_request' }
    if (until !== undefined) budget.raises = [...budget.raises, { amount, until }]
    else {
      budget.limit += amount
      budget.raisedBy += amount
    }
    account.post('amend', 0n, at)
    return { answer: budgetAnswer(account, budget, at), row: number }
  },

  putMember: (_, { call: { input }, account, at }) => {
    account.members.set(input['id'] as string, input['role'] as string)
    account.post('amend', 0n, at)
    return { answer: { id: input['id'], role: input['role'] }, row: null }
  },

  removeMember: (_, { number, call: { input }, account, at }) => {
    if (!account.members.delete(input['id'] as string)) return { code: 'unknown_member' }
    account.post('amend', 0n, at)
    return done(number, account, {})
  },

  createKey: (_, { call: { input }, account, at }) => {
    const { id, scopes, environment = null, member = null, ancestors = [] } = input as unknown as { id: string; scopes: string[]; environment?: string; member?: string; ancestors?: string[] }
    if (account.state === 'closed') return { code: 'account_suspended' }
    if (account.keys.has(id)) return { code: 'invalid_request' }
    if (member !== null && !account.members.has(member)) return { code: 'unknown_member' }
    account.keys.set(id, { scopes, environment, member, ancestors, isRevoked: false })
    account.post('amend', 0n, at)
    return { answer: { id }, row: null }
  },

  revokeKey: (_, { number, call: { input }, account, at }) => {
    const id = input['id'] as string
    const key = account.keys.get(id)
    if (key === undefined || key.isRevoked) return { code: 'unknown_key' }
    for (const [name, other] of account.keys) if (name === id || other.ancestors.includes(id)) other.isRevoked = true
    account.post('amend', 0n, at)
    return done(number, account, {})
  },

  setItem: ({ catalog }, { number, call: { input }, account, at }) => {
    const id = input['item'] as string
    const quantity = input['quantity'] as number
    const known = account.items.get(id)
    if (account.state === 'closed') return { code: 'account_suspended' }
    if (catalog.recurring_items?.[id] === undefined) return { code: 'unknown_item' }
    if ((known?.quantity ?? 0) === quantity && input.idempotencyKey === undefined) return nothingWritten(account)
    if ((known !== undefined || quantity > 0) && account.itemsDueAt === Infinity) account.itemsDueAt = calendarSpan(at, 'month', account.zone).until - 1
    if (known === undefined && quantity > 0) account.items.set(id, { quantity, metered: 0n, until: at })
    if (known !== undefined) {
      account.meter(known, at)
      known.quantity = quantity
    }
    account.post('amend', 0n, at)
    return done(number, account, { item: id, quantity })
  },

  setTimeZone: (_, { call: { input }, account, at }) => {
    const zone = input['timeZone'] as string
    if (zone !== account.zone) account.post('amend', 0n, at)
    account.zone = zone
    return { answer: { timeZone: zone, balance: credits(account.balance) }, row: null }
  },

  setSelfService: (_, { number, call: { input }, account, at }) => {
    const refused = refusalToBuy(account, false)
    if (refused !== null) return refused
    if (account.isSelfServiceSet === input['enabled'] && input.idempotencyKey === undefined) return nothingWritten(account)
    account.isSelfServiceSet = input['enabled'] as boolean
    account.post('amend', 0n, at)
    return done(number, account, {})
  },
}

function askedOf({ input }: Call): Asked {
  const { operation, variant, quantity, usage, actual } = input as unknown as Asked
  return { operation, variant, quantity, usage, actual }
}

function operationOf({ input }: Call): string {
  return input['operation'] as string
}

function spenderOf({ catalog }: ReferenceLedger, call: Call, { keys }: ReferenceAccount): Spender {
  const key = call.key === undefined ? undefined : keys.get(call.key)
  return {
    ...NOBODY,
    keys: call.key === undefined ? [] : [call.key, ...(key?.ancestors ?? [])],
    environment: key?.environment ?? null,
    member: key?.member ?? call.member ?? null,
    run: call.run ?? null,
    operation: operationOf(call),
    category: categoryOf(catalog, operationOf(call)),
    labels: (call.input['labels'] as Readonly<Record<string, string>> | undefined) ?? {},
  }
}

/** Why this may not be spent: who asks, on what plan, and last of all how much. */
function refusalToSpend({ call, account, at }: Moment, spender: Spender, { maximum: amount, plans }: Quoted): Refusal | null {
  const needsPlan = plans.length > 0 && !plans.includes(account.plan?.id ?? '')
  if (account.state !== 'active') return { code: 'account_suspended' }
  const stranger = refusalByParty(account, spender, call.key ?? null)
  if (stranger !== null) return stranger
  if (needsPlan) return { code: 'plan_required' }
  return amount === 0n ? null : refusalByAmount(account, spender, at, amount)
}

/** A viewer spends nothing, and a key only on what its scopes name. */
function refusalByParty(account: ReferenceAccount, spender: Spender, key: string | null): Refusal | null {
  if (spender.member !== null) {
    const role = account.members.get(spender.member)
    if (role === undefined) return { code: 'unknown_member' }
    if (role === 'viewer') return { code: 'forbidden' }
  }
  const scopes = key === null ? ['credits:spend'] : (account.keys.get(key)?.scopes ?? [])
  const mayUse = scopes.some((scope) => ['credits:spend', 'admin', spender.operation, `${spender.category}:*`].includes(scope))
  return mayUse ? null : { code: 'forbidden' }
}

/** The limit that leaves the least is the one that is named. */
function refusalByAmount(account: ReferenceAccount, spender: Spender, at: number, amount: bigint): Refusal | null {
  const limits = [{ code: 'out_of_credits', remaining: account.balance }]
  for (const { budget, remaining } of account.budgets.standings(spender, at, account.owner)) {
    if (budget.enforcement === 'hard') limits.push({ code: budget.id === 'spending_cap' ? 'spending_cap_reached' : 'budget_exceeded', remaining })
  }
  const stopping = limits.filter(({ remaining }) => remaining < amount)
  const tightest = stopping.reduce<(typeof limits)[number] | null>((least, one) => (least === null || one.remaining < least.remaining ? one : least), null)
  return tightest === null ? null : { code: tightest.code }
}

/** The level that an answer tells: of the balance, or of a hard budget that is worse. */
function levelAfter(account: ReferenceAccount, spender: Spender, at: number, amount: bigint): string {
  const hard = account.budgets.standings(spender, at, account.owner).filter(({ budget }) => budget.enforcement === 'hard')
  const levels = [account.levelOf(account.balance - amount), ...hard.map((standing) => budgetLevel(standing, amount))]
  return levels.reduce((worst, level) => (LEVELS.indexOf(level) > LEVELS.indexOf(worst) ? level : worst))
}

/** The reservation that a call may end, as the library would find it: a key gives back what one below it holds, and no more. */
function heldBy(
  ledger: ReferenceLedger,
  call: Call,
  account: ReferenceAccount,
  at: number,
  { mayBeLate = false, isRelease = false } = {},
): ReferenceReservation | Refusal {
  const row = call.about === undefined ? undefined : ledger.reservations.get(call.about)
  const isHeld = call.holder === 'operator' || (row?.holder === 'agent' && row.key === (call.key ?? null))
  const above = call.key === undefined || account.keys.get(call.key)?.isRevoked !== false ? null : call.key
  const isBelow = row !== undefined && row.key !== null && above !== null && account.keys.get(row.key)?.ancestors.includes(above) === true
  if (row === undefined || row.account !== account.id || !(isHeld || isBelow)) return { code: 'unknown_reservation' }
  if (!isHeld && !isRelease) return { code: 'forbidden' }
  return row.state === 'open' || (mayBeLate && account.isLate(row, at)) ? row : { code: 'reservation_not_open' }
}

/** The last credits taken go back first, after those that refunds before have given back. */
function sharesBack(charge: ReferenceCharge, amount: bigint) {
  let skip = charge.refunded
  let left = amount
  let owed = 0n
  const back: { grant: ReferenceGrant; amount: bigint }[] = []
  for (const payment of [...charge.payments].reverse()) {
    const skipped = skip < payment.amount ? skip : payment.amount
    skip -= skipped
    const room = payment.amount - skipped
    const part = room < left ? room : left
    left -= part
    if (part === 0n) continue
    if (payment.grant === null) owed += part
    else back.push({ grant: payment.grant, amount: part })
  }
  return { back, owed }
}

function planNext(number: number, account: ReferenceAccount, input: Call['input'], at: number, next: string | null): Predicted {
  const { plan } = account
  if (plan === null) throw new Error('there is a plan')
  if (plan.next === next && input.idempotencyKey === undefined) return nothingWritten(account)
  account.plan = { ...plan, next }
  account.post('amend', 0n, at)
  return done(number, account, {})
}

function refusalToBuy({ catalog, isSelfServiceSet }: ReferenceAccount, isSelfService: boolean): Refusal | null {
  const isSold = Object.keys(catalog.packs ?? {}).length > 0
  const isShown = isSelfServiceSet ?? catalog.purchases?.self_service === 'enabled'
  return isSold && (!isSelfService || isShown) ? null : { code: 'purchases_unavailable' }
}

function purchaseOf(ledger: ReferenceLedger, { about, input }: Call): ReferencePurchase | undefined {
  const purchase = about === undefined ? undefined : ledger.purchases.get(about)
  return purchase?.account === input.account ? purchase : undefined
}

/** Each part becomes a grant of its own, and the order is answered last. */
function settlePurchase({ catalog }: ReferenceLedger, purchase: ReferencePurchase, account: ReferenceAccount, at: number): void {
  const pack = catalog.packs?.[purchase.pack]
  if (pack === undefined) throw new Error('there is a pack')
  const expiresAt = pack.expiry.kind === 'months' ? monthsAfter(at, pack.expiry.months ?? 0, account.zone) : Infinity
  purchase.grants = pack.parts.map(({ kind, credits: amount }) => {
    const isPaid = kind === 'paid'
    const facts = { amount: micro(amount), source: isPaid ? 'purchase' : 'purchase_bonus', priority: 20, isPaid, effectiveAt: at, expiresAt }
    return account.give(facts, 'grant', at)
  })
  account.post('amend', 0n, at)
  const budget = account.budgets.open.get(purchase.budget ?? '')
  if (budget !== undefined) {
    budget.limit += purchase.credits
    budget.raisedBy += purchase.credits
    purchase.raisedBudget = true
  }
  purchase.settledBy = account.sequence
  account.pending -= purchase.credits
  purchase.state = 'settled'
  purchase.settledAt = at
}

function isRefundable({ catalog }: ReferenceLedger, purchase: ReferencePurchase, account: ReferenceAccount, at: number, left: bigint): boolean {
  const rule = catalog.packs?.[purchase.pack]?.refund
  if (rule === undefined) return false
  if (rule.days !== undefined && at - purchase.settledAt > rule.days * DAY_MS) return false
  const used = purchase.credits - left
  if (rule.max_used_percent !== undefined && used * 100_000_000n > purchase.credits * micro(rule.max_used_percent)) return false
  return account.state === 'active' && account.debt === 0n
}

function sameScope(a: object, b: object): boolean {
  const sorted = (scope: object) => JSON.stringify(Object.entries(scope).sort())
  return sorted(a) === sorted(b)
}

/** The terms as they were set: what was counted is no part of the answer, which a replay repeats. */
function budgetAnswer(account: ReferenceAccount, { id, limit, raises, enforcement }: ReferenceBudget, at: number): Readonly<Record<string, unknown>> {
  const raised = raises.filter((raise) => at < raise.until).reduce((sum, raise) => sum + raise.amount, 0n)
  return { id, limit: credits(limit + raised), enforcement, balance: credits(account.balance), replayed: false }
}

function nothingWritten(account: ReferenceAccount): Predicted {
  return { answer: { transaction: null, balance: credits(account.balance), replayed: false }, row: null }
}

function done(row: number | null, account: ReferenceAccount, more: Readonly<Record<string, unknown>>): Predicted {
  return { answer: { balance: credits(account.balance), replayed: false, ...more }, row }
}

/** Millionths as the number of credits that the library answers. */
export function credits(amount: bigint): number {
  return Number(amount) / 1e6
}

export function iso(at: number | null): string | null {
  return at === null || at === Infinity ? null : new Date(at).toISOString()
}
