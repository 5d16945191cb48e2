import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/time/instant.js'
import { localDate, localPeriod, localTime } from './local-calendar.js'
import { DATABASES, expectWhole, outcome, sharedLedger, type SharedLedger } from './support.js'

const ACCOUNT = 'acme'
const at = Date.parse

/** From the first zone of a day to the last; halves and quarters of an hour; where the clock changes by half of one. */
const ZONES = [
  'Pacific/Kiritimati',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Australia/Lord_Howe',
  'Australia/Adelaide',
  'Asia/Shanghai',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Europe/Berlin',
  'UTC',
  'America/St_Johns',
  'America/New_York',
  'Pacific/Marquesas',
  'Etc/GMT+12',
]

/** An ordinary moment, one close to a day's end somewhere, the last of a year, a leap day. */
const MOMENTS = ['2026-01-15T10:00:00Z', '2026-06-30T23:59:59.999Z', '2026-12-31T11:30:00Z', '2028-02-29T00:00:00Z'].map(at)

/**
 * Days on which a clock changes, by what happens at the change: the hours that the day has, and where its midnight is not
 * one. By the time-zone database; 2018 was the last year in which Brazil changed, at midnight.
 */
const CHANGES: readonly (readonly [zone: string, noon: string, hours: number])[] = [
  ['Europe/Berlin', '2026-03-29T10:00:00Z', 23],
  ['Europe/Berlin', '2026-10-25T10:00:00Z', 25],
  ['America/New_York', '2026-03-08T16:00:00Z', 23],
  ['America/New_York', '2026-11-01T16:00:00Z', 25],
  ['Australia/Lord_Howe', '2026-10-04T01:00:00Z', 23.5],
  ['Australia/Lord_Howe', '2026-04-05T01:00:00Z', 24.5],
  ['Pacific/Chatham', '2026-09-27T00:00:00Z', 23],
  ['Pacific/Chatham', '2026-04-05T00:00:00Z', 25],
  ['America/Sao_Paulo', '2018-11-04T15:00:00Z', 23],
  ['America/Sao_Paulo', '2018-02-17T15:00:00Z', 25],
  ['Pacific/Apia', '2011-12-31T00:00:00Z', 24],
]

async function account(ledger: SharedLedger, zone: string, now: number): Promise<Credits> {
  const credits = await ledger.open()
  ledger.clock.at = now
  await credits.createAccount({ id: ACCOUNT, plan: 'none', timeZone: zone })
  await credits.grant({ account: ACCOUNT, credits: 1_000 })
  return credits
}

const charge = (credits: Credits) => outcome(credits.charge({ account: ACCOUNT, operation: 'work.unit' }))

async function windowOf(credits: Credits) {
  const { since, resetsAt } = (await credits.budgets({ account: ACCOUNT })).budgets[0] as { since: string; resetsAt: string }
  return { since: at(since), until: at(resetsAt) }
}

/** One charge a window, from its first instant to its last: at every instant before the end another is refused. */
async function expectOneCharge(ledger: SharedLedger, credits: Credits, { since, until }: { since: number; until: number }): Promise<void> {
  ledger.clock.at = since
  expect(await charge(credits)).toBe('done')
  expect(await windowOf(credits)).toEqual({ since, until })
  for (const then of [since, since + MINUTE_MS, Math.floor((since + until) / 2), until - 1]) {
    ledger.clock.at = then
    expect(await charge(credits), new Date(then).toISOString()).toBe('budget_exceeded')
  }
}

describe('T21: a budget of a day lasts from one local midnight to the next', () => {
  it.each(ZONES)('in %s', async (zone) => {
    for (const moment of MOMENTS) {
      const ledger = await sharedLedger()
      const credits = await account(ledger, zone, moment - 2 * DAY_MS)
      await credits.setBudget({ account: ACCOUNT, id: 'day', window: 'day', limit: 1 })
      const day = localPeriod(moment, 'day', zone)
      expect([localTime(day.since, zone), localTime(day.until, zone), day.until - day.since]).toEqual(['00:00', '00:00', DAY_MS])
      await expectOneCharge(ledger, credits, day)
      await expectOneCharge(ledger, credits, localPeriod(day.until, 'day', zone))
      await expectWhole(credits)
    }
  })

  it.each(CHANGES)('in %s around %s, a day of %d hours', async (zone, noon, hours) => {
    const day = localPeriod(at(noon), 'day', zone)
    expect((day.until - day.since) / HOUR_MS).toBe(hours)
    const ledger = await sharedLedger()
    const credits = await account(ledger, zone, day.since - 3 * DAY_MS)
    await credits.setBudget({ account: ACCOUNT, id: 'day', window: 'day', limit: 1 })
    // The day before, the day itself and the day after: none covers a stretch of another.
    const days = [localPeriod(day.since - 1, 'day', zone), day, localPeriod(day.until, 'day', zone)]
    for (const one of days) await expectOneCharge(ledger, credits, one)
    await expectWhole(credits)
  })

  it('where a calendar left a day out, it goes from the day before to the day after', async () => {
    const last = localPeriod(at('2011-12-30T00:00:00Z'), 'day', 'Pacific/Apia')
    expect([localDate(last.until - 1, 'Pacific/Apia'), localDate(last.until, 'Pacific/Apia')]).toEqual(['2011-12-29', '2011-12-31'])
    const ledger = await sharedLedger()
    const credits = await account(ledger, 'Pacific/Apia', last.since - DAY_MS)
    await credits.setBudget({ account: ACCOUNT, id: 'day', window: 'day', limit: 1 })
    await expectOneCharge(ledger, credits, last)
    await expectOneCharge(ledger, credits, localPeriod(last.until, 'day', 'Pacific/Apia'))
  })

  it.each(['week', 'month'] as const)('and one of a %s from the midnight that begins it to the one that ends it, clock changes included', async (unit) => {
    for (const zone of ['Pacific/Kiritimati', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Europe/Berlin', 'America/New_York', 'Etc/GMT+12']) {
      const ledger = await sharedLedger()
      const credits = await account(ledger, zone, at('2026-01-01T00:00:00Z'))
      await credits.setBudget({ account: ACCOUNT, id: unit, window: unit, limit: 1 })
      for (const moment of ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01'].map((day) => at(`${day}T12:00:00Z`))) {
        const period = localPeriod(moment, unit, zone)
        if (period.since < ledger.clock.at) continue
        await expectOneCharge(ledger, credits, period)
      }
      await expectWhole(credits)
    }
  })

  it.each(DATABASES)('on %s, for two stores at once', async (kind) => {
    const ledger = await sharedLedger(kind)
    const day = localPeriod(at('2026-10-04T01:00:00Z'), 'day', 'Australia/Lord_Howe')
    const credits = await account(ledger, 'Australia/Lord_Howe', day.since - DAY_MS)
    const other = await ledger.open()
    await credits.setBudget({ account: ACCOUNT, id: 'day', window: 'day', limit: 3 })
    for (const then of [day.since, day.until]) {
      ledger.clock.at = then - 1
      await Promise.all([credits, other].map(charge))
      ledger.clock.at = then
      const told = await Promise.all(Array.from({ length: 8 }, (_, index) => charge(index % 2 === 0 ? credits : other)))
      expect(told.filter((one) => one === 'done')).toHaveLength(3)
    }
    await expectWhole(credits)
  })
})
