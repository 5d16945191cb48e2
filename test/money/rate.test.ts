import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AMOUNT_MAX, MICRO_PER_CREDIT } from '../../src/money/credits.js'
import { InvalidAmount } from '../../src/money/invalid-amount.js'
import { amountFor, parseQuantity, QUANTITY_MAX, type Rate, roundUpTo } from '../../src/money/rate.js'

const credit = MICRO_PER_CREDIT
const rates: fc.Arbitrary<Rate> = fc.record({
  amount: fc.bigInt({ min: 1n, max: 1_000n * credit }),
  per: fc.constantFrom(1, 60, 1_000, 1_000_000),
})
/** Quantities of at most six decimals, built from their decimal text as they come over the wire. */
const quantities = fc.integer({ min: 0, max: 1_000_000_000 }).map((millionths) => millionths / 1e6)

describe('reading a quantity', () => {
  it('takes numbers of at most six decimals up to its bound', () => {
    for (const quantity of [0, 1, 1.5, 0.000001, 59.999999, QUANTITY_MAX]) expect(parseQuantity(quantity, 'minutes')).toBe(quantity)
  })

  it.each([
    ['a negative number', -1],
    ['-0', -0],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['1e309', 1e309],
    ['seven decimals', 0.0000001],
    ['more than the bound', QUANTITY_MAX + 1],
    ['a text', '1'],
    ['a bigint', 1n],
    ['null', null],
  ])('T29: %s is not a quantity', (_name, value) => {
    expect(() => parseQuantity(value, 'minutes')).toThrow(InvalidAmount)
  })
})

describe('the amount for a quantity', () => {
  it.each([
    { quantity: 0, rate: { amount: 5n * credit, per: 1 }, amount: 0n },
    { quantity: 3, rate: { amount: 5n * credit, per: 1 }, amount: 15n * credit },
    { quantity: 1_500, rate: { amount: 3n * credit, per: 1_000_000 }, amount: 4_500n },
    { quantity: 1, rate: { amount: 1n, per: 1_000_000 }, amount: 1n },
    { quantity: 1_000_001, rate: { amount: 1n, per: 1_000_000 }, amount: 2n },
    { quantity: 1, rate: { amount: credit, per: 3 }, amount: 333_334n },
    { quantity: 30, rate: { amount: 100_000n, per: 1 }, amount: 3n * credit },
    { quantity: 0.1, rate: { amount: 3n * credit, per: 1 }, amount: 300_000n },
  ])('$quantity at $rate.amount for $rate.per is $amount', ({ quantity, rate, amount }) => {
    expect(amountFor(quantity, rate)).toBe(amount)
  })

  it('T27: is the exact product rounded up once: never short, and less than one micro-credit too dear', () => {
    fc.assert(
      fc.property(quantities, rates, (quantity, rate) => {
        const amount = amountFor(quantity, rate)
        const exact = BigInt(Math.round(quantity * 1e6)) * rate.amount
        const scale = BigInt(rate.per) * 1_000_000n
        expect(amount * scale >= exact && (amount - 1n) * scale < exact).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('never falls when the quantity grows', () => {
    fc.assert(
      fc.property(quantities, quantities, rates, (one, other, rate) => {
        const [less, more] = one < other ? [one, other] : [other, one]
        expect(amountFor(less, rate) <= amountFor(more, rate)).toBe(true)
      }),
    )
  })

  it('T28: a price beyond the largest amount is refused', () => {
    expect(amountFor(2_000_000_000, { amount: credit, per: 1 })).toBe(AMOUNT_MAX)
    expect(() => amountFor(2_000_000_001, { amount: credit, per: 1 })).toThrow(InvalidAmount)
    expect(() => amountFor(2_000_000_000.000001, { amount: credit, per: 1 })).toThrow(InvalidAmount)
  })

  it('T29: no negative quantity is priced', () => {
    expect(() => amountFor(-1, { amount: credit, per: 1 })).toThrow(InvalidAmount)
  })
})

describe('a started increment counts whole', () => {
  it.each([
    [0, 60, 0],
    [1, 60, 60],
    [60, 60, 60],
    [60.000001, 60, 120],
    [0.3, 0.1, 0.3],
    [0.31, 0.1, 0.4],
  ])('%d in steps of %d is %d', (quantity, increment, rounded) => {
    expect(roundUpTo(quantity, increment)).toBe(rounded)
  })
})
