import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unitsWithin } from '../../src/catalog/afford.js'
import { priceActual, pricedFromJson, pricedToJson, quotePrice } from '../../src/catalog/quote-price.js'
import type { PriceDocument } from '../../src/catalog/schema-price.js'
import { formatCredits } from '../../src/money/credits.js'
import { bundled, catalogAt, catalogWith, credits, pricedOf } from './support.js'

const TOKENS: PriceDocument = {
  model: 'pass_through',
  rates: {
    input_tokens: { credits: '3', per: 1_000_000 },
    output_tokens: { credits: '15', per: 1_000_000 },
    cached_tokens: { credits: '0.3', per: 1_000_000 },
  },
  typical: { minimum: '0.01', maximum: '0.05' },
}
const TIERS = [
  { up_to: 10, credits: '5' },
  { up_to: 100, credits: '4' },
  { up_to: null, credits: '1' },
]

function maximum(price: PriceDocument, quantity: number): string {
  const result = quotePrice(catalogAt(price), { operation: 'job.run', quantity })
  return result.kind === 'priced' ? formatCredits(result.maximum) : result.code
}

describe('price models', () => {
  it.each<[string, PriceDocument, number, string]>([
    ['a flat price is for the job, however long', { model: 'flat', credits: '1' }, 30, '1'],
    ['per unit is multiplied', { model: 'per_unit', credits: '7' }, 4, '28'],
    ['30 seconds at 0.10', { model: 'per_unit', credits: '0.10' }, 30, '3'],
    ['parts of a unit count where there is no increment', { model: 'per_unit', credits: '5' }, 1.5, '7.5'],
    ['a started minute counts whole', { model: 'per_unit', credits: '5', increment: 1 }, 1.000001, '10'],
    ['a whole minute stays one', { model: 'per_unit', credits: '5', increment: 1 }, 1, '5'],
    ['the least billed', { model: 'per_unit', credits: '5', minimum: 3 }, 1, '15'],
    ['the least billed, then the increment', { model: 'per_unit', credits: '1', minimum: 3, increment: 2 }, 1, '4'],
    ['per million, rounded up once to a millionth', { model: 'per_unit', credits: '3', per: 1_000_000 }, 1, '0.000003'],
    ['a fraction of a millionth is rounded up', { model: 'per_unit', credits: '0.000001', per: 3 }, 1, '0.000001'],
    ['T27: no float creeps in', { model: 'per_unit', credits: '0.1' }, 3, '0.3'],
    ['graduated: inside the first tier', { model: 'tiered', mode: 'graduated', tiers: TIERS }, 10, '50'],
    ['graduated: each tier prices what is in it', { model: 'tiered', mode: 'graduated', tiers: TIERS }, 110, '420'],
    ['graduated: a part of a unit beyond a tier', { model: 'tiered', mode: 'graduated', tiers: TIERS }, 10.1, '50.4'],
    [
      'graduated: rounded once over all tiers',
      {
        model: 'tiered',
        mode: 'graduated',
        per: 3,
        tiers: [
          { up_to: 1, credits: '0.000001' },
          { up_to: null, credits: '0.000001' },
        ],
      },
      2,
      '0.000001',
    ],
    [
      'graduated: tiers that a float difference would spoil',
      {
        model: 'tiered',
        mode: 'graduated',
        tiers: [
          { up_to: 0.1, credits: '1' },
          { up_to: null, credits: '1' },
        ],
      },
      0.3,
      '0.3',
    ],
    ['volume: the end of a tier belongs to it', { model: 'tiered', mode: 'volume', tiers: TIERS }, 10, '50'],
    ['volume: the tier reached prices all', { model: 'tiered', mode: 'volume', tiers: TIERS }, 11, '44'],
    ['volume: the last tier', { model: 'tiered', mode: 'volume', tiers: TIERS }, 101, '101'],
    ['a range reserves its maximum', { model: 'range', minimum: '1', maximum: '3' }, 5, '3'],
    ['a range for each unit', { model: 'range', minimum: '1', maximum: '2', per_unit: true }, 3, '6'],
    ['what is passed through reserves what is typical', TOKENS, 1, '0.05'],
    ['nothing costs nothing', { model: 'per_unit', credits: '5' }, 0, '0'],
    [
      'T28: a sum beyond the largest amount is no amount',
      { model: 'per_unit', credits: '2000000000' },
      2,
      'invalid_amount',
    ],
  ])('%s', (_sentence, price, quantity, expected) => {
    expect(maximum(price, quantity)).toBe(expected)
  })

  it('a range says both ends and is not exact; one of equal ends is', () => {
    expect(pricedOf(catalogAt({ model: 'range', minimum: '0', maximum: '1' }), { operation: 'job.run' })).toMatchObject(
      { minimum: 0n, maximum: credits('1'), exact: false },
    )
    expect(pricedOf(catalogAt({ model: 'range', minimum: '2', maximum: '2' }), { operation: 'job.run' })).toMatchObject(
      { exact: true },
    )
  })

  it('a typical cost of one figure is still not what will be charged', () => {
    const price: PriceDocument = { ...TOKENS, typical: { minimum: '0.05', maximum: '0.05' } }
    expect(pricedOf(catalogAt(price), { operation: 'job.run' }).exact).toBe(false)
  })

  it('usage is priced to the millionth, its components added before the one rounding', () => {
    const usage = { input_tokens: 1_234, output_tokens: 567, cached_tokens: 89 }
    // 1234*3 + 567*15 + 89*0.3 = 12233.7 millionths
    expect(pricedOf(catalogAt(TOKENS), { operation: 'job.run', usage })).toMatchObject({
      minimum: 12_234n,
      maximum: 12_234n,
      exact: true,
    })
  })

  it('T32: a component without a rate is refused, unless none of it was used', () => {
    const request = (reasoning: number) =>
      quotePrice(catalogAt(TOKENS), { operation: 'job.run', usage: { input_tokens: 1, reasoning } })
    expect(request(5)).toMatchObject({ kind: 'problem', code: 'price_unknown' })
    expect(request(0)).toMatchObject({ kind: 'priced', maximum: 3n })
  })

  it('without a typical cost there is no price before the usage is known', () => {
    const catalog = catalogAt({ model: 'pass_through', rates: { tokens: { credits: '1' } } })
    expect(quotePrice(catalog, { operation: 'job.run' })).toMatchObject({ code: 'invalid_request' })
    expect(quotePrice(catalog, { operation: 'job.run', usage: {} })).toMatchObject({ code: 'invalid_request' })
    expect(pricedOf(catalog, { operation: 'job.run', usage: { tokens: 2 } }).maximum).toBe(credits('2'))
    expect(pricedOf(catalog, { operation: 'job.run', actual: credits('1.5') }).maximum).toBe(credits('1.5'))
  })
})

describe('a request', () => {
  const catalog = bundled('neural-draft')

  it.each([
    [
      'an unknown operation',
      { operation: 'video.film' },
      'unknown_operation',
      'The catalog neural-draft has no operation "video.film"; expected video.clip, …',
    ],
    [
      'a name that every object inherits',
      { operation: 'constructor' },
      'unknown_operation',
      /has no operation "constructor"/,
    ],
    [
      'an unknown variant',
      { operation: 'video.clip', variant: 'gold' },
      'unknown_variant',
      'video.clip has no variant "gold"; expected budget, premium',
    ],
    [
      'an inherited variant',
      { operation: 'video.clip', variant: 'toString' },
      'unknown_variant',
      /no variant "toString"/,
    ],
    [
      'a variant where there are none',
      { operation: 'blog.post', variant: 'x' },
      'unknown_variant',
      'blog.post has no variant "x"; expected none: it has no variants',
    ],
    ['T29: a negative quantity', { operation: 'blog.post', quantity: -1 }, 'invalid_amount', /^quantity is -1/],
    ['T29: no number', { operation: 'blog.post', quantity: Number.NaN }, 'invalid_amount', /^quantity is NaN/],
    [
      'T29: endless',
      { operation: 'blog.post', quantity: Number.POSITIVE_INFINITY },
      'invalid_amount',
      /^quantity is Infinity/,
    ],
    ['T29: minus zero', { operation: 'blog.post', quantity: -0 }, 'invalid_amount', /^quantity is -0/],
    ['too many decimals', { operation: 'translate', quantity: 0.0000001 }, 'invalid_amount', /six decimals/],
    [
      'an actual of a fixed price',
      { operation: 'blog.post', actual: credits('1') },
      'invalid_request',
      /^blog.post has a fixed price of 60/,
    ],
    [
      'a usage of a fixed price',
      { operation: 'blog.post', usage: { input_tokens: 5 } },
      'invalid_request',
      /not priced by usage/,
    ],
  ])('%s is refused', (_what, request, code, message) => {
    const result = quotePrice(catalog, request)
    expect(result).toMatchObject({ kind: 'problem', code })
    expect(result.kind === 'problem' ? result.message : '').toMatch(message)
  })

  it('T29: a negative usage or actual is refused', () => {
    expect(quotePrice(catalogAt(TOKENS), { operation: 'job.run', usage: { input_tokens: -5 } })).toMatchObject({
      code: 'invalid_amount',
    })
    expect(quotePrice(catalogAt(TOKENS), { operation: 'job.run', actual: -1n })).toMatchObject({
      code: 'invalid_amount',
    })
  })

  it('names a unit price where units have one, and counts a flat job once', () => {
    const unit = (price: PriceDocument) =>
      pricedOf(catalogAt(price), { operation: 'job.run', quantity: 3 }).lines.map(({ unitPrice, quantity }) => [
        unitPrice,
        quantity,
      ])
    expect(unit({ model: 'per_unit', credits: '7' })).toEqual([[credits('7'), 3]])
    expect(unit({ model: 'flat', credits: '7' })).toEqual([[credits('7'), 1]])
    expect(unit({ model: 'per_unit', credits: '7', per: 2 })).toEqual([[null, 3]])
    expect(unit({ model: 'range', minimum: '1', maximum: '2' })).toEqual([[null, 3]])
  })

  it('surcharges of a surcharge come along, and a quantity of their own stays', () => {
    const price: PriceDocument = { model: 'per_unit', credits: '1' }
    const nested = catalogWith({
      operations: {
        'a.one': {
          name: 'One',
          price,
          surcharges: [
            { name: 'two', operation: 'a.two' },
            { name: 'fee', price: { model: 'flat', credits: '0.5' } },
          ],
        },
        'a.two': { name: 'Two', price, surcharges: [{ name: 'three', operation: 'a.three', quantity: 2 }] },
        'a.three': { name: 'Three', price: { model: 'per_unit', credits: '10' } },
      },
    })
    const quoted = pricedOf(nested, { operation: 'a.one', quantity: 3 })
    expect(
      quoted.lines.map(({ name, operation, quantity, maximum: sum }) => [
        name,
        operation,
        quantity,
        formatCredits(sum),
      ]),
    ).toEqual([
      ['One', 'a.one', 3, '3'],
      ['two', 'a.two', 3, '3'],
      ['three', 'a.three', 2, '20'],
      ['fee', 'a.one', 1, '0.5'],
    ])
    expect(quoted.maximum).toBe(credits('26.5'))
    expect(priceActual(quoted, { quantity: 1 })).toMatchObject({ amount: credits('22.5') })
  })
})

describe('what a settlement charges', () => {
  const range = (hard: boolean) =>
    pricedOf(catalogAt({ model: 'range', minimum: '1', maximum: '3', hard }), { operation: 'job.run' })
  const amount = (...[priced, consumed]: Parameters<typeof priceActual>) => {
    const result = priceActual(priced, consumed)
    return result.kind === 'amount' ? formatCredits(result.amount) : result.code
  }

  it.each([
    ['within the range as it is', range(false), { actual: credits('2.5') }, '2.5'],
    ['below the minimum as the minimum', range(false), { actual: 0n }, '1'],
    ['above the maximum as it is, for the overrun policy', range(false), { actual: credits('4') }, '4'],
    ['above a hard maximum as the maximum', range(true), { actual: credits('4') }, '3'],
    ['nothing said as reserved', range(false), {}, '3'],
    ['T29: a negative actual not at all', range(false), { actual: -1n }, 'invalid_amount'],
    ['a quantity does not tell what a range came to', range(false), { quantity: 2 }, 'invalid_request'],
    ['two things said are one too many', range(false), { actual: 1n, quantity: 1 }, 'invalid_request'],
    ['usage of a range is refused', range(false), { usage: { tokens: 1 } }, 'invalid_request'],
  ])('%s', (_what, priced, consumed, expected) => {
    expect(amount(priced, consumed)).toBe(expected)
  })

  it('what is typical bounds neither below nor above', () => {
    const tokens = pricedOf(catalogAt(TOKENS), { operation: 'job.run' })
    expect(amount(tokens, { actual: credits('0.000001') })).toBe('0.000001')
    expect(amount(tokens, { actual: credits('9') })).toBe('9')
    expect(amount(tokens, { usage: { output_tokens: 1_000_000 } })).toBe('15')
    expect(amount(tokens, { usage: { output_tokens: -1 } })).toBe('invalid_amount')
    expect(amount(tokens, { quantity: 4 })).toBe('invalid_request')
  })

  it('another quantity is priced by the rule that was reserved', () => {
    const minutes = pricedOf(catalogAt({ model: 'per_unit', credits: '5', increment: 1 }), {
      operation: 'job.run',
      quantity: 60,
    })
    expect(amount(minutes, { quantity: 12.2 })).toBe('65')
    expect(amount(minutes, { quantity: -1 })).toBe('invalid_amount')
    expect(amount(minutes, { actual: credits('7') })).toBe('7')
  })

  it('ND-05: the lines of a settlement add up to it, fixed lines at their price', () => {
    const catalog = catalogWith({
      operations: {
        'a.write': {
          name: 'Write',
          price: { model: 'range', minimum: '1', maximum: '3' },
          surcharges: [{ name: 'fee', price: { model: 'flat', credits: '5' } }],
        },
      },
    })
    const quoted = pricedOf(catalog, { operation: 'a.write' })
    const lines = (actual: string) => {
      const result = priceActual(quoted, { actual: credits(actual) })
      return result.kind === 'amount' ? result.priced.lines.map((line) => formatCredits(line.maximum)) : []
    }
    expect(lines('7.5')).toEqual(['2.5', '5'])
    expect(lines('0')).toEqual(['1', '5'])
    expect(lines('20')).toEqual(['15', '5'])
  })

  it('a reserved price settles the same from JSON, whatever the catalog has become', () => {
    for (const price of [
      TOKENS,
      { model: 'range', minimum: '1', maximum: '3', hard: true, per_unit: true },
      { model: 'tiered', mode: 'volume', per: 2, tiers: TIERS },
      { model: 'per_unit', credits: '0.1', increment: 0.5, minimum: 2 },
    ] satisfies PriceDocument[]) {
      const quoted = pricedOf(catalogAt(price), { operation: 'job.run', quantity: 7 })
      expect(pricedFromJson(JSON.parse(JSON.stringify(pricedToJson(quoted))))).toEqual(quoted)
    }
  })

  it('a reserved price in JSON has amounts as text, and a damaged one is not read', () => {
    const json = pricedToJson(pricedOf(bundled('neural-draft'), { operation: 'social.post', variant: 'image' }))
    expect(json).toMatchObject({
      operation: 'social.post',
      variant: 'image',
      maximum: '37',
      lines: [{ maximum: '5' }, { operation: 'image.generate', unit_price: '32' }],
    })
    expect(() => pricedFromJson({ ...json, maximum: -5 })).toThrow()
    expect(() => pricedFromJson({ ...json, extra: 1 })).toThrow()
  })
})

describe('for random prices', () => {
  const micro = fc.integer({ min: 0, max: 50_000_000 }).map((value) => formatCredits(BigInt(value)))
  const quantity = fc.integer({ min: 0, max: 5_000_000_000 }).map((value) => value / 1e6)
  const positive = fc.integer({ min: 1, max: 1_000_000_000 }).map((value) => value / 1e6)
  const perUnit: fc.Arbitrary<PriceDocument> = fc
    .record({ credits: micro, per: positive, increment: fc.option(positive), minimum: fc.option(positive) })
    .map(({ credits: rate, per, increment, minimum: least }) => ({
      model: 'per_unit',
      credits: rate,
      per,
      ...(increment === null ? {} : { increment }),
      ...(least === null ? {} : { minimum: least }),
    }))
  const tiered = (mode: 'graduated' | 'volume'): fc.Arbitrary<PriceDocument> =>
    fc
      .record({
        ends: fc.uniqueArray(positive, { maxLength: 4 }),
        rates: fc.array(micro, { minLength: 5, maxLength: 5 }),
        per: positive,
      })
      .map(({ ends, rates, per }) => ({
        model: 'tiered',
        mode,
        per,
        tiers: [...ends.toSorted((a, b) => a - b), null].map((end, index) => ({
          up_to: end,
          credits: rates[index] ?? '0',
        })),
      }))
  const range: fc.Arbitrary<PriceDocument> = fc
    .record({
      bounds: fc.tuple(fc.integer({ min: 0, max: 9_000_000 }), fc.integer({ min: 0, max: 9_000_000 })),
      each: fc.boolean(),
    })
    .map(({ bounds, each }) => ({
      model: 'range',
      minimum: formatCredits(BigInt(Math.min(...bounds))),
      maximum: formatCredits(BigInt(Math.max(...bounds))),
      per_unit: each,
    }))
  const flat: fc.Arbitrary<PriceDocument> = micro.map((amount) => ({ model: 'flat', credits: amount }))
  const anyPrice = fc.oneof(perUnit, tiered('graduated'), tiered('volume'), range, flat)

  it('more never costs less, per unit and in graduated tiers', () => {
    fc.assert(
      fc.property(fc.oneof(perUnit, tiered('graduated')), quantity, quantity, (price, a, b) => {
        const catalog = catalogAt(price)
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((value) =>
          quotePrice(catalog, { operation: 'job.run', quantity: value }),
        )
        // Beyond the largest amount there is no price, and no more of it has one either.
        if (less?.kind === 'problem') return more?.kind === 'problem'
        return more?.kind === 'problem' || (less?.maximum ?? 0n) <= (more?.maximum ?? -1n)
      }),
    )
  })

  it('a per-unit price is the exact product, rounded up by less than a millionth', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 9n }),
        fc.integer({ min: 0, max: 10 ** 6 }),
        fc.integer({ min: 1, max: 10 ** 6 }),
        (rate, count, per) => {
          const price: PriceDocument = { model: 'per_unit', credits: formatCredits(rate), per }
          const { maximum: sum } = pricedOf(catalogAt(price), { operation: 'job.run', quantity: count })
          const excess = sum * BigInt(per) - rate * BigInt(count)
          return excess >= 0n && excess < BigInt(per)
        },
      ),
    )
  })

  it('ND-05: the minimum never exceeds the maximum, lines add up, and JSON gives the same price back', () => {
    fc.assert(
      fc.property(fc.array(anyPrice, { minLength: 1, maxLength: 4 }), quantity, ([base, ...others], count) => {
        const surcharges = others.map((price, index) => ({ name: `line ${index}`, price }))
        const catalog = catalogWith({ operations: { 'job.run': { name: 'Job', price: base, surcharges } } })
        const quoted = quotePrice(catalog, { operation: 'job.run', quantity: count })
        if (quoted.kind === 'problem') {
          expect(quoted.code).toBe('invalid_amount')
          return
        }
        expect(quoted.minimum <= quoted.maximum && (!quoted.exact || quoted.minimum === quoted.maximum)).toBe(true)
        expect(quoted.lines.reduce((sum, line) => sum + line.minimum, 0n)).toBe(quoted.minimum)
        expect(quoted.lines.reduce((sum, line) => sum + line.maximum, 0n)).toBe(quoted.maximum)
        expect(pricedFromJson(JSON.parse(JSON.stringify(pricedToJson(quoted))))).toEqual(quoted)
      }),
    )
  })

  it('the lines of a settlement add up to its amount, whatever the actual', () => {
    fc.assert(
      fc.property(
        fc.array(anyPrice, { minLength: 1, maxLength: 4 }),
        fc.bigInt({ min: 0n, max: 10n ** 9n }),
        ([base, ...others], actual) => {
          const surcharges = others.map((price, index) => ({ name: `line ${index}`, price }))
          const catalog = catalogWith({ operations: { 'job.run': { name: 'Job', price: base, surcharges } } })
          const quoted = quotePrice(catalog, { operation: 'job.run' })
          if (quoted.kind === 'problem') return
          const settled = priceActual(quoted, { actual })
          if (settled.kind !== 'amount') throw new Error(settled.message)
          expect(settled.priced.lines.reduce((sum, line) => sum + line.maximum, 0n)).toBe(settled.amount)
          expect(settled.priced.lines.every((line) => line.maximum >= 0n)).toBe(true)
          expect(settled.amount).toBe(quoted.exact || actual > quoted.minimum ? actual : quoted.minimum)
        },
      ),
    )
  })

  it('AX-07: what an amount buys is affordable, and one more is not', () => {
    fc.assert(
      fc.property(
        fc.oneof(perUnit, tiered('graduated'), tiered('volume')),
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        (price, budget) => {
          const catalog = catalogAt(price)
          const units = unitsWithin(catalog, { operation: 'job.run', budget })
          if (units === null) return
          const cost = (count: number) => {
            const quoted = quotePrice(catalog, { operation: 'job.run', quantity: count })
            return quoted.kind === 'priced' ? quoted.maximum : 10n ** 30n
          }
          if (units > 0) expect(cost(units) <= budget).toBe(true)
          if (units < 1e12) expect(cost(units + 1) > budget).toBe(true)
        },
      ),
    )
  })
})
