import { describe, expect, it } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { catalogFromTools, withPrice } from '../../src/catalog/edit.js'
import { priceToolCall } from '../../src/catalog/map-tool.js'
import { parseCatalogText } from '../../src/catalog/parse-text.js'
import type { CatalogDocument } from '../../src/catalog/schema.js'
import { bundled, credits, documentWith, parsed, priced, pricedOf } from './support.js'

const document = bundledCatalogs['neural-draft'] as CatalogDocument

function edited(from: CatalogDocument, target: string, price: string): CatalogDocument {
  const result = withPrice(from, target, price)
  if (result.kind !== 'edited') throw new Error(result.message)
  return result.document
}

describe('another price', () => {
  it.each([
    ['blog.post', '70', { operation: 'blog.post' }, '70'],
    ['translate', '8', { operation: 'translate', quantity: 4 }, '32'],
    ['video.clip/premium', '250', { operation: 'video.clip', variant: 'premium' }, '250'],
    ['social.post', '6', { operation: 'social.post', variant: 'image' }, '38'],
    ['social.post/text', '4', { operation: 'social.post', variant: 'text', quantity: 2 }, '8'],
    ['image.generate', '30', { operation: 'social.post', variant: 'image' }, '35'],
  ])('for %s is %s', (target, price, request, expected) => {
    expect(pricedOf(parsed(edited(document, target, price)), request).maximum).toBe(credits(expected))
  })

  it('leaves the given document as it was', () => {
    const before = structuredClone(document)
    edited(document, 'video.clip/premium', '250')
    expect(document).toEqual(before)
  })

  it('AX-14: for a tool that had none prices it alone', () => {
    const catalog = parsed(edited(document, 'make_image', '2.5'))
    expect(priced(priceToolCall(catalog, { tool: 'make_image' })).maximum).toBe(credits('2.5'))
    expect(priceToolCall(catalog, { tool: 'other' }).kind).toBe('unpriced')
  })

  it('for the id that a list of prices shows for a tool is of that tool, also of one that is named like an operation', () => {
    for (const tool of ['make_image', 'translate', 'tool:odd']) {
      const catalog = parsed(edited(document, `tool:${tool}`, '2.5'))
      expect(priced(priceToolCall(catalog, { tool })).maximum).toBe(credits('2.5'))
      expect(Object.keys(catalog.tools)).toEqual([tool])
    }
  })

  it('of zero makes a tool free', () => {
    expect(priceToolCall(parsed(edited(document, 'peek', '0')), { tool: 'peek' }).kind).toBe('free')
  })

  it('for a mapped tool leaves what it counts as', () => {
    const mapped = { ...document, tools: { clip: { operation: 'video.clip', variant: 'premium' } } }
    expect(priced(priceToolCall(parsed(edited(mapped, 'clip', '9')), { tool: 'clip' }))).toMatchObject({
      operation: 'video.clip',
      maximum: credits('9'),
    })
  })

  it('for a tool that is named like an operation, but is another, is of the tool', () => {
    const mapped = { ...document, tools: { translate: { operation: 'chat.message' } } }
    const catalog = parsed(edited(mapped, 'translate', '9'))
    expect(priced(priceToolCall(catalog, { tool: 'translate' })).maximum).toBe(credits('9'))
    expect(pricedOf(catalog, { operation: 'translate' }).maximum).toBe(credits('7'))
  })

  it('for tool.call is the default tool price', () => {
    const catalog = parsed(edited(bundledCatalogs['starter'] as CatalogDocument, 'tool.call', '2'))
    expect(catalog.defaultToolPrice).toBe(credits('2'))
  })

  it.each([
    [
      'video.clip',
      '1',
      'unknown_variant',
      'video.clip has a price for each variant; name one of video.clip/budget, video.clip/premium',
    ],
    ['video.clip/gold', '1', 'unknown_variant', 'video.clip has no variant "gold"'],
    ['blog.post', '-1', 'invalid_amount', /^credits is "-1"/],
    ['blog.post', 'much', 'invalid_amount', /^credits is "much"/],
  ])('of %s at %s is refused', (target, price, code, message) => {
    const result = withPrice(document, target, price)
    expect(result).toMatchObject({ kind: 'problem', code })
    expect(result.kind === 'problem' ? result.message : '').toMatch(message)
  })

  it('of more than one figure is for the file', () => {
    const ranged = documentWith({
      operations: { 'a.job': { name: 'Job', price: { model: 'range', minimum: '1', maximum: '2' } } },
    }) as CatalogDocument
    expect(withPrice(ranged, 'a.job', '3')).toMatchObject({ kind: 'problem', code: 'invalid_request' })
  })
})

describe('AX-26: a catalog written from the tools of a server', () => {
  const tools = [
    { name: 'echo', description: 'Echoes back the input' },
    { name: 'bare' },
    { name: 'echo', description: 'the same again' },
    { name: 'we"ird: #\u2028name\u0085', description: `first\n  evil: { free: true }\r\u2028${'long '.repeat(100)}` },
  ]
  const text = catalogFromTools({ id: 'everything', tools, defaultPrice: '2' })

  function read(): CatalogDocument {
    const result = parseCatalogText(text)
    if (!result.ok) throw new Error(JSON.stringify(result.problems))
    return result.document as CatalogDocument
  }

  it('AX-26: has each tool at the default price, and nothing that a description smuggled in', () => {
    const catalog = parsed(read())
    expect(Object.keys(catalog.tools).sort()).toEqual(['bare', 'echo', 'we"ird: #\u2028name\u0085'])
    for (const tool of Object.keys(catalog.tools))
      expect(priced(priceToolCall(catalog, { tool })).maximum).toBe(credits('2'))
  })

  it('AX-26: tells what each tool does in a comment of one short line', () => {
    const comments = text.split('\n').filter((line) => line.startsWith('  #'))
    expect(comments[0]).toBe('  # Echoes back the input'.replace('Echoes back the input', 'the same again'))
    expect(comments).toHaveLength(2)
    expect(Math.max(...comments.map((line) => line.length))).toBeLessThanOrEqual(104)
  })

  it("AX-26: has the starter's unit, plan and thresholds", () => {
    const { unit, plans, defaultPlan, thresholds } = parsed(read())
    const starter = bundled('starter')
    expect({ unit, plans, defaultPlan, thresholds }).toEqual({
      unit: starter.unit,
      plans: starter.plans,
      defaultPlan: starter.defaultPlan,
      thresholds: starter.thresholds,
    })
  })

  it('AX-26: of a server without tools is a catalog too', () => {
    const result = parseCatalogText(catalogFromTools({ id: 'empty', tools: [], defaultPrice: '1' }))
    expect(result.ok && Object.keys(parsed(result.document).tools)).toEqual([])
  })
})
