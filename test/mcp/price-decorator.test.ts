import { describe, expect, it } from 'vitest'
import { bundledCatalogs, type Catalog, parseCatalog } from '../../src/catalog/index.js'
import { PRICE_META, priceDecorator } from '../../src/usage/price-decorator.js'
import { testLedger } from './support.js'

const DOCUMENT = {
  id: 'studio',
  name: 'Studio',
  unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
  price_increase_notice_days: 0,
  operations: {
    draw: { name: 'Draw', category: 'image', price: { model: 'flat', credits: '32' } },
    clip: {
      name: 'Clip',
      category: 'video',
      unit: { name: 'second', plural: 'seconds' },
      price: { model: 'per_unit', credits: '3' },
    },
    study: { name: 'Study', category: 'analysis', price: { model: 'range', minimum: '2', maximum: '5' } },
    paint: {
      name: 'Paint',
      category: 'image',
      default_variant: 'small',
      variants: {
        small: { name: 'Small', price: { model: 'flat', credits: '4' } },
        large: { name: 'Large', price: { model: 'flat', credits: '9.5' } },
      },
    },
  },
  tools: {
    draw_image: { operation: 'draw' },
    make_clip: { operation: 'clip', quantity: { from: 'arguments', pointer: '/seconds' } },
    study_text: { operation: 'study' },
    paint_any: { operation: 'paint', variant: { from: 'arguments', pointer: '/size' } },
    paint_large: { operation: 'paint', variant: 'large' },
    look: { free: true },
    special: { credits: '1.25' },
  },
}

describe('the price of a listed tool', () => {
  const decorate = priceDecorator({ version: 7, catalog: catalogOf(DOCUMENT) })
  const priced = (name: string, description?: string) => decorate({ name, ...(description === undefined ? {} : { description }) })
  const price = (name: string) => (priced(name)['_meta'] as Record<string, unknown>)[PRICE_META]

  it('stands in _meta with its bounds, unit, dollars and version', () => {
    expect(price('draw_image')).toEqual({ credits: { minimum: 32, maximum: 32 }, unit: 'call', usd: { minimum: 0.32, maximum: 0.32 }, price_version: 7 })
    expect(price('make_clip')).toMatchObject({ credits: { minimum: 3, maximum: 3 }, unit: 'second' })
    expect(price('study_text')).toMatchObject({ credits: { minimum: 2, maximum: 5 }, usd: { minimum: 0.02, maximum: 0.05 } })
    expect(price('paint_any')).toMatchObject({ credits: { minimum: 4, maximum: 9.5 } })
    expect(price('paint_large')).toMatchObject({ credits: { minimum: 9.5, maximum: 9.5 } })
    expect(price('look')).toMatchObject({ credits: { minimum: 0, maximum: 0 }, unit: 'call' })
    expect(price('special')).toMatchObject({ credits: { minimum: 1.25, maximum: 1.25 }, unit: 'call' })
  })

  it("has no dollars where the catalog fixes no rate, and the catalog's default for a tool that it does not name", () => {
    const free = { ...DOCUMENT, unit: { ...DOCUMENT.unit, credit_usd: null }, default_tool_price: '2' }
    const tool = priceDecorator({ version: 1, catalog: catalogOf(free) })({ name: 'anything' })
    expect((tool['_meta'] as Record<string, unknown>)[PRICE_META]).toMatchObject({ credits: { minimum: 2, maximum: 2 }, usd: null })
    expect(tool['description']).toBe('Price: 2 credits.')
  })

  it('is the last sentence of the description, whatever that was', () => {
    expect(priced('draw_image', 'Draws.')['description']).toBe('Draws. Price: 32 credits ($0.32).')
    expect(priced('draw_image', 'Draws an image')['description']).toBe('Draws an image. Price: 32 credits ($0.32).')
    expect(priced('draw_image', 'Draws:\n- a\n- b\n')['description']).toBe('Draws:\n- a\n- b\n\nPrice: 32 credits ($0.32).')
    expect(priced('draw_image')['description']).toBe('Price: 32 credits ($0.32).')
  })

  it('a tool without a price is said to be refused, and has no figure', () => {
    expect(priced('unknown', 'Does it.')).toEqual({ name: 'unknown', description: 'Does it. Price: none is set, so calls are refused.' })
  })

  it('leaves everything else of the tool as it was', () => {
    const tool = { name: 'draw_image', title: 'T', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true }, _meta: { theirs: 1 } }
    expect(decorate(tool)).toMatchObject({ title: 'T', inputSchema: tool.inputSchema, annotations: tool.annotations, _meta: { theirs: 1 } })
    expect(tool._meta).toEqual({ theirs: 1 })
  })

  it('T42: each number in a description is a figure of _meta, and what is charged is what was told', async () => {
    const { credits } = await testLedger(DOCUMENT)
    await credits.grant({ credits: 1_000 })
    const args: Record<string, Record<string, unknown>> = { make_clip: { seconds: 1 }, paint_any: { size: 'large' } }
    for (const name of Object.keys(DOCUMENT.tools)) {
      const { credits: told, usd } = price(name) as { credits: Bounds; usd: Bounds }
      const numbers = (String(priced(name)['description']).match(/\d+(?:\.\d+)?/g) ?? []).map(Number)
      const figures = [told.minimum, told.maximum, usd.minimum, usd.maximum].map((figure) => Number(figure.toFixed(4)))
      expect(numbers.filter((number) => !figures.some((figure) => Math.abs(figure - number) < 0.006)), name).toEqual([])
      const before = (await credits.balance()).balance
      const answer = await credits.meter({
        tool: name,
        arguments: args[name] ?? {},
        meta: undefined,
        signal: new AbortController().signal,
        run: async () => ({ kind: 'result', result: { content: [] } }),
      })
      expect(answer, name).not.toHaveProperty('result.isError')
      expect(before - (await credits.balance()).balance, name).toBeCloseTo(told.maximum, 6)
    }
  })

  it.each(Object.keys(bundledCatalogs))('T42: every tool of the bundled catalog %s is told a price by the catalog itself', (name) => {
    const catalog = catalogOf(bundledCatalogs[name as keyof typeof bundledCatalogs])
    const withPrices = priceDecorator({ version: 1, catalog })
    for (const tool of [...Object.keys(catalog.tools), ...(catalog.defaultToolPrice === null ? [] : ['other'])]) {
      expect(withPrices({ name: tool })['description'], tool).toMatch(/^Price: (?!none)/)
    }
  })
})

interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

function catalogOf(document: unknown): Catalog {
  const parsed = parseCatalog(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.catalog
}
