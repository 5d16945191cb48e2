import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AMOUNT_MAX,
  formatCredits,
  parseCredits,
  parsePositiveCredits,
  parseSignedCredits,
  smaller,
  toCredits,
} from '../../src/money/credits.js'
import { InvalidAmount } from '../../src/money/invalid-amount.js'

const amounts = fc.bigInt({ min: -AMOUNT_MAX, max: AMOUNT_MAX })

describe('reading an amount of credits', () => {
  it.each([
    [0, 0n],
    [1, 1_000_000n],
    [0.000001, 1n],
    [1.005, 1_005_000n],
    [0.07, 70_000n],
    [-3.5, -3_500_000n],
    ['12', 12_000_000n],
    ['0.02', 20_000n],
    ['007', 7_000_000n],
    ['1.500000', 1_500_000n],
  ])('T27: %j is %s micro-credits, by its decimal form and never by multiplication', (value, amount) => {
    expect(parseSignedCredits(value, 'credits')).toBe(amount)
  })

  it('T27: a float that is no number of six decimals is refused rather than rounded', () => {
    expect(() => parseCredits(0.1 + 0.2, 'credits')).toThrow('at most six decimals')
    expect(() => parseCredits(8.000000000000005, 'credits')).toThrow('at most six decimals')
  })

  it.each([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['1e309', 1e309],
    ['-Infinity', -Infinity],
    ['-0', -0],
    ['the text -0', '-0'],
    ['the text -0.000000', '-0.000000'],
    ['seven decimals', 0.0000001],
    ['seven decimals in a text', '1.0000000'],
    ['an exponent', '1e3'],
    ['a number written with an exponent', 1e21],
    ['an empty text', ''],
    ['a text with a space', ' 1'],
    ['a plus sign', '+1'],
    ['a missing whole part', '.5'],
    ['a missing fraction', '1.'],
    ['a hexadecimal', '0x10'],
    ['a thousands separator', '1,000'],
    ['another script', '١'],
    ['a bigint', 1n],
    ['true', true],
    ['null', null],
    ['undefined', undefined],
    ['a list', [1]],
    ['an object', { valueOf: () => 1 }],
  ])('T29: %s is not an amount', (_name, value) => {
    for (const parse of [parseSignedCredits, parseCredits, parsePositiveCredits]) {
      expect(() => parse(value, 'credits')).toThrow(InvalidAmount)
    }
  })

  it('T29: where credits are spent a negative amount is refused, and zero where something must move', () => {
    expect(() => parseCredits(-0.000001, 'credits')).toThrow('credits is -0.000001; expected')
    expect(() => parsePositiveCredits(-1, 'credits')).toThrow(InvalidAmount)
    expect(() => parsePositiveCredits(0, 'credits')).toThrow('more than zero')
    expect(parseCredits(0, 'credits')).toBe(0n)
    expect(parsePositiveCredits(0.000001, 'credits')).toBe(1n)
  })

  it('T28: two billion credits are the largest amount, and one micro-credit more is refused', () => {
    expect(parseCredits(2_000_000_000, 'credits')).toBe(AMOUNT_MAX)
    expect(parseCredits(1_999_999_999.999999, 'credits')).toBe(AMOUNT_MAX - 1n)
    expect(parseSignedCredits(-2_000_000_000, 'credits')).toBe(-AMOUNT_MAX)
    for (const tooMuch of [2_000_000_001, '2000000000.000001', '-2000000000.000001', '9999999999999999']) {
      expect(() => parseSignedCredits(tooMuch, 'credits')).toThrow('at most 2000000000 credits')
    }
  })

  it('a refusal names the field and shows the value, but not one that is long or structured', () => {
    const secret = 'sk-'.padEnd(60, 'x')
    expect(() => parseCredits('five', 'price')).toThrow('price is "five"; expected a number of credits with at most six decimals')
    expect(() => parseCredits(secret, 'price')).toThrow('price is a text of 60 characters')
    expect(() => parseCredits({ secret }, 'price')).toThrow('price is a value of type object')
    expect(() => parseCredits([secret], 'price')).toThrow('price is a list')
  })
})

describe('writing an amount of credits', () => {
  it('is decimal text without trailing zeros', () => {
    expect([12_000_000n, 20_000n, -3_500_000n, 1n, -1n, 0n, 100_000_000n].map(formatCredits)).toEqual([
      '12',
      '0.02',
      '-3.5',
      '0.000001',
      '-0.000001',
      '0',
      '100',
    ])
  })

  it('T28: AMOUNT_MAX and its neighbour go out and in again as number and as text', () => {
    for (const amount of [AMOUNT_MAX, AMOUNT_MAX - 1n, -AMOUNT_MAX]) {
      expect(parseSignedCredits(JSON.parse(JSON.stringify(toCredits(amount))), 'credits')).toBe(amount)
      expect(parseSignedCredits(formatCredits(amount), 'credits')).toBe(amount)
    }
  })

  it('T28: a total that a JSON number cannot hold exactly is an error, not a rounded figure', () => {
    expect(() => toCredits(AMOUNT_MAX + 1n)).toThrow(RangeError)
    expect(() => toCredits(-AMOUNT_MAX - 1n)).toThrow(RangeError)
  })

  it('T27: any amount goes out and in again, as number and as text', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        expect(parseSignedCredits(JSON.parse(JSON.stringify(toCredits(amount))), 'credits')).toBe(amount)
        expect(parseSignedCredits(formatCredits(amount), 'credits')).toBe(amount)
      }),
      { numRuns: 2_000 },
    )
  })

  it('T27: sums of amounts on the wire are exact where sums of floats drift', () => {
    const tenths = Array.from({ length: 1_000 }, () => parseCredits(0.1, 'credits'))
    expect(toCredits(tenths.reduce((sum, amount) => sum + amount, 0n))).toBe(100)
  })
})

it('the smaller of two amounts', () => {
  expect([smaller(1n, 2n), smaller(2n, 1n), smaller(-1n, 0n), smaller(3n, 3n)]).toEqual([1n, 1n, -1n, 3n])
})
