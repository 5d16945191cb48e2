import { describe, expect, it } from 'vitest'
import { recurringCost, type RecurringSegment } from '../../src/catalog/recurring.js'
import { InvalidAmount } from '../../src/money/invalid-amount.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { catalogWith, credits } from './support.js'

const HOUR = 3_600_000

function costAt(price: string, segments: readonly RecurringSegment[]): bigint {
  const { recurringItems } = catalogWith({
    recurring_items: {
      storage: { name: 'Storage', unit: { name: 'gigabyte', plural: 'gigabytes' }, price_per_unit_hour: price },
    },
  })
  const item = recurringItems['storage']
  if (item === undefined) throw new Error('the catalog has storage')
  return recurringCost(item, segments)
}

describe('what a recurring item costs', () => {
  it('ND-21: is quantity times hours times price, over changes of the quantity', () => {
    const segments = [
      { quantity: 2, ms: 10 * HOUR },
      { quantity: 5, ms: 2 * HOUR },
      { quantity: 0, ms: 700 * HOUR },
    ]
    expect(costAt('0.5', segments)).toBe(credits('15'))
  })

  it('ND-21: counts to the millisecond', () => {
    expect(costAt('3.6', [{ quantity: 1, ms: 1 }])).toBe(credits('0.000001'))
    expect(costAt('3.6', [{ quantity: 1, ms: 1_500 }])).toBe(credits('0.0015'))
  })

  it('rounds the sum up once, not each stretch', () => {
    const third = { quantity: 1, ms: HOUR / 3 }
    expect(costAt('0.000001', [third])).toBe(1n)
    expect(costAt('0.000001', [third, third, third])).toBe(1n)
    expect(costAt('0.000001', [third, third, third, { quantity: 1, ms: 1 }])).toBe(2n)
    expect(costAt('0.000001', [third, { ...third, quantity: 2 }])).toBe(1n)
  })

  const seed = newSeed()
  it(`ND-21: costs the same however a month is cut into stretches (seed ${seed})`, () => {
    const random = seededRandom(seed)
    for (let run = 0; run < 200; run += 1) {
      const whole = { quantity: random.below(4_000_000) / 4, ms: 1 + random.below(730 * HOUR) }
      const first = random.below(whole.ms)
      const cut = [{ ...whole, ms: first }, { ...whole, ms: whole.ms - first }]
      const split = [{ ...whole, quantity: 0.25 }, { ...whole, quantity: whole.quantity + 0.75 }]
      expect(costAt('0.000137321', cut)).toBe(costAt('0.000137321', [whole]))
      expect(costAt('0.000137321', split)).toBe(costAt('0.000137321', [{ ...whole, quantity: whole.quantity + 1 }]))
    }
  })

  it('an hour may cost less than a millionth of a credit', () => {
    expect(costAt('0.000000125', [{ quantity: 1, ms: 8 * HOUR }])).toBe(1n)
    expect(costAt('0.000000125', [{ quantity: 1000, ms: 730 * HOUR }])).toBe(credits('0.09125'))
    expect(costAt('0.068493151', [{ quantity: 1, ms: 730 * HOUR }])).toBe(credits('50.000001'))
  })

  it('nothing kept costs nothing, and a free item never does', () => {
    expect(costAt('0.5', [])).toBe(0n)
    expect(costAt('0.5', [{ quantity: 3, ms: 0 }])).toBe(0n)
    expect(costAt('0', [{ quantity: 3, ms: 730 * HOUR }])).toBe(0n)
  })

  it('T28: a quantity of six decimals is exact up to the largest amount', () => {
    const million = { quantity: 1_999_999_999.123457, ms: 1_000_000 * HOUR }
    expect(costAt('0.000001', [million])).toBe(1_999_999_999_123_457n)
  })

  it('refuses what is no quantity, no time or no amount any more', () => {
    expect(() => costAt('1', [{ quantity: -1, ms: HOUR }])).toThrow(InvalidAmount)
    expect(() => costAt('1', [{ quantity: 0.0000001, ms: HOUR }])).toThrow(InvalidAmount)
    expect(() => costAt('1', [{ quantity: 1, ms: -1 }])).toThrow('ms is -1; expected whole milliseconds')
    expect(() => costAt('1', [{ quantity: 1, ms: 0.5 }])).toThrow(InvalidAmount)
    expect(() => costAt('1000000', [{ quantity: 1_000_000, ms: HOUR }])).toThrow(InvalidAmount)
  })
})
