import { describe, expect, it } from 'vitest'
import { formatUsd, parseUsd, toUsd, usdFor } from '../../src/money/fiat.js'
import { credits } from './support.js'

const usd = (text: string) => parseUsd(text, 'price')

describe('dollars', () => {
  it.each([
    ['0', '$0.00'],
    ['10', '$10.00'],
    ['9.99', '$9.99'],
    ['0.1', '$0.10'],
    ['0.005', '$0.005'],
    ['0.00476', '$0.00476'],
    ['0.000001', '$0.000001'],
    ['2000000000', '$2000000000.00'],
  ])('%s reads as %s', (text, expected) => {
    expect(formatUsd(usd(text))).toBe(expected)
    expect(toUsd(usd(text))).toBe(Number(text))
  })

  it.each(['-1', '1e3', '', '.5', '05', '0.0000001', '2000000000.000001', 'NaN', 5, null])('%s is none', (value) => {
    expect(() => parseUsd(value, 'price')).toThrow(/^price is /)
  })

  it('what an amount is worth, to the nearest millionth', () => {
    expect(toUsd(usdFor(credits('5'), usd('0.01')))).toBe(0.05)
    expect(toUsd(usdFor(credits('0.00005'), usd('0.01')))).toBe(0.000001)
    expect(toUsd(usdFor(credits('0.000049'), usd('0.01')))).toBe(0)
    expect(toUsd(usdFor(credits('2000000000'), usd('1')))).toBe(2_000_000_000)
    expect(() => usdFor(credits('2000000000'), usd('1000'))).toThrow(RangeError)
  })
})
