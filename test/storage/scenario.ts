import type { BudgetTerms } from '../../src/budgets/budget.js'
import type { Command } from '../../src/decide/command.js'
import type { Outcome } from '../../src/decide/outcome.js'
import { RECORD_KINDS } from '../../src/ledger/account-record.js'
import { quoteOf } from '../../src/ledger/quote.js'
import { transactionId } from '../../src/ledger/transaction.js'
import type { Store } from '../../src/storage/port.js'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS } from '../../src/time/instant.js'
import type { SeededRandom } from '../support/seeded-random.js'
import { journalOf } from './audit.js'
import * as make from './fixtures.js'

export interface Step {
  readonly command: Command
  readonly now: Instant
}

/**
 * A history by chance, decided one command at a time on `store`: several accounts with plans, grants that begin and end,
 * charges, reservations and their ends, refunds, corrections, budgets that come and go, members, repeated and clashing
 * keys, pauses of days and a clock that sometimes steps back. The same steps on another store must come to the same.
 */
export async function recordScenario(random: SeededRandom, store: Store, accounts: readonly string[], length: number): Promise<Step[]> {
  const steps: Step[] = []
  const known = new Map(accounts.map((id) => [id, { reservations: [] as string[], charges: [] as string[], quotes: [] as string[], keys: 0 }]))
  let now = make.T0
  const decide = async (command: Command): Promise<void> => {
    steps.push({ command, now })
    const outcome = await store.update(command, now)
    if (outcome.kind !== 'done' || outcome.transaction === null) return
    const { reservations, charges, quotes } = known.get(command.account) as { reservations: string[]; charges: string[]; quotes: string[] }
    const quote = quoteOf(outcome.transaction)
    if (quote !== null) quotes.push(quote.id)
    if (outcome.transaction.kind === 'reserve' && outcome.reservation !== null) reservations.push(outcome.reservation.id)
    if (outcome.transaction.kind === 'charge' || outcome.transaction.kind === 'settle') charges.push(transactionId(outcome.transaction))
  }
  for (const id of accounts) {
    await decide(make.createAccount(id, { plan: random.pick(['none', 'monthly', 'keeper']), settings: { debtMax: make.credits(random.below(20)) } }))
  }
  while (steps.length < length) {
    now += pauseBefore(random)
    const account = random.pick(accounts)
    const { reservations, charges, quotes, keys } = known.get(account) as { reservations: string[]; charges: string[]; quotes: string[]; keys: number }
    const isKeyed = random.below(4) === 0
    const number = isKeyed && random.below(2) === 0 ? random.below(keys + 1) : keys
    if (isKeyed) known.set(account, { reservations, charges, quotes, keys: Math.max(keys, number + 1) })
    const key = isKeyed ? make.keyed(`key-${number}`, `f${random.below(2)}`) : {}
    await decide(randomCommand(random, account, now, { reservations, charges, quotes, key }))
  }
  return steps
}

interface Known {
  readonly reservations: readonly string[]
  readonly charges: readonly string[]
  readonly quotes: readonly string[]
  readonly key: Partial<ReturnType<typeof make.keyed>>
}

function randomCommand(random: SeededRandom, account: string, now: Instant, { reservations, charges, quotes, key }: Known): Command {
  const held = random.below(3) === 0 ? 'rs_1_0123456789' : (reservations.at(-1 - random.below(5)) ?? 'rs_2_0123456789')
  const charged = charges.at(-1 - random.below(10)) ?? 'tx_1_0123456789'
  const labels = random.below(2) === 0 ? { customer: `c${random.below(3)}` } : null
  const quote = quotes.at(-1 - random.below(3)) ?? 'quote_1_0123456789'
  switch (random.below(21)) {
    case 0:
    case 1: {
      const begins = random.below(3) === 0 ? now + random.below(5 * DAY_MS) : null
      const ends = random.below(2) === 0 ? (begins ?? now) + 1 + random.below(20 * DAY_MS) : null
      const when = { effectiveAt: begins, expiresAt: ends }
      return make.grant(account, 1 + random.below(40), { ...key, ...when, priority: random.pick([10, 20, 50]), isPaid: random.below(2) === 0 })
    }
    case 2:
      return make.charge(account, 1, { ...key, subject: make.operation('image.draw', 1 + random.below(3), { variant: 'large' }), labels })
    case 3:
    case 4:
    case 5: {
      const actor = { ...make.AGENT, member: random.pick([null, null, 'm0', 'm1']) }
      return make.charge(account, random.below(12), { ...key, labels, actor })
    }
    case 6:
    case 7: {
      const call = random.below(3) === 0 ? { key: `call-${random.below(9)}`, fingerprint: 'f' } : null
      const overrun = random.pick(['cap', 'reject', 'debt'] as const)
      return make.reserve(account, 1, { ...key, subject: make.operation('work.open'), call, overrun, labels, ttlMs: 1 + random.below(DAY_MS) })
    }
    case 8:
    case 9:
      return make.settle(account, held, random.below(4) === 0 ? key : { actual: { actual: make.credits(random.below(30)) } })
    case 10:
      return make.release(account, held, key)
    case 11:
      return make.extend(account, held, 1 + random.below(DAY_MS), { isHeartbeat: random.below(2) === 0 })
    case 12:
      return make.refund(account, charged, random.below(2) === 0 ? null : 1 + random.below(5), key)
    case 13:
      return make.setBudget(account, `b${random.below(3)}`, random.below(60), randomTerms(random))
    case 14:
      return make.removeBudget(account, `b${random.below(3)}`)
    case 15:
      return make.putMember(account, `m${random.below(2)}`, random.pick(['owner', 'member', 'viewer'] as const))
    case 16: {
      const calls = Array.from({ length: 1 + random.below(4) }, () => (random.below(3) === 0 ? make.operation('work.open') : make.operation('work.unit', 1 + random.below(4))))
      return make.quote(account, calls, { ...key, isPlan: calls.length > 1 || random.below(3) > 0, ttlMs: 1 + random.below(3 * HOUR_MS) })
    }
    case 17:
      return make.reserveQuoted(account, { quote }, { ...key, labels, ttlMs: 1 + random.below(DAY_MS) })
    case 18:
      return make.charge(account, 1 + random.below(4), { ...key, quote })
    case 19:
      return random.below(2) === 0 ? make.settle(account, quote, key) : random.below(2) === 0 ? make.release(account, quote, key) : make.extend(account, quote, HOUR_MS, key)
    default:
      return make.adjust(account, 1 + random.below(30) - 16 || 1, key)
  }
}

function randomTerms(random: SeededRandom): Partial<BudgetTerms> {
  const kind = random.pick(['day', 'billing_period', 'total', 'rolling'] as const)
  return {
    window: kind === 'rolling' ? { kind, hours: 5 } : { kind },
    scope: {
      values: random.below(2) === 0 ? { operation: 'work.unit' } : {},
      each: random.pick([null, null, 'label:customer', 'member'] as const),
    },
    enforcement: random.pick(['hard', 'alert'] as const),
    thresholds: random.pick([[], [50, 100]]),
  }
}

function pauseBefore(random: SeededRandom): number {
  const kind = random.below(10)
  if (kind === 0) return -random.below(HOUR_MS)
  if (kind === 1) return random.below(20 * DAY_MS)
  return kind < 6 ? 0 : random.below(30 * MINUTE_MS)
}

/** Decides the steps so that whatever waits at one moment shares a commit: `size` callers that all wait at once. */
export async function replayInBatches(store: Store, steps: readonly Step[], size: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (let from = 0; from < steps.length; from += size) {
    outcomes.push(...(await Promise.all(steps.slice(from, from + size).map(({ command, now }) => store.update(command, now)))))
  }
  return outcomes
}

/** Everything that two stores have to agree on; `nextDueAt` may differ, for it may be too early. */
export async function contents(store: Store, accounts: readonly string[]) {
  const rows = (await store.accounts(null, 10_000)).filter(({ id }) => accounts.includes(id))
  const tables = await Promise.all(
    accounts.map(async (id) => ({
      journal: await journalOf(store, id),
      grants: await store.grants(id, 0, 10_000),
      reservations: await store.reservations(id, 0, 10_000),
      records: await Promise.all(RECORD_KINDS.map((kind) => store.records({ account: id, kind, limit: 10_000 }))),
      counters: await store.counters(id, null, 10_000),
    })),
  )
  return { accounts: rows.map(({ nextDueAt: _, ...row }) => row), tables }
}

/** An answer without what may differ between two ways to the same. */
export function comparable(outcome: Outcome): unknown {
  if (outcome.kind === 'refused') return outcome
  const { nextDueAt: _, ...account } = outcome.account
  return { ...outcome, account }
}
