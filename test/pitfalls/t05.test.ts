import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { MINUTE_MS } from '../../src/time/instant.js'
import { type Caller, startCaller } from './callers.js'
import { DATABASES, type DatabaseKind, expectWhole, type SharedLedger, sharedLedger, T0 } from './support.js'

/** Jobs that end and are swept in the same moment; each has an account of its own, so that each is a race of its own. */
const JOBS = Array.from({ length: 24 }, (_, index) => `acme-${index}`)

/** A minute of life, and its end as two clocks see it: one still before it, one behind it. */
const END = T0 + MINUTE_MS
const [BEFORE, AFTER] = [END - 1, END + 1]

interface Held {
  readonly ledger: SharedLedger
  readonly credits: Credits
  readonly reservations: ReadonlyMap<string, string>
  /** Two processes beside this one: one that ends the jobs, one that sweeps. */
  readonly worker: Caller
  readonly sweeper: Caller
}

async function heldJobs(kind: DatabaseKind): Promise<Held> {
  const ledger = await sharedLedger(kind)
  const credits = await ledger.open()
  const reservations = new Map<string, string>()
  for (const account of JOBS) {
    await credits.createAccount({ id: account, plan: 'none' })
    await credits.grant({ account, credits: 50 })
    const { reservation } = await credits.reserve({ account, operation: 'work.job', ttlSeconds: 60 })
    reservations.set(account, String(reservation))
  }
  const [worker, sweeper] = await Promise.all([startCaller(ledger.database), startCaller(ledger.database)])
  return { ledger, credits, reservations, worker, sweeper }
}

/** How each job's reservation stands in the journal: what ended it, and what was charged. */
async function endings({ ledger, credits, reservations }: Held): Promise<readonly string[]> {
  ledger.clock.at = AFTER
  await expectWhole(credits)
  const told: string[] = []
  for (const [account, reservation] of reservations) {
    const { transactions } = await credits.transactions({ account })
    const rows = transactions.filter((row) => row.reservation === reservation).toReversed()
    const { reserved, balance, lifetimeUsed } = await credits.balance({ account })
    const settled = rows.filter(({ type }) => type === 'settle').reduce((sum, row) => sum + row.credits, 0)
    // One terminal transition, and a balance that says what the rows say.
    expect(rows.filter(({ type }) => type === 'release').length, account).toBeLessThanOrEqual(1)
    expect(rows.filter(({ type }) => type === 'settle').length, account).toBeLessThanOrEqual(1)
    expect({ account, reserved, balance, lifetimeUsed }).toEqual({ account, reserved: 0, balance: 50 - settled, lifetimeUsed: settled })
    told.push(rows.map(({ type, credits: moved }) => `${type} ${moved}`).join(', '))
  }
  return told
}

const SETTLED = 'reserve 10, settle 7'
const SWEPT_THEN_CHARGED = 'reserve 10, release 10, settle 7'
const SWEPT = 'reserve 10, release 10'

describe.each(DATABASES)('T05: a sweep and the end of a job, by two processes on %s', (kind) => {
  const settle = ({ worker }: Held, [account, reservation]: readonly [string, string], at: number) =>
    worker.call('settle', { input: { account, reservation, actual: 7, idempotencyKey: 'end' }, at })

  it('T05: settled first, there is nothing to sweep; swept first, the holder is charged late and once', async () => {
    const first = await heldJobs(kind)
    for (const job of first.reservations) expect(await settle(first, job, BEFORE)).toMatchObject({ charged: 7, released: 3, balance: 43 })
    await first.sweeper.call('sweep', { at: AFTER })
    expect(new Set(await endings(first))).toEqual(new Set([SETTLED]))

    const swept = await heldJobs(kind)
    expect(await swept.sweeper.call('sweep', { at: AFTER })).toBe(JOBS.length)
    for (const job of swept.reservations) expect(await settle(swept, job, BEFORE)).toMatchObject({ charged: 7, released: 0, balance: 43 })
    for (const job of swept.reservations) expect(await settle(swept, job, AFTER)).toMatchObject({ charged: 7, replayed: true })
    expect(new Set(await endings(swept))).toEqual(new Set([SWEPT_THEN_CHARGED]))
  })

  it('T05: in the same moment, whichever comes first, each is charged once', async () => {
    const held = await heldJobs(kind)
    const settling = [...held.reservations].map((job) => settle(held, job, BEFORE))
    const [settled] = await Promise.all([Promise.all(settling), held.sweeper.call('sweep', { at: AFTER })])
    for (const answer of settled) expect(answer).toMatchObject({ charged: 7, balance: 43 })
    for (const ending of await endings(held)) expect([SETTLED, SWEPT_THEN_CHARGED]).toContain(ending)
  })

  it('T05: what is given back is given back once: by the sweep or by the failure of the job, never by both', async () => {
    const held = await heldJobs(kind)
    const failing = [...held.reservations].map(([account, reservation]) =>
      held.worker.call('release', { input: { account, reservation, fault: 'provider', idempotencyKey: 'failed' }, at: BEFORE }))
    const [failed] = await Promise.all([Promise.all(failing), held.sweeper.call('sweep', { at: AFTER })])
    for (const answer of failed) expect(answer === 'reservation_not_open' || (answer as { released: number }).released === 10).toBe(true)
    expect(new Set(await endings(held))).toEqual(new Set([SWEPT]))
  })

  it('T05, T06: a charge that was late is refunded once, however many processes find out that the job had failed', async () => {
    const held = await heldJobs(kind)
    await held.sweeper.call('sweep', { at: AFTER })
    for (const job of held.reservations) await settle(held, job, AFTER)
    for (const account of held.reservations.keys()) {
      const [{ id } = { id: '' }] = (await held.credits.transactions({ account, type: 'settle' })).transactions
      const refund = (by: Caller, idempotencyKey: string) => by.call('refund', { input: { account, transaction: id, idempotencyKey }, at: AFTER })
      const answers = await Promise.all([refund(held.worker, 'found by one'), refund(held.sweeper, 'found by another')])
      expect(answers.filter((answer) => answer === 'refund_not_allowed')).toHaveLength(1)
      expect((await held.credits.balance({ account })).balance).toBe(50)
    }
    held.ledger.clock.at = AFTER
    await expectWhole(held.credits)
  })
})
