import { describe, expect, it } from 'vitest'
import { formatInstant } from '../../src/time/instant.js'
import { MemoryLedger } from '../decide/memory-ledger.js'
import { PLANNED } from '../decide/plan-catalog.js'
import { instantOf, monthsLater, type WallTime } from './wall-calendar.js'

const ZONES = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'Europe/Berlin']
const MONTHS = 48

const OPERATOR = { key: null, member: null, holder: 'operator', run: null } as const
const BY = { account: 'acme', actor: OPERATOR, idempotencyKey: null, fingerprint: null } as const

/** An account that began a plan at an instant and is looked at only once. */
function ledgerOf(anchorAt: number, timeZone: string, lastAt: number): MemoryLedger {
  const ledger = new MemoryLedger(PLANNED)
  const settings = { id: 'acme', timeZone, parent: null, isTest: false, debtMax: 0n, labelSalt: 'salt' }
  ledger.run({ kind: 'create_account', settings, plan: 'small', ...BY }, anchorAt)
  ledger.run({ kind: 'sweep', ...BY }, lastAt)
  return ledger
}

/** Runs 48 months from an anchor in a zone, compares every boundary, and tells how many fell on a clock change. */
function compare(anchor: WallTime, zone: string): Record<'once' | 'twice' | 'never', number> {
  const months = Array.from({ length: MONTHS + 1 }, (_, month) => month)
  const boundaries = months.map((month) => instantOf(monthsLater(anchor, month), zone))
  const expected = boundaries.map(({ at }) => formatInstant(at))
  const anchorAt = boundaries[0]?.at ?? 0
  const ledger = ledgerOf(anchorAt, zone, (boundaries[MONTHS]?.at ?? 0) - 1)
  const grants = ledger.journal.filter((row) => row.kind === 'grant')
  const label = `${JSON.stringify(anchor)} ${zone}`
  expect(grants.map((row) => formatInstant(row.at)), label).toEqual(expected.slice(0, MONTHS))
  expect(grants.map((row) => row.detail['expiresAt']), label).toEqual(expected.slice(1))
  expect(grants.map((row) => row.detail['period']), label).toEqual(months.slice(0, MONTHS))
  expect(ledger.account?.books.available, label).toBe(20_000_000n)
  expect(ledger.problems(), label).toEqual([])
  const count = { once: 0, twice: 0, never: 0 }
  for (const { occurs } of boundaries) count[occurs] += 1
  return count
}

describe('48 months of a plan', () => {
  it.each(ZONES.flatMap((zone) => [28, 29, 30, 31].map((day) => [day, zone] as const)))(
    'T22, ND-20: from the %d in %s have one grant a period, at the boundaries of a calendar',
    (day, zone) => {
      // From January 2010: over the day that Samoa left out, a leap day, and eight changes to summer time and back.
      for (const [hour, minute] of [[0, 0], [10, 0], [23, 59]] as const) compare({ year: 2010, month: 1, day, hour, minute }, zone)
    },
  )

  it('T22, T24: over 2011-12-30, which Samoa left out, boundaries of the 30th and the 31st fall on the 31st', () => {
    const december = (day: number) => formatInstant(instantOf({ year: 2011, month: 12, day, hour: 10, minute: 0 }, 'Pacific/Apia').at)
    expect([29, 30, 31].map(december)).toEqual(['2011-12-29T20:00:00.000Z', '2011-12-30T20:00:00.000Z', '2011-12-30T20:00:00.000Z'])
    expect(compare({ year: 2010, month: 1, day: 30, hour: 10, minute: 0 }, 'Pacific/Apia')).toEqual({ once: 48, twice: 0, never: 1 })
    expect(compare({ year: 2010, month: 1, day: 31, hour: 10, minute: 0 }, 'Pacific/Apia').never).toBe(0)
  })

  it('T21, T22: a local time that a clock change skips comes as much later, one that it repeats is the first of the two', () => {
    const berlin = { year: 2010, month: 10, day: 31, hour: 2, minute: 30 }
    expect(formatInstant(instantOf(berlin, 'Europe/Berlin').at)).toBe('2010-10-31T00:30:00.000Z')
    expect(formatInstant(instantOf({ ...berlin, year: 2013, month: 3 }, 'Europe/Berlin').at)).toBe('2013-03-31T01:30:00.000Z')
    expect(compare(berlin, 'Europe/Berlin')).toEqual({ once: 47, twice: 1, never: 1 })
    expect(compare({ year: 2010, month: 1, day: 31, hour: 2, minute: 30 }, 'Europe/Berlin')).toEqual({ once: 47, twice: 1, never: 1 })
    // Lord Howe moves by half an hour: at two o'clock on 31 October 2004 to half past, on 31 March 2002 back to half past one.
    expect(compare({ year: 2001, month: 1, day: 31, hour: 2, minute: 15 }, 'Australia/Lord_Howe')).toEqual({ once: 48, twice: 0, never: 1 })
    expect(compare({ year: 2001, month: 1, day: 31, hour: 1, minute: 45 }, 'Australia/Lord_Howe')).toEqual({ once: 48, twice: 1, never: 0 })
    // New York went back from two to one on 31 October 2004; Samoa forward from three to four on 30 September 2012.
    expect(compare({ year: 2001, month: 1, day: 31, hour: 1, minute: 30 }, 'America/New_York').twice).toBe(1)
    expect(compare({ year: 2010, month: 1, day: 30, hour: 3, minute: 30 }, 'Pacific/Apia').never).toBe(2)
  })

  it.each(ZONES)('T22: begun at 02:30 on the 31st, the night of a clock change, in %s keep that time of day', (zone) => {
    compare({ year: 2004, month: 10, day: 31, hour: 2, minute: 30 }, zone)
    compare({ year: 2002, month: 3, day: 31, hour: 3, minute: 30 }, zone)
  })
})
