import { beforeEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { DAY_MS, type Instant, MINUTE_MS } from '../../src/time/instant.js'
import { Ledger } from '../../src/usage/ledger.js'
import { usageReport } from '../../src/usage/report.js'
import { rollUpRound } from '../../src/usage/roll-up.js'
import * as make from '../storage/fixtures.js'
import { catalogVersion, charge, createAccount, grant, T0 } from '../storage/fixtures.js'

let now: Instant
let ledger: Ledger

beforeEach(async () => {
  now = T0
  const store = await openSqliteStore(':memory:')
  const items = { storage: { name: 'Storage', unit: { name: 'gigabyte', plural: 'gigabytes' }, price_per_unit_hour: '0.01' } }
  await store.addCatalogs([catalogVersion(1, 0, { recurring_items: items })], T0)
  ledger = new Ledger({ store, clock: { now: () => now }, defaultAccount: null })
  return () => store.close()
})

const report = (account: string, groupBy: string, since: Instant | null = null) =>
  usageReport(ledger, { account, groupBy, since, until: null, period: null, timeZone: null, label: null, own: null })

async function openWithCharges(id: string, charges: number): Promise<void> {
  await ledger.update(createAccount(id))
  await ledger.update(grant(id, 1_000_000))
  const minutes = Array.from({ length: charges }, (_, index) => index)
  await Promise.all(minutes.map((minute) => ledger.store.update(charge(id, 1, { labels: { n: String(minute % 3) } }), T0 + minute * MINUTE_MS)))
  now = T0 + charges * MINUTE_MS
}

describe('reports and roll-ups', () => {
  it('I8: a report rolls up a long tail first, and tells the same as one that had none', async () => {
    await openWithCharges('acme', 5_400)
    await openWithCharges('short', 100)
    now = T0 + 5_400 * MINUTE_MS
    const first = await report('acme', 'operation', 0)
    expect(first).toMatchObject({ totalCalls: 5_400, totalCredits: 5_400, rows: [{ key: 'work.unit', calls: 5_400, credits: 5_400 }] })
    expect(await ledger.store.rollUp('acme', 0)).toBeLessThanOrEqual(5_000)
    for (const groupBy of ['tool', 'operation', 'category', 'variant', 'label:n', 'label:other', 'day', 'week', 'month']) {
      expect(await report('acme', groupBy, 0), groupBy).toMatchObject({ totalCalls: 5_400, totalCredits: 5_400 })
    }
    expect((await report('acme', 'label:n', 0)).rows.map(({ key, calls }) => [key, calls])).toEqual([['0', 1_800], ['1', 1_800], ['2', 1_800]])
    await report('short', 'operation')
    expect(await ledger.store.rollUp('short', 0)).toBe(101)
  })

  it('a round of housekeeping leaves every account a short tail, and begins again after the last', async () => {
    await openWithCharges('acme', 5_400)
    expect(await rollUpRound(ledger, null)).toBeNull()
    expect(await ledger.store.rollUp('acme', 0)).toBeLessThanOrEqual(5_000)
    expect(await rollUpRound(ledger, 'acme')).toBeNull()
  })

  it('what is due and not yet recorded counts as it will be recorded', async () => {
    await ledger.update(createAccount('acme'))
    await ledger.update(grant('acme', 1_000))
    await ledger.update({ ...charge('acme', 1), kind: 'set_item', item: 'storage', quantity: 10, actor: make.OPERATOR } as Parameters<typeof ledger.update>[0])
    now = T0 + 40 * DAY_MS
    const before = await Promise.all(['operation', 'day', 'category', 'label:x'].map((groupBy) => report('acme', groupBy, T0)))
    expect(before[0]?.totalCredits).toBeGreaterThan(30)
    expect(new Set(before.map((one) => one.totalCredits)).size).toBe(1)
    await ledger.update(make.sweep('acme'))
    expect(await Promise.all(['operation', 'day', 'category', 'label:x'].map((groupBy) => report('acme', groupBy, T0)))).toEqual(before)
  })
})
