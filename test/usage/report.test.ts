import { beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T22:30:00Z')
const HOUR = 3_600_000

describe('the usage report', () => {
  let now: number
  let credits: Credits

  beforeEach(async () => {
    now = T0
    credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => now } })
    await credits.createAccount({ id: 'acme', plan: 'hobby', timeZone: 'Europe/Berlin' })
    return () => credits.close()
  })

  const charge = async (operation: string, more: object = {}) => (await credits.charge({ account: 'acme', operation, ...more })).transaction as string
  const usage = (more: object = {}) => credits.usage({ account: 'acme', ...more })
  const rowsOf = async (more: object) => (await usage(more)).rows.map(({ key, calls, credits: spent }) => [key, calls, spent])

  it('groups by what is asked for, the most expensive first, always to the same total', async () => {
    await charge('blog.post', { labels: { customer: 'c1', 'a.b"c': 'x' } })
    await charge('chat.message', { labels: { customer: 'c2' } })
    await charge('social.post', { variant: 'image', labels: { customer: 'c1' } })
    const held = await credits.reserve({ account: 'acme', operation: 'video.clip' })
    await credits.settle({ account: 'acme', reservation: held.reservation as string, actual: 30 })
    expect(await rowsOf({ groupBy: 'operation' })).toEqual([
      ['blog.post', 1, 60],
      ['social.post', 1, 37],
      ['video.clip', 1, 30],
      ['chat.message', 1, 1],
    ])
    expect(await rowsOf({ groupBy: 'category' })).toEqual([
      ['content', 1, 60],
      ['social', 1, 37],
      ['video', 1, 30],
      ['chat', 1, 1],
    ])
    expect(await rowsOf({ groupBy: 'label:customer' })).toEqual([
      ['c1', 2, 97],
      [null, 1, 30],
      ['c2', 1, 1],
    ])
    expect(await rowsOf({ groupBy: 'label:a.b"c' })).toEqual([
      [null, 3, 68],
      ['x', 1, 60],
    ])
    expect(await rowsOf({ groupBy: 'variant' })).toEqual([
      [null, 2, 61],
      ['image', 1, 37],
      ['budget', 1, 30],
    ])
    for (const groupBy of ['tool', 'member', 'key']) expect(await rowsOf({ groupBy })).toEqual([[null, 4, 128]])
    for (const groupBy of ['tool', 'operation', 'category', 'label:customer', 'day', 'week', 'month']) {
      const report = await usage({ groupBy })
      expect([report.totalCalls, report.totalCredits]).toEqual([4, 128])
      expect(report.rows.reduce((sum, row) => sum + row.share, 0)).toBeCloseTo(1, 12)
    }
    expect(await rowsOf({ groupBy: 'operation', label: { name: 'customer', value: 'c1' } })).toEqual([
      ['blog.post', 1, 60],
      ['social.post', 1, 37],
    ])
  })

  it('counts a refund at the time of its charge, however late it is made', async () => {
    const first = await charge('blog.post')
    now += 48 * HOUR
    await charge('chat.message')
    await credits.refund({ account: 'acme', transaction: first, credits: 20 })
    expect(await rowsOf({ groupBy: 'day', timeZone: 'UTC' })).toEqual([
      ['2026-03-10', 1, 40],
      ['2026-03-12', 1, 1],
    ])
    expect((await usage({ since: T0 + 1 })).totalCredits).toBe(1)
    expect((await usage({ since: T0, until: T0 + 1 })).totalCredits).toBe(40)
  })

  it("SF-14: divides days at the zone's midnight, the account's unless another is asked for", async () => {
    await charge('chat.message')
    now += HOUR / 2 - 1
    await charge('chat.message')
    now += 1
    await charge('page.edit')
    expect(await rowsOf({ groupBy: 'day' })).toEqual([
      ['2026-03-10', 2, 2],
      ['2026-03-11', 1, 2],
    ])
    expect((await usage({ groupBy: 'day' })).period.timeZone).toBe('Europe/Berlin')
    expect(await rowsOf({ groupBy: 'day', timeZone: 'UTC' })).toEqual([['2026-03-10', 3, 4]])
    expect(await rowsOf({ groupBy: 'day', timeZone: 'Asia/Kathmandu' })).toEqual([['2026-03-11', 3, 4]])
    expect(await rowsOf({ groupBy: 'week' })).toEqual([['2026-03-09', 3, 4]])
    expect(await rowsOf({ groupBy: 'month' })).toEqual([['2026-03', 3, 4]])
  })

  it('takes `since` in and leaves `until` out, to the millisecond', async () => {
    await charge('chat.message')
    now += 1
    await charge('page.edit')
    expect((await usage({ since: T0, until: T0 + 1 })).totalCredits).toBe(1)
    expect((await usage({ since: T0 + 1, until: T0 + 2 })).totalCredits).toBe(2)
    expect((await usage({ since: T0 + 1, until: T0 + 1 })).totalCalls).toBe(0)
    expect((await usage()).totalCredits).toBe(3)
  })

  it('agrees with the balance and the history when more is due than one write would record', async () => {
    const catalog = {
      id: 'items',
      name: 'Items',
      unit: { name: 'credit', plural: 'credits', credit_usd: null },
      price_increase_notice_days: 30,
      operations: { unit: { name: 'Unit', price: { model: 'per_unit', credits: '1' } } },
      recurring_items: { domain: { name: 'Domain', unit: { name: 'domain', plural: 'domains' }, price_per_unit_hour: '0.01' } },
    }
    const ledger = await openCredits({ database: ':memory:', catalog, clock: { now: () => now } })
    await ledger.createAccount({ id: 'acme' })
    await ledger.grant({ account: 'acme', credits: 1_000 })
    await ledger.setItem({ account: 'acme', item: 'domain', quantity: 1 })
    const since = now
    now = Date.parse('2026-03-31T12:00:00Z')
    const expiresAt = Date.parse('2026-04-01T00:00:00Z')
    for (let index = 0; index < 650; index += 1) await ledger.grant({ account: 'acme', credits: 1, priority: 90, expiresAt: expiresAt + index * 1_000 })
    now = Date.parse('2026-04-10T00:00:00Z')
    const told = async () => [
      await ledger.balance({ account: 'acme' }),
      (await ledger.usage({ account: 'acme', since })).totalCredits,
      await ledger.transactions({ account: 'acme', limit: 1_000 }),
      await ledger.statement({ account: 'acme', month: '2026-04' }),
    ]
    const projected = await told()
    expect(projected[1]).toBeGreaterThan(0)
    expect(await ledger.sweep()).toBe(1)
    expect(await told()).toEqual(projected)
    await ledger.close()
  })

  it('covers the last thirty days unless told otherwise', async () => {
    await charge('chat.message')
    now = T0 + 30 * 24 * HOUR
    expect((await usage()).totalCalls).toBe(1)
    now += 1
    expect(await usage()).toMatchObject({ totalCalls: 0, totalCredits: 0, rows: [], burnRatePerDay: 0, runsOutAt: null })
  })

  it('AX-23: says how fast credits burn over the part of the period that has passed, and when they run out', async () => {
    await credits.grant({ account: 'acme', credits: 60 })
    await charge('blog.post', { quantity: 10 })
    now = T0 + 2 * 24 * HOUR
    const report = await usage({ since: T0, until: T0 + 10 * 24 * HOUR })
    expect(report.burnRatePerDay).toBe(300)
    expect(report.runsOutAt).toBe(new Date(now + (4_460 / 300) * 24 * HOUR).toISOString())
  })

  it('a forecast beyond the year 9999 is none: such a date says nothing', async () => {
    await charge('chat.message')
    await credits.grant({ account: 'acme', credits: 100_000_000 })
    now = T0 + 24 * HOUR
    expect((await usage({ since: T0, until: T0 + 10 * 24 * HOUR })).runsOutAt).toBeNull()
  })

  it('WC-16: compares with the period of the same length just before as much as has passed', async () => {
    await charge('blog.post')
    now += 10 * HOUR
    await charge('chat.message', { quantity: 10 })
    now += 5 * HOUR
    // Five hours of a day have passed: what counts before it is the five hours before.
    const today = await usage({ since: now - 5 * HOUR, until: now + 19 * HOUR })
    expect([today.totalCredits, today.previous, today.change]).toEqual([10, null, null])
    const longer = await usage({ since: now - 10 * HOUR, until: now + 19 * HOUR })
    expect([longer.totalCredits, longer.previous, longer.change]).toEqual([10, { calls: 1, credits: 60 }, (10 - 60) / 60])
    const label = { name: 'customer', value: 'c1' }
    expect(await usage({ since: now - 10 * HOUR, label })).toMatchObject({ totalCalls: 0, previous: null, change: null })
  })

  it('WC-16: has no change to tell where nothing was paid before, and a period without length has none before it', async () => {
    const refunded = await charge('blog.post')
    await credits.refund({ account: 'acme', transaction: refunded })
    now += HOUR
    await charge('chat.message')
    expect(await usage({ since: T0 + 1, until: now + 1 })).toMatchObject({ totalCredits: 1, previous: { calls: 1, credits: 0 }, change: null })
    expect(await usage({ since: now, until: now })).toMatchObject({ previous: null, change: null })
    expect(await usage({ since: 0 })).toMatchObject({ totalCalls: 2, previous: null })
  })

  it('WC-13: begins with what costs most', async () => {
    for (const operation of ['chat.message', 'blog.post', 'page.edit']) await charge(operation)
    const spent = (await usage({ groupBy: 'operation' })).rows.map((row) => row.credits)
    expect(spent).toEqual([...spent].sort((a, b) => b - a))
  })

  it('SF-06: one label scopes a summary by day, week, month, feature and any other label', async () => {
    await charge('blog.post', { labels: { persona: 'ada', platform: 'x', automation: 'daily' } })
    await charge('chat.message', { labels: { persona: 'ada', platform: 'y' } })
    await charge('page.edit', { labels: { persona: 'bob', platform: 'x' } })
    const label = { name: 'persona', value: 'ada' }
    expect(await rowsOf({ groupBy: 'operation', label })).toEqual([['blog.post', 1, 60], ['chat.message', 1, 1]])
    expect(await rowsOf({ groupBy: 'label:platform', label })).toEqual([['x', 1, 60], ['y', 1, 1]])
    expect(await rowsOf({ groupBy: 'label:automation', label })).toEqual([['daily', 1, 60], [null, 1, 1]])
    for (const groupBy of ['day', 'week', 'month']) expect((await usage({ groupBy, label })).totalCredits).toBe(61)
    expect(await rowsOf({ groupBy: 'label:platform' })).toEqual([['x', 2, 62], ['y', 1, 1]])
  })

  it('I8: shares of any rows add up to 1, as they are told', async () => {
    for (let index = 0; index < 7; index += 1) await charge('chat.message', { quantity: 1 + index, labels: { n: String(index), three: String(index % 3) } })
    for (const groupBy of ['label:n', 'label:three', 'operation']) {
      const { rows } = await usage({ groupBy })
      expect(Math.abs(rows.reduce((sum, row) => sum + row.share, 0) - 1)).toBeLessThan(1e-12)
      for (const row of rows) expect(row.share).toBeCloseTo(row.credits / 28, 11)
    }
  })

  it('T32: what the catalog no longer tells is marked as unknown: a group of its own, in the total and never 0', async () => {
    const document = { id: 'one', name: 'One', unit: { name: 'credit', plural: 'credits', credit_usd: '0.5' }, price_increase_notice_days: 0 }
    const price = { model: 'flat', credits: '2' }
    const other = await openCredits({ database: ':memory:', catalog: { ...document, operations: { 'a.one': { name: 'A', price }, 'b.two': { name: 'B', price } } }, clock: { now: () => now } })
    await other.createAccount({ id: 'acme' })
    await other.grant({ account: 'acme', credits: 10 })
    for (const operation of ['a.one', 'b.two']) await other.charge({ account: 'acme', operation })
    expect((await other.usage({ account: 'acme', groupBy: 'category' })).rows.map((row) => [row.key, row.credits, row.usd])).toEqual([['a', 2, 1], ['b', 2, 1]])
    now += 1
    const shorter = { ...document, unit: { ...document.unit, credit_usd: null }, operations: { 'a.one': { name: 'A', price } } }
    await other.applyCatalog(shorter)
    expect((await other.usage({ account: 'acme', groupBy: 'category' })).rows.map((row) => [row.key, row.credits, row.usd])).toEqual([['a', 2, null], [null, 2, null]])
    await other.close()
  })

  it('gives dollars where the catalog fixes what a credit is worth, none where it does not', async () => {
    await charge('blog.post')
    expect((await usage()).rows[0]?.usd).toBeNull()
    const starter = await openCredits({ database: ':memory:', catalog: 'starter', clock: { now: () => now } })
    await starter.createAccount({ id: 'acme' })
    await starter.charge({ account: 'acme', operation: 'tool.call' })
    expect((await starter.usage({ account: 'acme' })).rows).toEqual([{ key: null, calls: 1, credits: 1, usd: 0.01, share: 1 }])
    await starter.close()
  })

  it('refuses another grouping, a period that ends before it begins and an account that is not there', async () => {
    await expect(usage({ groupBy: 'colour' })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('label:<name>') })
    await expect(usage({ groupBy: 'label:' })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(usage({ since: T0 + 1, until: T0 })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(credits.usage({ account: 'nobody' })).rejects.toMatchObject({ code: 'unknown_account' })
  })
})
