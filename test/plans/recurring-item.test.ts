import { describe, expect, it } from 'vitest'
import { recurringCost } from '../../src/catalog/recurring.js'
import { addUnitTime, NO_TIME, partsOfUnitTime, unitHours } from '../../src/money/unit-time.js'
import { beginItem, itemLines, itemsDueAt, meteredTo, nextItemsDueAt } from '../../src/plans/recurring-item.js'
import { HOUR_MS } from '../../src/time/instant.js'
import { catalogOf, SELLING, SELLING_DOCUMENT } from '../decide/selling.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'

describe('unit time', () => {
  it('adds up exactly, also beyond what a number counts', () => {
    let time = NO_TIME
    for (let count = 0; count < 3; count += 1) time = addUnitTime(time, { quantity: 999_999_999.999_999, ms: 2_678_400_000 })
    expect(time).toBe('8035199999999991964.800000')
    expect(addUnitTime(NO_TIME, { quantity: 0.000001, ms: 1 })).toBe('0.000001')
    expect(unitHours('3600000.000000')).toBe(1)
    expect(unitHours('1.800000')).toBe(0.000001)
    expect(unitHours('1.799999')).toBe(0)
  })

  it('has parts that come to exactly as much', () => {
    const random = seededRandom(newSeed())
    for (let round = 0; round < 500; round += 1) {
      const six = () => String(random.below(1_000_000)).padStart(6, '0')
      const time = `${1 + random.below(2 ** 30)}${six()}.${six()}`
      expect(partsOfUnitTime(time).reduce(addUnitTime, NO_TIME), `seed ${random.seed}`).toBe(time)
    }
    expect(() => partsOfUnitTime(`${'9'.repeat(25)}.000000`)).toThrow(RangeError)
  })
})

describe('a recurring item', () => {
  it('ND-21: costs the same as its stretches priced one by one together, in however many steps it is metered', () => {
    const random = seededRandom(newSeed())
    const item = SELLING[0]?.catalog.recurringItems['storage']
    if (item === undefined) throw new Error('the catalog has storage')
    for (let round = 0; round < 200; round += 1) {
      let kept = beginItem('storage', 0, 0)
      const stretch = () => ({ quantity: random.below(5_000_000) / 1e6, ms: random.below(10 * HOUR_MS) })
      const segments = Array.from({ length: 1 + random.below(20) }, stretch)
      for (const { quantity, ms } of segments) {
        kept = { ...kept, quantity }
        const end = kept.meteredUntil + ms
        kept = meteredTo(meteredTo(kept, kept.meteredUntil + random.below(ms + 1), SELLING), end, SELLING)
      }
      const cost = itemLines(kept, SELLING).reduce((sum, line) => sum + line.cost, 0n)
      expect(cost, `seed ${random.seed}`).toBe(recurringCost(item, segments))
    }
  })

  it('T32: keeps its last price where a later catalog does not list it', () => {
    const catalogs = catalogOf(SELLING_DOCUMENT, [10 * HOUR_MS, { ...SELLING_DOCUMENT, recurring_items: {} }])
    const kept = meteredTo(beginItem('domain', 0, 1), 20 * HOUR_MS, catalogs)
    expect(itemLines(kept, catalogs)).toMatchObject([{ version: 1, unitHours: 20, cost: 10_000_000n }])
  })

  it('is never metered twice, nor back', () => {
    const kept = meteredTo(beginItem('domain', 1_000, 1), 2_000, SELLING)
    expect(meteredTo(kept, 2_000, SELLING)).toBe(kept)
    expect(meteredTo(kept, 500, SELLING)).toBe(kept)
  })
})

describe('the month of recurring items', () => {
  const zones = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia']

  it.each(zones)('ND-21: in %s ends with each month, once, over four years', (zone) => {
    const ends: string[] = []
    let at = itemsDueAt(Date.parse('2009-12-15T00:00:00Z'), zone)
    for (let month = 0; month < 48; month += 1) {
      ends.push(new Date(at).toLocaleDateString('en-CA', { timeZone: zone }))
      at = nextItemsDueAt(at + 1, zone)
    }
    expect(new Set(ends.map((end) => end.slice(0, 7))).size).toBe(48)
    expect(ends.filter((end) => new Date(Date.parse(end) + 86_400_000).getUTCDate() !== 1)).toEqual([])
  })
})
