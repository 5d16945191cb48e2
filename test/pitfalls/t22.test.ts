import { describe, expect, it } from 'vitest'
import { instantOf, monthsLater } from '../plans/wall-calendar.js'
import { expectWhole, sharedLedger } from './support.js'

const ACCOUNT = 'acme'
const MONTHS = 48

/** From the January before a leap day, so that February has 28 days and 29. */
const anchorOn = (day: number) => ({ year: 2027, month: 1, day, hour: 23, minute: 30 })

describe('T22: 48 months of a plan that began at the end of January', () => {
  it.each([
    ['SQLite', 28, 'UTC'],
    ['SQLite', 29, 'America/New_York'],
    ['SQLite', 30, 'Asia/Kolkata'],
    ['SQLite', 31, 'Australia/Lord_Howe'],
    ['PostgreSQL', 31, 'Europe/Berlin'],
  ] as const)('on %s, by the anchor %d in %s: one grant a period, told of beforehand, and the day comes back after each short month', async (kind, day, timeZone) => {
    const ledger = await sharedLedger(kind)
    const boundary = (month: number) => instantOf(monthsLater(anchorOn(day), month), timeZone).at
    ledger.clock.at = boundary(0)
    const [first, other] = await Promise.all([ledger.open(), ledger.open()])
    await first.createAccount({ id: ACCOUNT, plan: 'monthly', timeZone })
    // Two stores take turns at catching up, one month or several at a time.
    for (let month = 1; month < MONTHS; month += 1 + (month % 3)) {
      const at = boundary(month)
      ledger.clock.at = at - 1
      expect((await first.balance({ account: ACCOUNT })).plan?.renewsAt).toBe(new Date(at).toISOString())
      ledger.clock.at = at
      await (month % 2 === 0 ? first : other).sweep()
    }
    ledger.clock.at = boundary(MONTHS) - 1
    await Promise.all([first.sweep(), other.sweep()])

    const { transactions } = await other.transactions({ account: ACCOUNT, type: 'grant', limit: 100 })
    const expected = Array.from({ length: MONTHS }, (_, month) => new Date(boundary(month)).toISOString())
    expect(transactions.map(({ at }) => at).reverse()).toEqual(expected)
    expect((await first.balance({ account: ACCOUNT })).balance).toBe(MONTHS * 100)
    await expectWhole(first)
  })
})

describe('T22: the months that an anchor on the 31st makes', () => {
  it('are Jan 31, Feb 28, Mar 31, Apr 30 and so on, and Feb 29 in a leap year', async () => {
    const ledger = await sharedLedger()
    ledger.clock.at = Date.UTC(2027, 0, 31, 10)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'monthly' })
    ledger.clock.at = Date.UTC(2028, 3, 1)
    await credits.sweep()
    const { transactions } = await credits.transactions({ account: ACCOUNT, type: 'grant', limit: 100 })
    expect(transactions.map(({ at }) => at.slice(0, 10)).reverse()).toEqual([
      '2027-01-31', '2027-02-28', '2027-03-31', '2027-04-30', '2027-05-31', '2027-06-30', '2027-07-31', '2027-08-31',
      '2027-09-30', '2027-10-31', '2027-11-30', '2027-12-31', '2028-01-31', '2028-02-29', '2028-03-31',
    ])
  })
})
