import { describe, expect, it } from 'vitest'
import type { Subscription } from '../../src/ledger/account.js'
import { proratedDifference } from '../../src/plans/allowance.js'
import { firstPeriod, lastKnownPlan, nextPeriod } from '../../src/plans/period.js'
import { monthBoundary } from '../../src/time/calendar.js'
import { DAY_MS } from '../../src/time/instant.js'
import { PLANNED, withoutPlan } from '../decide/plan-catalog.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'

const ZONES = [
  'Etc/GMT+12', 'Pacific/Pago_Pago', 'America/Los_Angeles', 'America/New_York', 'UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu',
  'Australia/Lord_Howe', 'Pacific/Apia', 'Pacific/Chatham', 'Pacific/Kiritimati',
]

describe('periods of an account that moves', () => {
  const seed = newSeed()

  it(`T22: follow each other without a gap, each ends by the anchor in the zone it opened in, whatever zones come (seed ${seed})`, () => {
    const random = seededRandom(seed)
    for (let account = 0; account < 60; account += 1) {
      const anchorAt = Date.UTC(2009, random.below(12), 27 + random.below(5), random.below(24), random.below(60))
      let running: Subscription = { ...firstPeriod('small', anchorAt, random.pick(ZONES)), periodBase: 0n }
      for (let period = 1; period <= 40; period += 1) {
        const zone = random.pick(ZONES)
        const next = nextPeriod(running, zone)
        expect([next.anchorAt, next.period, next.periodStart]).toEqual([anchorAt, period, running.periodEnd])
        expect(next.periodEnd).toBe(monthBoundary(anchorAt, period + 1, zone))
        const days = (next.periodEnd - next.periodStart) / DAY_MS
        expect(days > 25 && days < 35, `${days} days of period ${period} in ${zone} from ${anchorAt}`).toBe(true)
        running = { ...next, periodBase: 0n }
      }
    }
  })
})

describe('a part of a higher allowance', () => {
  const period = { periodStart: 0, periodEnd: 3_000 }

  it.each([
    ['all of it at the start', 10n, 40n, 0, 30n],
    ['half of it in the middle', 10n, 40n, 1_500, 15n],
    ['rounded down, never up', 10n, 40n, 1_501, 14n],
    ['a last millisecond of a billion', 0n, 1_000_000_000n, 2_999, 333_333n],
    ['nothing of a lower one', 40n, 10n, 0, 0n],
    ['nothing of the same', 40n, 40n, 0, 0n],
  ] as const)('is %s', (_, from, to, at, expected) => {
    expect(proratedDifference({ from, to }, period, at)).toBe(expected)
  })
})

describe('a plan', () => {
  it('is known as it is, or as it was before the catalog dropped it, and not before it was announced', () => {
    const catalogs = withoutPlan('small', 1_000)
    expect(lastKnownPlan(catalogs, 'small', 999)?.monthlyCredits).toBe(20_000_000n)
    expect(lastKnownPlan(catalogs, 'small', 1_000)?.monthlyCredits).toBe(20_000_000n)
    expect(lastKnownPlan(PLANNED, 'nothing', 1_000)).toBeUndefined()
    const [first] = PLANNED
    const later = catalogs.map((version) => ({ ...version, effectiveAt: version === first ? 2_000 : 0 }))
    const announced = later.toReversed()
    expect(lastKnownPlan(announced, 'small', 1_999)).toBeUndefined()
    expect(lastKnownPlan(announced, 'small', 2_000)?.id).toBe('small')
  })
})
