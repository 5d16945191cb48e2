import { openCredits } from '../../src/credits.js'
import { seededRandom } from '../support/seeded-random.js'
import { CLOSING, Generator } from './generator.js'
import { type Call, credits as asCredits, iso, type Predicted, ReferenceLedger } from './reference-ledger.js'

type Credits = Awaited<ReturnType<typeof openCredits>>

export interface Step {
  readonly now: number
  readonly call: Call
}

/** 2026-01-31T09:30:00Z: an anchor that shorter months do not have. */
const BEGIN = Date.UTC(2026, 0, 31, 9, 30)

const ACCOUNTS = [
  { id: 'debtor', plan: 'none', debtLimit: 20 },
  { id: 'planned', plan: 'free', debtLimit: 12.5 },
  { id: 'builder', plan: 'build', debtLimit: 0 },
  { id: CLOSING, plan: 'free', debtLimit: 4 },
] as const

/** Makes a history by chance. `stepsBack`: the clock sometimes does. */
export function historyBySeed(seed: number, length: number, { stepsBack }: { readonly stepsBack: boolean }): readonly Step[] {
  const reference = begin()
  const generator = new Generator(seededRandom(seed), reference, ACCOUNTS.map(({ id }) => id))
  const steps: Step[] = []
  let now = BEGIN
  for (let number = 0; number < length; number += 1) {
    const next = generator.nextInstant(now)
    now = stepsBack ? next : Math.max(now, next)
    const call = generator.nextCall(number, now)
    steps.push({ now, call })
    reference.call(number, call, now)
  }
  return steps
}

function begin(): ReferenceLedger {
  const reference = new ReferenceLedger()
  for (const { id, plan, debtLimit } of ACCOUNTS) reference.createAccount(id, plan, debtLimit, BEGIN)
  return reference
}

export interface Regime {
  readonly database: string
  /** Closes and opens the ledger after so many calls. */
  readonly reopenEvery?: number
  /** Sweeps after so many calls. */
  readonly sweepEvery?: number
  /** How many calls at most are made at once, where they are of one moment and none needs another's answer. */
  readonly together?: number
  /** Reads balance and history after so many calls. */
  readonly readEvery?: number
}

/** Plays a history in the library and in the reference at once; the first difference is thrown. Answers what it came to. */
export async function play(steps: readonly Step[], regime: Regime): Promise<unknown> {
  const { reopenEvery = Infinity, sweepEvery = Infinity, together = 1, readEvery = 20 } = regime
  let now = BEGIN
  const open = () => openCredits({ database: regime.database, catalog: 'neural-draft', clock: { now: () => now } })
  let credits = await open()
  const reference = begin()
  for (const account of ACCOUNTS) await credits.createAccount(account)
  const ids = new Map<number, string>()
  let reads = 0
  let reopened = 0
  let swept = 0
  for (let from = 0; from < steps.length; ) {
    const size = batchSize(steps, from, together)
    const batch = steps.slice(from, from + size)
    now = (batch[0] as Step).now
    const predicted = batch.map(({ call }, index) => reference.call(from + index, call, now))
    const answers = await Promise.all(batch.map(({ call }) => answerOf(credits, call, ids)))
    batch.forEach(({ call }, index) => compare(from + index, call, { now, predicted: predicted[index] as Predicted, answer: answers[index] as Answer, ids }))
    from += size
    if (from >= reads + readEvery) {
      reads = from
      await compareReads(credits, reference, (batch.at(-1) as Step).call.input.account)
    }
    if (from >= swept + sweepEvery) {
      swept = from
      await credits.sweep()
      for (const account of reference.accounts.values()) account.catchUp(Math.max(now, account.lastAt))
    }
    if (from >= reopened + reopenEvery) {
      reopened = from
      await credits.close()
      credits = await open()
    }
  }
  const end = await finish(credits, reference, now)
  await credits.close()
  return end
}

function batchSize(steps: readonly Step[], from: number, together: number): number {
  let size = 1
  while (size < together) {
    const next = steps[from + size]
    if (next === undefined || next.now !== steps[from]?.now || (next.call.about ?? -1) >= from) break
    size += 1
  }
  return size
}

type Answer = { readonly code: string } | { readonly value: Readonly<Record<string, unknown>> }

/** What the library knows no id for is asked for by one that nobody has. */
async function answerOf(credits: Credits, { verb, holder, input, about }: Call, ids: ReadonlyMap<number, string>): Promise<Answer> {
  const id = about === undefined ? undefined : ids.get(about)
  const named =
    verb === 'refund' ? { transaction: id ?? 'tx_1_0123456789' } : ['settle', 'release', 'extend'].includes(verb) ? { reservation: id ?? 'rs_1_0123456789' } : {}
  const party = credits.as({ holder }) as unknown as Record<string, (input: unknown) => Promise<Readonly<Record<string, unknown>>>>
  try {
    return { value: await (party[verb] as (input: unknown) => Promise<Readonly<Record<string, unknown>>>).call(party, { ...input, ...named }) }
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code !== 'string') throw error
    return { code }
  }
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
  const id = answer.value[call.verb === 'reserve' || call.verb === 'extend' ? 'reservation' : 'transaction']
  if (predicted.row === null) return
  if (typeof id !== 'string' || (ids.has(predicted.row) && ids.get(predicted.row) !== id)) differ()
  ids.set(predicted.row, id as string)
}

async function compareReads(credits: Credits, reference: ReferenceLedger, id: string): Promise<void> {
  const account = reference.account(id)
  const balance = await credits.balance({ account: id })
  same(`balance of ${id}`, pick(balance), {
    state: account.state,
    balance: asCredits(account.balance),
    reserved: asCredits(account.reserved),
    lifetimeUsed: asCredits(account.spent),
    level: account.level(),
    renewsAt: account.plan === null ? null : iso(account.plan.end),
    grants: account.burnable().map((grant) => ({ source: grant.source, remaining: asCredits(grant.remaining), expiresAt: iso(grant.expiresAt) })),
  })
  const { transactions } = await credits.transactions({ account: id, limit: 20 })
  const rows = account.journal.filter((row) => row.type !== 'amend').slice(-20).reverse()
  same(
    `history of ${id}`,
    transactions.map(({ type, at, credits: moved, balanceAfter }) => ({ type, at, moved, balanceAfter })),
    rows.map((row) => ({ type: row.type, at: iso(row.at), moved: asCredits(row.credits), balanceAfter: asCredits(row.balance) })),
  )
}

function pick(balance: Awaited<ReturnType<Credits['balance']>>) {
  const { state, reserved, lifetimeUsed, level } = balance
  const grants = balance.grants.map(({ source, remaining, expiresAt }) => ({ source, remaining, expiresAt }))
  return { state, balance: balance.balance, reserved, lifetimeUsed, level, renewsAt: balance.plan?.renewsAt ?? null, grants }
}

/** Every account as it is in the end, its reports, and that the ledger's own check finds nothing. */
async function finish(credits: Credits, reference: ReferenceLedger, now: number): Promise<unknown> {
  const ends: unknown[] = []
  for (const [id, account] of reference.accounts) {
    account.catchUp(Math.max(now, account.lastAt))
    await compareReads(credits, reference, id)
    await compareUsage(credits, reference, id)
    ends.push({ ...pick(await credits.balance({ account: id })), journal: account.journal })
  }
  await credits.sweep()
  const verified = await credits.verify()
  const rows = [...reference.accounts.values()].reduce((sum, account) => sum + account.journal.length, 0)
  same('the check of the ledger', { problems: verified.problems, transactions: verified.transactions }, { problems: [], transactions: rows })
  return ends
}

async function compareUsage(credits: Credits, reference: ReferenceLedger, id: string): Promise<void> {
  const charges = [...reference.charges.values()].filter((charge) => charge.account === id)
  const last = Math.max(BEGIN, ...charges.map((charge) => charge.at))
  const middle = BEGIN + Math.floor((last - BEGIN) / 2)
  for (const [since, until] of [[BEGIN, last + 1], [BEGIN + 1, middle], [middle, last]] as const) {
    const inside = charges.filter((charge) => charge.at >= since && charge.at < until)
    const groupings = {
      operation: (charge: (typeof inside)[number]) => charge.operation,
      category: () => null,
      'label:customer': (charge: (typeof inside)[number]) => charge.customer,
      day: (charge: (typeof inside)[number]) => new Date(charge.at).toISOString().slice(0, 10),
      month: (charge: (typeof inside)[number]) => new Date(charge.at).toISOString().slice(0, 7),
    }
    for (const [groupBy, keyOf] of Object.entries(groupings)) {
      const report = await credits.usage({ account: id, since, until, groupBy, timeZone: 'UTC' })
      const total = inside.reduce((sum, charge) => sum + charge.credits - charge.refunded, 0n)
      same(`usage of ${id} by ${groupBy}`, [report.totalCalls, report.totalCredits], [inside.length, asCredits(total)])
      if (groupBy === 'category') continue
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

function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}\npredicted ${b}\nanswered  ${a}`)
}
