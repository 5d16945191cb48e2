import { CATALOG, micro, referencePrice } from './reference-prices.js'
import { ReferenceAccount, type ReferenceCharge, type ReferenceReservation } from './reference-account.js'

export type Verb = 'grant' | 'adjust' | 'charge' | 'reserve' | 'extend' | 'settle' | 'release' | 'refund' | 'setAccountState' | 'subscribe'

/**
 * A call of the library as data. Rows made by earlier calls are named by the number of the call that made them, because
 * nobody but the product knows its ids.
 */
export interface Call {
  readonly verb: Verb
  readonly holder: 'operator' | 'agent'
  readonly input: Readonly<Record<string, unknown>> & { readonly account: string; readonly idempotencyKey?: string }
  /** The call whose reservation (extend, settle, release) or charge (refund) this is about. */
  readonly about?: number
}

export type Predicted =
  | { readonly code: string }
  /** What the answer must contain, and the call whose row it names: another one's where it is a replay. */
  | { readonly answer: Readonly<Record<string, unknown>>; readonly row: number | null }

interface Remembered {
  readonly asked: string
  readonly predicted: Extract<Predicted, { readonly answer: unknown }>
}

const DAY_MS = 86_400_000
const OPEN_GRANTS_MAX = 1_000

/** Predicts every answer and refusal of the library, every balance and every report. */
export class ReferenceLedger {
  readonly accounts = new Map<string, ReferenceAccount>()
  readonly charges = new Map<number, ReferenceCharge>()
  readonly reservations = new Map<number, ReferenceReservation>()
  readonly #keys = new Map<string, Remembered>()

  createAccount(id: string, plan: string, debtLimit: number, at: number): void {
    const account = new ReferenceAccount(at, micro(debtLimit))
    this.accounts.set(id, account)
    if (plan !== 'none') account.openPeriod(plan, at, 0)
  }

  account(id: string): ReferenceAccount {
    const account = this.accounts.get(id)
    if (account === undefined) throw new Error(`there is no account ${id}`)
    return account
  }

  /** Predicts call number `number` and remembers what it changes. */
  call(number: number, call: Call, now: number): Predicted {
    const account = this.account(call.input.account)
    const at = Math.max(now, account.lastAt)
    account.catchUp(at)
    const { idempotencyKey, ...rest } = call.input
    const key = idempotencyKey === undefined ? null : `${call.input.account}\n${idempotencyKey}`
    const asked = JSON.stringify([call.verb, call.about ?? null, Object.entries(rest).sort()])
    const earlier = key === null ? undefined : this.#keys.get(key)
    if (earlier !== undefined) {
      if (earlier.asked !== asked) return { code: 'idempotency_conflict' }
      return { answer: { ...earlier.predicted.answer, replayed: true }, row: earlier.predicted.row }
    }
    const before = account.sequence
    const predicted = this.#decide(number, call, account, at)
    if (key !== null && 'answer' in predicted && account.sequence > before) this.#keys.set(key, { asked, predicted })
    return predicted
  }

  #decide(number: number, call: Call, account: ReferenceAccount, at: number): Predicted {
    switch (call.verb) {
      case 'grant':
        return this.#grant(number, call, account, at)
      case 'adjust':
        return this.#adjust(number, call, account, at)
      case 'charge':
        return this.#charge(number, call, account, at)
      case 'reserve':
        return this.#reserve(number, call, account, at)
      case 'extend':
        return this.#extend(call, account, at)
      case 'settle':
        return this.#settle(number, call, account, at)
      case 'release':
        return this.#release(number, call, account, at)
      case 'refund':
        return this.#refund(number, call, account, at)
      case 'setAccountState':
        return this.#setState(number, call, account, at)
      case 'subscribe':
        return this.#subscribe(number, call, account, at)
    }
  }

  #grant(number: number, { input }: Call, account: ReferenceAccount, at: number): Predicted {
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
  }

  #adjust(number: number, { input }: Call, account: ReferenceAccount, at: number): Predicted {
    const amount = micro(input['credits'] as number)
    if (amount === 0n) return { code: 'invalid_amount' }
    if (amount > 0n && account.state === 'closed') return { code: 'account_suspended' }
    if (amount > 0n) account.give({ amount, source: 'adjustment', priority: 20, isPaid: false, effectiveAt: at, expiresAt: Infinity }, 'adjust', at)
    else {
      if (account.balance < -amount) return { code: 'out_of_credits' }
      account.take(-amount)
      account.post('adjust', amount, at)
    }
    return done(number, account, {})
  }

  /** The price of a call, or why it may not be spent. */
  #spend({ input }: Call, account: ReferenceAccount): { readonly amount: bigint } | { readonly code: string } {
    const price = referencePrice(input['operation'] as string, input['variant'] as string | undefined, (input['quantity'] as number | undefined) ?? 1)
    if ('code' in price) return price
    if (price.amount > 0n && account.state !== 'active') return { code: 'account_suspended' }
    if (price.plans.length > 0 && !price.plans.includes(account.plan?.id ?? '')) return { code: 'plan_required' }
    if (price.amount > 0n && account.balance < price.amount) return { code: 'out_of_credits' }
    return { amount: price.amount }
  }

  #charge(number: number, call: Call, account: ReferenceAccount, at: number): Predicted {
    const price = this.#spend(call, account)
    if ('code' in price) return price
    const payments = account.take(price.amount)
    account.spent += price.amount
    account.post('charge', price.amount, at)
    const operation = call.input['operation'] as string
    this.#keepCharge(number, { account: call.input.account, at, operation, customer: customerOf(call), credits: price.amount, payments })
    return done(number, account, { charged: credits(price.amount), budgetLevel: account.level() })
  }

  #keepCharge(number: number, charge: Omit<ReferenceCharge, 'refunded'>): void {
    this.charges.set(number, { ...charge, refunded: 0n })
  }

  #reserve(number: number, call: Call, account: ReferenceAccount, at: number): Predicted {
    const ttlMs = Math.ceil(((call.input['ttlSeconds'] as number | undefined) ?? 900) * 1_000)
    const known = referencePrice(call.input['operation'] as string, call.input['variant'] as string | undefined, 1)
    if ('code' in known) return known
    if (ttlMs > DAY_MS) return { code: 'invalid_request' }
    const price = this.#spend(call, account)
    if ('code' in price) return price
    const row: ReferenceReservation = {
      account: call.input.account,
      sequence: account.sequence + 1,
      holder: call.holder,
      amount: price.amount,
      pins: account.take(price.amount),
      overrun: (call.input['overrun'] as string | undefined) ?? 'cap',
      operation: call.input['operation'] as string,
      customer: customerOf(call),
      expiresAt: at + ttlMs,
      state: 'open',
    }
    account.open.push(row)
    this.reservations.set(number, row)
    account.post('reserve', price.amount, at)
    return { answer: { reserved: credits(price.amount), expiresAt: iso(row.expiresAt), balance: credits(account.balance), replayed: false }, row: number }
  }

  /** The reservation that a call may end, as the library would find it. */
  #held(call: Call, account: ReferenceAccount, at: number, mayBeLate: boolean): ReferenceReservation | { readonly code: string } {
    const row = call.about === undefined ? undefined : this.reservations.get(call.about)
    if (row === undefined || row.account !== call.input.account || (call.holder === 'agent' && row.holder !== 'agent')) return { code: 'unknown_reservation' }
    return row.state === 'open' || (mayBeLate && account.isLate(row, at)) ? row : { code: 'reservation_not_open' }
  }

  #extend(call: Call, account: ReferenceAccount, at: number): Predicted {
    const row = this.#held(call, account, at, false)
    if ('code' in row) return row
    const ttlMs = Math.ceil((call.input['ttlSeconds'] as number) * 1_000)
    if (ttlMs > DAY_MS) return { code: 'invalid_request' }
    row.expiresAt = Math.max(row.expiresAt, at + ttlMs)
    account.post('amend', 0n, at)
    return { answer: { expiresAt: iso(row.expiresAt), replayed: false }, row: call.about ?? null }
  }

  #settle(number: number, call: Call, account: ReferenceAccount, at: number): Predicted {
    const row = this.#held(call, account, at, true)
    if ('code' in row) return row
    const wanted = call.input['actual'] === undefined ? row.amount : micro(call.input['actual'] as number)
    const isOpen = row.state === 'open'
    if (row.overrun === 'reject' && wanted > row.amount) return { code: 'invalid_amount' }
    const payments: { grant: ReferenceCharge['payments'][number]['grant']; amount: bigint }[] = []
    const returned: ReferenceReservation['pins'][number][] = []
    let left = wanted
    for (const pin of isOpen ? row.pins : []) {
      const part = pin.amount < left ? pin.amount : left
      left -= part
      if (part > 0n) payments.push({ grant: pin.grant, amount: part })
      if (part < pin.amount) returned.push({ grant: pin.grant, amount: pin.amount - part })
    }
    account.end(row, 'settled')
    account.giveBack(returned)
    for (const part of account.take(left)) {
      left -= part.amount
      payments.push(part)
    }
    const room = isOpen && row.overrun === 'debt' ? account.debtMax - account.debt : 0n
    const owed = left < room ? left : room > 0n ? room : 0n
    if (owed > 0n) payments.push({ grant: null, amount: owed })
    account.debt += owed
    const charged = payments.reduce((sum, part) => sum + part.amount, 0n)
    account.spent += charged
    account.post('settle', charged, at)
    this.#keepCharge(number, { account: row.account, at, operation: row.operation, customer: row.customer, credits: charged, payments })
    account.expireReturned(returned, at)
    return done(number, account, {
      charged: credits(charged),
      released: credits(returned.reduce((sum, part) => sum + part.amount, 0n)),
      uncollected: credits(left - owed),
    })
  }

  #release(number: number, call: Call, account: ReferenceAccount, at: number): Predicted {
    const row = this.#held(call, account, at, false)
    if ('code' in row) return row
    account.end(row, 'released')
    account.giveBack(row.pins)
    account.post('release', row.amount, at)
    account.expireReturned(row.pins, at)
    return done(number, account, { released: credits(row.amount) })
  }

  #refund(number: number, { about, input }: Call, account: ReferenceAccount, at: number): Predicted {
    const charge = about === undefined ? undefined : this.charges.get(about)
    if (charge === undefined || charge.account !== input.account) return { code: 'unknown_transaction' }
    const refundable = charge.credits - charge.refunded
    const amount = input['credits'] === undefined ? refundable : micro(input['credits'] as number)
    if (amount === 0n || amount > refundable) return { code: 'refund_not_allowed' }
    let skip = charge.refunded
    let left = amount
    let owed = 0n
    const back: ReferenceReservation['pins'][number][] = []
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
    charge.refunded += amount
    account.spent -= amount
    const undone = owed < account.debt ? owed : account.debt
    account.debt -= undone
    if (owed > undone) {
      const anew = owed - undone
      const facts = { source: 'refund', priority: 20, isPaid: false, amount: anew, effectiveAt: at, expiresAt: Infinity }
      account.grants.push({ ...facts, sequence: account.sequence + 1, remaining: anew, isScheduled: false })
    }
    account.giveBack(back)
    account.post('refund', amount, at)
    account.expireReturned(back, at)
    return done(number, account, { refunded: credits(amount) })
  }

  #setState(number: number, { input }: Call, account: ReferenceAccount, at: number): Predicted {
    const state = input['state'] as string
    if (account.state === 'closed' && state !== 'closed') return { code: 'account_suspended' }
    if (account.state === state && input.idempotencyKey === undefined) return { answer: { transaction: null, balance: credits(account.balance), replayed: false }, row: null }
    account.state = state
    if (state === 'closed') account.plan = null
    account.post('amend', 0n, at)
    return done(number, account, {})
  }

  #subscribe(number: number, { input }: Call, account: ReferenceAccount, at: number): Predicted {
    const plan = input['plan'] as string
    if (CATALOG.plans[plan] === undefined) return { code: 'unknown_plan' }
    if (account.state === 'closed') return { code: 'account_suspended' }
    if (account.plan !== null) return { code: 'invalid_request' }
    account.openPeriod(plan, at, 0)
    account.post('amend', 0n, at)
    return done(number, account, {})
  }
}

function done(number: number, account: ReferenceAccount, more: Readonly<Record<string, unknown>>): Predicted {
  return { answer: { balance: credits(account.balance), replayed: false, ...more }, row: number }
}

function customerOf({ input }: Call): string | null {
  return (input['labels'] as { readonly customer?: string } | undefined)?.customer ?? null
}

/** Millionths as the number of credits that the library answers. */
export function credits(amount: bigint): number {
  return Number(amount) / 1e6
}

export function iso(at: number): string | null {
  return at === Infinity ? null : new Date(at).toISOString()
}
