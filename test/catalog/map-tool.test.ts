import { describe, expect, it } from 'vitest'
import { actualOfToolResult, priceToolCall } from '../../src/catalog/map-tool.js'
import { priceActual } from '../../src/catalog/quote-price.js'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { catalogWith, credits, documentWith, parsed, priced } from './support.js'
import { parseCatalogText } from '../../src/catalog/parse-text.js'

const catalog = catalogWith({
  plans: {
    free: { name: 'Free', monthly_credits: '1', price_usd: '0', rollover: { kind: 'none' } },
    pro: { name: 'Pro', monthly_credits: '9', price_usd: '9', rollover: { kind: 'none' } },
  },
  operations: {
    'image.generate': { name: 'Image', price: { model: 'per_unit', credits: '32' } },
    'video.clip': {
      name: 'Clip',
      default_variant: 'budget',
      variants: {
        budget: { name: 'Budget', price: { model: 'per_unit', credits: '40' } },
        premium: { name: 'Premium', price: { model: 'per_unit', credits: '300' }, requires_plan: ['pro'] },
      },
    },
    'audio.transcribe': { name: 'Transcription', price: { model: 'per_unit', credits: '5', increment: 1 } },
    'text.chat': {
      name: 'Chat',
      price: {
        model: 'pass_through',
        rates: { input_tokens: { credits: '3', per: 1_000_000 }, output_tokens: { credits: '15', per: 1_000_000 } },
        typical: { minimum: '0', maximum: '0.05' },
      },
    },
    'trend.research': { name: 'Trends', price: { model: 'range', minimum: '0.02', maximum: '0.15' } },
    'note.read': { name: 'Read', price: { model: 'flat', credits: '0' } },
    'gated.run': { name: 'Gated', price: { model: 'flat', credits: '5' }, requires_plan: ['pro'] },
  },
  tools: {
    read: { free: true },
    read_note: { operation: 'note.read' },
    search: { credits: '3' },
    nothing: { credits: '0' },
    picture: { operation: 'image.generate' },
    pictures: { operation: 'image.generate', quantity: { from: 'arguments', pointer: '/prompts', count: true } },
    two_pictures: { operation: 'image.generate', quantity: 2 },
    clip: {
      operation: 'video.clip',
      variant: { from: 'arguments', pointer: '/quality', default: 'budget', map: { low: 'budget', high: 'premium' } },
    },
    named_clip: { operation: 'video.clip', variant: { from: 'arguments', pointer: '/tier' } },
    batch: {
      price: { model: 'per_unit', credits: '2' },
      quantity: { from: 'arguments', pointer: '/options/items~1count' },
    },
    transcribe: { operation: 'audio.transcribe', quantity: { from: 'result', pointer: '/minutes', at_most: 60 } },
    transcribe_mapped: {
      operation: 'audio.transcribe',
      quantity: { from: 'result', pointer: '/length', at_most: 60, default: 1, map: { short: 1, long: 30 } },
    },
    chat: {
      operation: 'text.chat',
      usage: { input_tokens: { pointer: '/usage/0' }, output_tokens: { pointer: '/usage/1', default: 0 } },
    },
    trends: { operation: 'trend.research', actual: { pointer: '/cost' } },
    gated: { operation: 'gated.run', credits: '1' },
  },
})

const call = (tool: string, args: unknown = {}) => priceToolCall(catalog, { tool, args })
const actual = (tool: string, result: unknown) => actualOfToolResult(catalog.tools[tool], { tool, result })

describe('the price of a tool call', () => {
  it.each([
    ['a free tool', 'read', {}],
    ['a tool of an operation that costs nothing', 'read_note', {}],
    ['a tool at a price of zero', 'nothing', {}],
  ])('WC-05: %s is free', (_what, tool, args) => {
    expect(call(tool, args)).toMatchObject({ kind: 'free' })
  })

  it('none of what is counted comes to nothing and is not free: its arguments are for the caller to choose', () => {
    expect(call('pictures', { prompts: [] })).toMatchObject({ kind: 'priced', quantity: 0, maximum: 0n, exact: true })
  })

  it.each([
    ['a price of the tool alone', 'search', {}, 'tool.call', null, 1, '3'],
    ['one of an operation', 'picture', {}, 'image.generate', null, 1, '32'],
    ['several by a constant', 'two_pictures', {}, 'image.generate', null, 2, '64'],
    ['several by the length of a list', 'pictures', { prompts: ['a', 'b', 'c'] }, 'image.generate', null, 3, '96'],
    ['a variant by a map', 'clip', { quality: 'high' }, 'video.clip', 'premium', 1, '300'],
    ['a variant by default', 'clip', {}, 'video.clip', 'budget', 1, '40'],
    ['null is nothing', 'clip', { quality: null }, 'video.clip', 'budget', 1, '40'],
    ['a variant as it is named', 'named_clip', { tier: 'premium' }, 'video.clip', 'premium', 1, '300'],
    ['a quantity below an escaped pointer', 'batch', { options: { 'items/count': 2.5 } }, 'tool.call', null, 2.5, '5'],
  ])('%s', (_what, tool, args, operation, variant, quantity, maximum) => {
    expect(priced(call(tool, args))).toMatchObject({
      operation,
      variant,
      quantity,
      minimum: credits(maximum),
      maximum: credits(maximum),
      exact: true,
    })
  })

  it('a quantity that the result tells reserves the most there may be', () => {
    expect(priced(call('transcribe'))).toMatchObject({
      minimum: 0n,
      maximum: credits('300'),
      exact: false,
      quantity: 60,
    })
  })

  it.each([
    [
      'nothing where the variant is to be',
      'named_clip',
      {},
      'invalid_request',
      'named_clip: nothing at /tier in the arguments, where the catalog reads the variant of its price',
    ],
    [
      'nothing where the quantity is to be',
      'batch',
      { options: {} },
      'invalid_request',
      /^batch: nothing at \/options\/items~1count in the arguments/,
    ],
    ['no arguments at all', 'batch', undefined, 'invalid_request', /nothing at/],
    [
      'a member that is only inherited',
      'named_clip',
      Object.create({ tier: 'budget' }),
      'invalid_request',
      /nothing at/,
    ],
    [
      'a variant outside the map',
      'clip',
      { quality: 'best' },
      'unknown_variant',
      'clip: /quality in the arguments is "best"; expected one of low, high',
    ],
    [
      'a map is asked for what it inherits',
      'clip',
      { quality: 'toString' },
      'unknown_variant',
      /expected one of low, high/,
    ],
    [
      'a variant that is none',
      'named_clip',
      { tier: 'gold' },
      'unknown_variant',
      'video.clip has no variant "gold"; expected budget, premium',
    ],
    [
      'a variant of another type',
      'named_clip',
      { tier: { a: 1 } },
      'unknown_variant',
      /is an object; expected the id of a variant/,
    ],
    [
      'something else than a list to count',
      'pictures',
      { prompts: 'a' },
      'invalid_request',
      'pictures: /prompts in the arguments is "a"; expected a list, to be counted',
    ],
    ['T29: a negative quantity', 'batch', { options: { 'items/count': -5 } }, 'invalid_amount', /is -5; expected/],
    [
      'a quantity in words',
      'batch',
      { options: { 'items/count': '5' } },
      'invalid_amount',
      /is "5"; expected a number/,
    ],
  ])('%s is a problem, never a price of zero', (_what, tool, args, code, message) => {
    const result = priceToolCall(catalog, { tool, args })
    expect(result).toMatchObject({ kind: 'problem', code })
    expect(result.kind === 'problem' ? result.message : '').toMatch(message)
  })

  it("a tool's own price is no way around the plan that its operation needs", () => {
    expect(priced(call('gated'))).toMatchObject({
      maximum: credits('1'),
      operation: 'gated.run',
      requiresPlan: ['pro'],
    })
  })

  it('AX-14: an unpriced tool is refused with the line that prices it, in YAML as in JSON', () => {
    const tool = 'we"ird: #tool'
    const unpriced = call(tool)
    if (unpriced.kind !== 'unpriced') throw new Error(unpriced.kind)
    expect(unpriced.line).toBe('"we\\"ird: #tool": { "credits": "1" }')
    const yaml = parseCatalogText(`tools:\n  ${unpriced.line}\n`)
    expect(yaml.ok && yaml.document).toEqual({ tools: { [tool]: { credits: '1' } } })
    const repaired = parsed(documentWith(JSON.parse(`{ "tools": { ${unpriced.line} } }`)))
    expect(priced(priceToolCall(repaired, { tool, args: {} })).maximum).toBe(credits('1'))
  })

  it('AX-14, T32: tools that have the names of what objects inherit are unpriced like any other', () => {
    for (const tool of ['constructor', '__proto__', 'toString'])
      expect(call(tool)).toMatchObject({ kind: 'unpriced', tool })
    expect(priceToolCall(parsed(bundledCatalogs['neural-draft']), { tool: 'x' })).toMatchObject({ kind: 'unpriced' })
  })
})

describe('what the result of a tool tells', () => {
  it.each([
    [
      'structured content',
      { structuredContent: { minutes: 12.2 }, content: [{ type: 'text', text: '{"minutes":1}' }] },
    ],
    [
      'the first text that is JSON',
      {
        content: [
          { type: 'image', data: '' },
          { type: 'text', text: 'Done.' },
          { type: 'text', text: '{"minutes":12.2}' },
        ],
      },
    ],
  ])('is read from %s, and priced as reserved', (_where, result) => {
    const told = actual('transcribe', result)
    expect(told).toEqual({ kind: 'actual', actual: { quantity: 12.2 } })
    expect(priceActual(priced(call('transcribe')), told.kind === 'actual' ? told.actual : {})).toMatchObject({
      amount: credits('65'),
    })
  })

  it('more than was reserved is what it is, for the overrun policy', () => {
    expect(priceActual(priced(call('transcribe')), { quantity: 100 })).toMatchObject({ amount: credits('500') })
  })

  it('is translated by a map, and by default where nothing stands there', () => {
    expect(actual('transcribe_mapped', { structuredContent: { length: 'long' } })).toEqual({
      kind: 'actual',
      actual: { quantity: 30 },
    })
    expect(actual('transcribe_mapped', { structuredContent: {} })).toEqual({ kind: 'actual', actual: { quantity: 1 } })
    expect(actual('transcribe_mapped', { structuredContent: { length: 'endless' } })).toMatchObject({ kind: 'problem' })
  })

  it('usage by component', () => {
    const told = actual('chat', { structuredContent: { usage: [1000, 200] } })
    expect(told).toEqual({ kind: 'actual', actual: { usage: { input_tokens: 1000, output_tokens: 200 } } })
    expect(priceActual(priced(call('chat')), told.kind === 'actual' ? told.actual : {})).toMatchObject({
      amount: 6_000n,
    })
    expect(actual('chat', { structuredContent: { usage: [1000] } })).toMatchObject({
      actual: { usage: { output_tokens: 0 } },
    })
    expect(actual('chat', { structuredContent: { usage: [] } })).toMatchObject({
      kind: 'problem',
      code: 'invalid_request',
    })
  })

  it('a cost in credits, as number or text', () => {
    expect(actual('trends', { structuredContent: { cost: 0.07 } })).toEqual({
      kind: 'actual',
      actual: { actual: credits('0.07') },
    })
    expect(actual('trends', { structuredContent: { cost: '0.07' } })).toEqual({
      kind: 'actual',
      actual: { actual: credits('0.07') },
    })
  })

  it.each([
    ['nothing there', 'trends', { structuredContent: {} }, 'invalid_request'],
    ['no JSON at all', 'trends', { content: [{ type: 'text', text: 'done' }] }, 'invalid_request'],
    ['no result', 'transcribe', undefined, 'invalid_request'],
    ['T29: a negative cost', 'trends', { structuredContent: { cost: -1 } }, 'invalid_amount'],
    ['T29: minus zero', 'trends', { structuredContent: { cost: -0 } }, 'invalid_amount'],
    [
      'T29: an endless quantity',
      'transcribe',
      { content: [{ type: 'text', text: '{"minutes":1e309}' }] },
      'invalid_amount',
    ],
    ['a cost of another type', 'trends', { structuredContent: { cost: true } }, 'invalid_amount'],
  ])('%s is a problem, never a charge of zero', (_what, tool, result, code) => {
    expect(actual(tool, result)).toMatchObject({ kind: 'problem', code })
  })

  it.each(['read', 'search', 'clip', 'unheard_of'])('%s costs what was reserved, whatever its result', (tool) => {
    expect(actual(tool, { structuredContent: { cost: 0, minutes: 0 } })).toEqual({ kind: 'as_reserved' })
  })
})
