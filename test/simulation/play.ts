import { parseCatalogFile } from './product.js'
import { openLedger } from '../../src/facade/open-ledger.js'
import { Credits } from '../../src/credits.js'
import { Desk } from '../../src/facade/desk.js'
import type { Store } from '../../src/storage/port.js'
import { Ledger } from '../../src/usage/ledger.js'
import { seededRandom } from '../support/seeded-random.js'
import { ALONE, CLOSING, Generator, ZONES } from './generator.js'
import type { Spender } from './reference-budgets.js'
import { calendarSpan, wallAt } from './reference-calendar.js'
import { CATALOGS, type CatalogDocument } from './reference-catalog.js'
import { type Call, credits as asCredits, iso, type NewReferenceAccount, type Predicted, ReferenceLedger } from './reference-ledger.js'

export interface Step {
  readonly now: number
  readonly call: Call
}

export interface History {
  readonly catalog: string
  readonly steps: readonly Step[]
}

/** 2026-01-31T09:30:00Z: an anchor that shorter months do not have. */
const BEGIN = Date.UTC(2026, 0, 31, 9, 30)

/** Accounts of every kind that a catalog's plans allow, each in another zone. */
function accountsOf({ plans }: CatalogDocument): readonly NewReferenceAccount[] {
  const ids = Object.keys(plans)
  const planned = (index: number): string => ids[index % ids.length] ?? 'none'
  const accounts = [
    { id: 'debtor', plan: 'none', debtLimit: 20 },
    { id: 'first', plan: planned(0), debtLimit: 12.5 },
    { id: 'second', plan: planned(2), debtLimit: 0 },
    { id: 'last', plan: planned(ids.length - 1), debtLimit: 0 },
    { id: CLOSING, plan: planned(1), debtLimit: 4 },
  ]
  return accounts.map((account, index) => ({ ...account, timeZone: ZONES[index % ZONES.length] ?? 'UTC' }))
}

function begin(catalog: string): ReferenceLedger {
  const document = CATALOGS.get(catalog)
  if (document === undefined) throw new Error(`there is no catalog ${catalog}`)
  const reference = new ReferenceLedger(document)
  for (const account of accountsOf(document)) reference.createAccount(account, BEGIN)
  return reference
}

/** Makes a history of a product by chance. `stepsBack`: the clock sometimes does. */
export function historyBySeed(catalog: string, seed: number, length: number, { stepsBack }: { readonly stepsBack: boolean }): History {
  const reference = begin(catalog)
  const generator = new Generator(seededRandom(seed), reference, [...reference.accounts.keys()])
  const steps: Step[] = []
  let now = BEGIN
  for (let number = 0; number < length; number += 1) {
    const next = generator.nextInstant(now)
    now = stepsBack ? next : Math.max(now, next)
    const call = generator.nextCall(number, now)
    steps.push({ now, call })
    reference.call(number, call, now)
  }
  return { catalog, steps }
}

export interface Regime {
  readonly database: string
  /** Closes and opens the ledger after so many calls. */
  readonly reopenEvery?: number
  /** Sweeps after so many calls. */
  readonly sweepEvery?: number
  /** How many calls at most are made at once, where they are of one moment and none needs another's answer. */
  readonly together?: number
  /** Reads balance, budgets and history after so many calls. */
  readonly readEvery?: number
  /** Has the ledger check itself after so many calls. */
  readonly verifyEvery?: number
}

interface Opened {
  readonly credits: Credits
  readonly store: Store
}

/** A ledger of a product at a clock of its own, beside the reference of it. */
class Pair {
  readonly reference: ReferenceLedger
  readonly ids = new Map<number, string>()
  readonly #catalog: string
  readonly #database: string
  #opened: Opened | null = null
  now = BEGIN

  constructor(catalog: string, database: string) {
    this.#catalog = catalog
    this.#database = database
    this.reference = begin(catalog)
  }

  async open(): Promise<void> {
    const clock = { now: () => this.now }
    const store = await openLedger(this.#database, await parseCatalogFile(this.#catalog), clock)
    const desk = new Desk(new Ledger({ store, clock, defaultAccount: null }), { account: null, key: null, operatorOf: null, member: null, run: null, holder: 'operator' })
    this.#opened = { credits: new Credits(desk), store }
  }

  async create(): Promise<void> {
    await this.open()
    for (const account of accountsOf(this.reference.catalog)) await this.credits.createAccount(account)
  }

  get credits(): Credits {
    if (this.#opened === null) throw new Error('the ledger is open')
    return this.#opened.credits
  }

  get store(): Store {
    if (this.#opened === null) throw new Error('the ledger is open')
    return this.#opened.store
  }

  /** Makes calls at once; the first answer that is not the predicted one is thrown. */
  async make(first: number, calls: readonly Call[]): Promise<void> {
    const { ids, now } = this
    const predicted = calls.map((call, index) => this.reference.call(first + index, call, now))
    const answers = await Promise.all(calls.map((call) => answerOf(this, call, { ids, now })))
    calls.forEach((call, index) => compare(first + index, call, { now, predicted: predicted[index] as Predicted, answer: answers[index] as Answer, ids }))
  }

  async sweep(): Promise<void> {
    await this.credits.sweep()
    for (const account of this.reference.accounts.values()) account.catchUp(Math.max(this.now, account.lastAt))
  }
}

/** Plays a history in the library and in the reference at once; the first difference is thrown. Answers what it came to. */
export async function play({ catalog, steps }: History, regime: Regime): Promise<unknown> {
  const { reopenEvery = Infinity, sweepEvery = Infinity, together = 1, readEvery = 20, verifyEvery = Infinity } = regime
  const pair = new Pair(catalog, regime.database)
  await pair.create()
  const done = { read: 0, reopened: 0, swept: 0, verified: 0 }
  const isDue = (what: keyof typeof done, from: number, every: number): boolean => {
    if (from < done[what] + every) return false
    done[what] = from
    return true
  }
  for (let from = 0; from < steps.length; ) {
    const batch = steps.slice(from, from + batchSize(steps, from, together))
    pair.now = (batch[0] as Step).now
    await pair.make(from, batch.map(({ call }) => call))
    from += batch.length
    if (isDue('read', from, readEvery)) await compareReads(pair, (batch.at(-1) as Step).call.input.account)
    if (isDue('verified', from, verifyEvery)) same(`the check of the ledger after ${from} calls`, (await pair.credits.verify()).problems, [])
    if (isDue('swept', from, sweepEvery)) await pair.sweep()
    if (isDue('reopened', from, reopenEvery)) {
      await pair.credits.close()
      await pair.open()
    }
  }
  const end = await finish(pair)
  await pair.credits.close()
  return end
}

/** How many calls wait at once: as many as share one commit. */
const TOGETHER = 256

/** Plays so many calls by chance, hundreds at once, and compares all that they come to; the first difference is thrown. */
export async function playMany(catalog: string, seed: number, length: number): Promise<void> {
  const pair = new Pair(catalog, ':memory:')
  await pair.create()
  const random = seededRandom(seed)
  const generator = new Generator(random, pair.reference, [...pair.reference.accounts.keys()])
  for (let from = 0; from < length; ) {
    pair.now = Math.max(pair.now, generator.nextInstant(pair.now)) + random.below(2_000)
    const calls = generator.nextBatch(from, Math.min(TOGETHER, length - from), pair.now)
    await pair.make(from, calls)
    from += calls.length
  }
  await finish(pair)
  await pair.credits.close()
}

function batchSize(steps: readonly Step[], from: number, together: number): number {
  let size = 1
  if (ALONE.has((steps[from] as Step).call.verb)) return size
  while (size < together) {
    const next = steps[from + size]
    if (next === undefined || next.now !== steps[from]?.now || (next.call.about ?? -1) >= from || ALONE.has(next.call.verb)) break
    size += 1
  }
  return size
}

type Answer = { readonly code: string } | { readonly value: Readonly<Record<string, unknown>> }

const BY_RESERVATION: ReadonlySet<string> = new Set(['settle', 'release', 'extend'])
const BY_PURCHASE: ReadonlySet<string> = new Set(['settlePurchase', 'cancelPurchase', 'refundPurchase'])

interface Making {
  readonly ids: ReadonlyMap<number, string>
  readonly now: number
}

/** What the library knows no id for is asked for by one that nobody has. */
async function answerOf({ credits, store }: Opened, call: Call, { ids, now }: Making): Promise<Answer> {
  const { verb, holder, key, member, run, input, about } = call
  if (verb === 'createKey' && input['ancestors'] !== undefined) return childKey(store, call, now)
  const id = about === undefined ? undefined : ids.get(about)
  const named =
    verb === 'refund'
      ? { transaction: id ?? 'tx_1_0123456789' }
      : BY_RESERVATION.has(verb)
        ? { reservation: id ?? 'rs_1_0123456789' }
        : BY_PURCHASE.has(verb)
          ? { purchase: id ?? 'pu_1_0123456789' }
          : {}
  const party = credits.as({ holder, key: key ?? null, member: member ?? null, run: run ?? null }) as unknown as Record<string, (input: unknown) => Promise<Readonly<Record<string, unknown>>>>
  try {
    return { value: await (party[verb] as (input: unknown) => Promise<Readonly<Record<string, unknown>>>).call(party, { ...input, ...named }) }
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code !== 'string') throw error
    return { code }
  }
}

/** Nobody can make a key below another by the library yet: the ledger's own command does. */
async function childKey(store: Store, { holder, input }: Call, now: number): Promise<Answer> {
  const { account, id, scopes, environment = null, member = null, ancestors } = input as unknown as {
    readonly account: string
    readonly id: string
    readonly scopes: readonly string[]
    readonly environment?: string
    readonly member?: string
    readonly ancestors: readonly string[]
  }
  const terms = { name: null, prefix: 'mc_', scopes, environment, member, ancestors, expiresAt: 8_640_000_000_000_000, mayDelegate: true, isDelegated: false }
  const actor = { key: null, member: null, run: null, holder }
  const outcome = await store.update({ kind: 'create_key', account, actor, idempotencyKey: null, fingerprint: null, id, digest: `${account} ${id} ${now}`, terms }, now)
  return outcome.kind === 'done' ? { value: { id } } : { code: outcome.refusal.code }
}

interface Compared {
  readonly now: number
  readonly predicted: Predicted
  readonly answer: Answer
  readonly ids: Map<number, string>
}

function compare(number: number, call: Call, { now, predicted, answer, ids }: Compared): void {
  const differ = (): never => {
    const about = `call ${number} at ${iso(now)}: ${JSON.stringify(call)}`
    throw new Error(`${about}\npredicted ${JSON.stringify(predicted)}\nanswered  ${JSON.stringify(answer)}`)
  }
  if ('code' in predicted || 'code' in answer) {
    if (!('code' in predicted) || !('code' in answer) || predicted.code !== answer.code) differ()
    return
  }
  for (const [name, value] of Object.entries(predicted.answer)) if (answer.value[name] !== value) differ()
  if (predicted.row === null) return
  const named = call.verb === 'reserve' || call.verb === 'extend' ? 'reservation' : call.verb === 'purchase' || BY_PURCHASE.has(call.verb) ? 'purchase' : 'transaction'
  const id = answer.value[named]
  if (id === undefined && (call.verb === 'setBudget' || call.verb === 'raiseBudget')) return
  if (typeof id !== 'string' || (ids.has(predicted.row) && ids.get(predicted.row) !== id)) differ()
  ids.set(predicted.row, id as string)
}

async function compareReads({ credits, reference, now }: Pair, id: string): Promise<void> {
  const account = reference.account(id)
  const at = Math.max(now, account.lastAt)
  const cap = account.budgets.open.get('spending_cap')
  const standing = cap === undefined ? null : account.budgets.standing(cap, '', at, account.owner)
  const hard = account.hardRemaining(NOBODY, at)
  const spendable = [account.balance, ...(hard === null ? [] : [hard])].reduce((least, one) => (one < least ? one : least))
  same(`balance of ${id}`, pick(await credits.balance({ account: id })), {
    state: account.state,
    balance: asCredits(account.balance),
    spendable: account.state === 'active' && spendable > 0n ? asCredits(spendable) : 0,
    reserved: asCredits(account.reserved),
    pending: asCredits(account.pending),
    lifetimeUsed: asCredits(account.spent),
    level: account.level(),
    plan: account.plan === null ? null : { id: account.plan.id, renewsAt: iso(account.nextGrantAt()), nextPlan: account.plan.next },
    spendingCap: standing === null ? null : { limit: asCredits(standing.limit), used: asCredits(standing.used), resetsAt: iso(standing.until) },
    grants: account.burnable().map((grant) => ({ source: grant.source, remaining: asCredits(grant.remaining), expiresAt: iso(grant.expiresAt) })),
  })
  await compareBudgets(credits, reference, id, at)
  const { transactions } = await credits.transactions({ account: id, limit: 20 })
  const rows = account.journal.slice(-200).filter((row) => row.type !== 'amend').slice(-20).reverse()
  same(
    `history of ${id}`,
    transactions.map(({ type, at: when, credits: moved, balanceAfter }) => ({ type, at: when, moved, balanceAfter })).slice(0, rows.length),
    rows.map((row) => ({ type: row.type, at: iso(row.at), moved: asCredits(row.credits), balanceAfter: asCredits(row.balance) })),
  )
}

const NOBODY: Spender = { keys: [], environment: null, member: null, run: null, operation: null, category: null, labels: {} }

function pick(balance: Awaited<ReturnType<Credits['balance']>>) {
  const { state, spendable, reserved, pending, lifetimeUsed, level, plan, spendingCap } = balance
  const grants = balance.grants.map(({ source, remaining, expiresAt }) => ({ source, remaining, expiresAt }))
  const running = plan === null ? null : { id: plan.id, renewsAt: plan.renewsAt, nextPlan: plan.nextPlan }
  return { state, balance: balance.balance, spendable, reserved, pending, lifetimeUsed, level, plan: running, spendingCap, grants }
}

/** Every budget, of each of its subjects that the library lists. */
async function compareBudgets(credits: Credits, reference: ReferenceLedger, id: string, at: number): Promise<void> {
  const account = reference.account(id)
  const { budgets } = await credits.budgets({ account: id })
  same(`budgets of ${id}`, [...new Set(budgets.map((budget) => budget.id))].sort(), account.budgets.sorted.map((budget) => budget.id))
  for (const { id: name, subject, limit, used, reserved, remaining } of budgets) {
    const budget = account.budgets.open.get(name)
    if (budget === undefined) throw new Error(`there is no budget ${name}`)
    const expected = account.budgets.standing(budget, subject ?? '', at, account.owner)
    const figures = { limit: expected.limit, used: expected.used, reserved: expected.reserved, remaining: expected.remaining }
    const shown = Object.fromEntries(Object.entries(figures).map(([figure, amount]) => [figure, asCredits(amount)]))
    same(`budget ${name}/${subject ?? ''} of ${id}`, { limit, used, reserved, remaining }, shown)
  }
}

/** Every account as it is in the end, its reports, and that the ledger's own check finds nothing. */
async function finish(pair: Pair): Promise<unknown> {
  const { credits, reference, now, ids } = pair
  const ends: unknown[] = []
  for (const [id, account] of reference.accounts) {
    const at = Math.max(now, account.lastAt)
    account.catchUp(at)
    await compareReads(pair, id)
    ends.push({ ...pick(await credits.balance({ account: id })), journal: account.journal })
  }
  await credits.sweep()
  for (const id of reference.accounts.keys()) {
    await compareUsage(credits, reference, id)
    await compareStatements(credits, reference, id)
  }
  await compareExplained(credits, reference, ids)
  const verified = await credits.verify()
  const rows = [...reference.accounts.values()].reduce((sum, account) => sum + account.journal.length, 0)
  same('the check of the ledger', { problems: verified.problems, transactions: verified.transactions }, { problems: [], transactions: rows })
  return ends
}

async function compareUsage(credits: Credits, reference: ReferenceLedger, id: string): Promise<void> {
  const { zone } = reference.account(id)
  const charges = reference.allCharges(id)
  const last = Math.max(BEGIN, ...charges.map((charge) => charge.at))
  const middle = BEGIN + Math.floor((last - BEGIN) / 2)
  type Counted = (typeof charges)[number]
  const dated = (at: number, length: number): string => {
    const { year, month, day } = wallAt(at, zone)
    return new Date(Date.UTC(year, month, day)).toISOString().slice(0, length)
  }
  const groupings: Readonly<Record<string, (charge: Counted) => string | null>> = {
    operation: ({ operation }) => operation,
    category: ({ spender }) => spender.category,
    key: ({ spender }) => spender.keys[0] ?? null,
    member: ({ spender }) => spender.member,
    'label:customer': ({ spender }) => spender.labels['customer'] ?? null,
    day: ({ at }) => dated(at, 10),
    month: ({ at }) => dated(at, 7),
  }
  for (const [since, until] of [[BEGIN, last + 1], [BEGIN + 1, middle], [middle, last]] as const) {
    if (since > until) continue
    const inside = charges.filter((charge) => charge.at >= since && charge.at < until)
    const total = inside.reduce((sum, charge) => sum + charge.credits - charge.refunded, 0n)
    for (const [groupBy, keyOf] of Object.entries(groupings)) {
      const report = await credits.usage({ account: id, since, until, groupBy, timeZone: zone })
      same(`usage of ${id} by ${groupBy}`, [report.totalCalls, report.totalCredits], [inside.length, asCredits(total)])
      const sums = new Map<string, { calls: number; credits: bigint }>()
      for (const charge of inside) {
        const key = String(keyOf(charge))
        const sum = sums.get(key) ?? { calls: 0, credits: 0n }
        sums.set(key, { calls: sum.calls + 1, credits: sum.credits + charge.credits - charge.refunded })
      }
      const rows = report.rows.map((row) => [String(row.key), row.calls, row.credits]).sort()
      same(`usage of ${id} by ${groupBy}`, rows, [...sums].map(([key, sum]) => [key, sum.calls, asCredits(sum.credits)]).sort())
    }
  }
}

/** Each month's statement, from the journal as the reference has it: what was there, what came, what went, what is left. */
async function compareStatements(credits: Credits, reference: ReferenceLedger, id: string): Promise<void> {
  const { zone, journal, lastAt } = reference.account(id)
  for (let at = BEGIN; ; ) {
    const { since, until } = calendarSpan(at, 'month', zone)
    if (since > lastAt) return
    const { year, month } = wallAt(since, zone)
    const name = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 7)
    const inside = journal.filter((row) => row.at >= since && row.at < until)
    const of = (...types: readonly string[]) => asCredits(inside.reduce((sum, row) => (types.includes(row.type) ? sum + row.credits : sum), 0n))
    const found = await credits.statement({ account: id, month: name })
    const { granted, spent, refunded, expired, revoked, adjusted } = found
    same(`statement of ${id} for ${name}`, { granted, spent, refunded, expired, revoked, adjusted }, {
      granted: of('grant'),
      spent: of('charge', 'settle'),
      refunded: of('refund'),
      expired: of('expire'),
      revoked: of('revoke'),
      adjusted: of('adjust'),
    })
    const owned = journal.findLast((row) => row.at < until)?.balance ?? 0n
    same(`balance of ${id} at the end of ${name}`, (Math.round(found.closing * 1e6) - Math.round(found.reserved * 1e6)) / 1e6, asCredits(owned))
    at = until
  }
}

/** How many of the last charges are asked for the reason of their price. */
const EXPLAINED = 25

async function compareExplained(credits: Credits, reference: ReferenceLedger, ids: ReadonlyMap<number, string>): Promise<void> {
  for (const [number, charge] of [...reference.charges].slice(-EXPLAINED)) {
    const transaction = ids.get(number)
    if (transaction === undefined) continue
    const { outcome, charged, refunded, grants } = await credits.explain({ account: charge.account, transaction })
    const paid = grants.map(({ source, credits: amount }) => [source, amount])
    same(`why ${transaction} cost what it cost`, { outcome, charged, refunded, paid }, {
      outcome: 'charged',
      charged: asCredits(charge.credits),
      refunded: asCredits(charge.refunded),
      paid: charge.payments.map(({ grant, amount }) => [grant?.source ?? 'debt', asCredits(amount)]),
    })
  }
}

function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}\npredicted ${b}\nanswered  ${a}`)
}
