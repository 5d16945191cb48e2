import { describe, expect, it } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { catalogFromSource, describeProblems } from '../../src/catalog/parse-catalog.js'
import { parseCatalogText } from '../../src/catalog/parse-text.js'
import { bundled, catalogWith, documentWith, parsed, problemsOf } from './support.js'

const JOB = { name: 'Job', price: { model: 'flat', credits: '1' } }

/** Documents with one thing wrong: what it is, the fields, and the problem as people read it. */
const BAD: readonly (readonly [string, Record<string, unknown>, string])[] = [
  [
    'a number where an amount is text',
    {
      operations: {
        'video.clip': {
          name: 'Clip',
          default_variant: 'premium',
          variants: { premium: { name: 'P', price: { model: 'flat', credits: 5 } } },
        },
      },
    },
    'operations/video.clip/variants/premium/price/credits: found the number 5, expected credits as decimal text in quotes, zero or more, at most six decimals, such as "5" or "0.13"',
  ],
  [
    'T29: a negative price',
    { default_tool_price: '-1' },
    'default_tool_price: found "-1", expected credits as decimal text',
  ],
  [
    'T29: a price that is no number',
    { default_tool_price: 'NaN' },
    'default_tool_price: found "NaN", expected credits as decimal text',
  ],
  [
    'T29: an exponent',
    { default_tool_price: '1e3' },
    'default_tool_price: found "1e3", expected credits as decimal text',
  ],
  [
    'seven decimals',
    { default_tool_price: '0.0000001' },
    'default_tool_price: found "0.0000001", expected credits as decimal text',
  ],
  [
    'T28: more than the most',
    { default_tool_price: '2000000000.000001' },
    'default_tool_price: found "2000000000.000001", expected at most "2000000000" credits',
  ],
  [
    'an unknown field',
    { pries: {} },
    'pries: found a field of no meaning, expected one of the fields $schema, id, name',
  ],
  [
    'an unknown price model',
    { operations: { 'job.run': { name: 'Job', price: { model: 'free' } } } },
    'operations/job.run/price/model: found "free", expected one of "flat", "per_unit"',
  ],
  [
    'no price',
    { operations: { 'job.run': { name: 'Job' } } },
    'operations/job.run/price: found nothing, expected a price, or `variants`',
  ],
  [
    'an id in upper case',
    { operations: { 'Job.run': JOB } },
    'operations/Job.run: found the key "Job.run", expected a dotted lower-case id',
  ],
  [
    'an id with an empty segment',
    { operations: { 'job..run': JOB } },
    'operations/job..run: found the key "job..run", expected a dotted lower-case id',
  ],
  [
    'no default variant',
    {
      operations: {
        'job.run': { name: 'Job', variants: { a: { name: 'A', price: { model: 'flat', credits: '1' } } } },
      },
    },
    'operations/job.run/default_variant: found nothing, expected one of a',
  ],
  [
    'a default variant that is none',
    { operations: { 'job.run': { ...JOB, default_variant: 'b', variants: { a: { name: 'A' } } } } },
    'operations/job.run/default_variant: found "b", expected one of a',
  ],
  [
    'a variant without a price',
    { operations: { 'job.run': { name: 'Job', default_variant: 'a', variants: { a: { name: 'A' } } } } },
    'operations/job.run/variants/a/price: found nothing, expected a price, here or for the whole operation',
  ],
  [
    'an unknown plan',
    { operations: { 'job.run': { ...JOB, requires_plan: ['gold'] } } },
    'operations/job.run/requires_plan/0: found "gold", expected a plan; it has none',
  ],
  [
    'a surcharge for an unknown operation',
    { operations: { 'job.run': { ...JOB, surcharges: [{ name: 'x', operation: 'job.other' }] } } },
    'operations/job.run/surcharges/0/operation: found "job.other", expected one of job.run',
  ],
  [
    'a surcharge for an unknown variant',
    {
      operations: {
        'job.run': { ...JOB, surcharges: [{ name: 'x', operation: 'job.two', variant: 'b' }] },
        'job.two': JOB,
      },
    },
    'operations/job.run/surcharges/0/variant: found "b", expected no variant: the operation has none',
  ],
  [
    'a surcharge with two prices',
    {
      operations: {
        'job.run': { ...JOB, surcharges: [{ name: 'x', operation: 'job.two', price: JOB.price }] },
        'job.two': JOB,
      },
    },
    'operations/job.run/surcharges/0: found both operation and price, expected either `operation` or `price`',
  ],
  [
    'a surcharge of itself',
    { operations: { 'job.run': { ...JOB, surcharges: [{ name: 'x', operation: 'job.run' }] } } },
    'operations/job.run/surcharges/0: found job.run → job.run, expected surcharges that do not come back',
  ],
  [
    'a circle of surcharges through a default variant',
    {
      operations: {
        'job.a': { ...JOB, surcharges: [{ name: 'x', operation: 'job.b' }] },
        'job.b': {
          ...JOB,
          default_variant: 'v',
          variants: { v: { name: 'V', surcharges: [{ name: 'y', operation: 'job.a' }] } },
        },
      },
    },
    'operations/job.b/variants/v/surcharges/0: found job.a → job.b/v → job.a, expected surcharges that do not come back',
  ],
  [
    'tiers that do not ascend',
    {
      operations: {
        'job.run': {
          name: 'J',
          price: {
            model: 'tiered',
            mode: 'volume',
            tiers: [
              { up_to: 10, credits: '1' },
              { up_to: 10, credits: '2' },
              { up_to: null, credits: '1' },
            ],
          },
        },
      },
    },
    'operations/job.run/price/tiers/1/up_to: found the number 10, expected a quantity above 10',
  ],
  [
    'tiers that end',
    {
      operations: {
        'job.run': { name: 'J', price: { model: 'tiered', mode: 'volume', tiers: [{ up_to: 10, credits: '1' }] } },
      },
    },
    'operations/job.run/price/tiers/0/up_to: found the number 10, expected null: the last tier has no end',
  ],
  [
    'a tier after the last',
    {
      operations: {
        'job.run': {
          name: 'J',
          price: {
            model: 'tiered',
            mode: 'volume',
            tiers: [
              { up_to: null, credits: '1' },
              { up_to: null, credits: '1' },
            ],
          },
        },
      },
    },
    'operations/job.run/price/tiers/0/up_to: found null, expected a quantity: only the last tier has no end',
  ],
  [
    'a range upside down, by value and not by text',
    { operations: { 'job.run': { name: 'J', price: { model: 'range', minimum: '10', maximum: '9' } } } },
    'operations/job.run/price/minimum: found "10", expected at most the maximum, "9"',
  ],
  [
    'nothing per zero units',
    { operations: { 'job.run': { name: 'J', price: { model: 'per_unit', credits: '1', per: 0 } } } },
    'operations/job.run/price/per: found the number 0, expected a number above 0',
  ],
  [
    'an unknown default plan',
    { default_plan: 'free' },
    'default_plan: found "free", expected a plan, or null; it has none',
  ],
  [
    'a threshold over all of it',
    { thresholds: [{ kind: 'percent_of_period', level: 'low', value: '101' }] },
    'thresholds/0/value: found "101", expected a percentage of at most "100"',
  ],
  [
    'an operation outside the categories',
    { categories: [{ id: 'video', name: 'Video' }], operations: { 'job.run': JOB } },
    'operations/job.run/category: found "job", expected one of video',
  ],
  [
    'a category twice',
    {
      categories: [
        { id: 'v', name: 'V' },
        { id: 'v', name: 'W' },
      ],
    },
    'categories/1/id: found "v", expected an id that no category before it has',
  ],
  [
    'the operation of tool calls',
    { operations: { 'tool.call': JOB } },
    'operations/tool.call: found an operation, expected no such operation: `default_tool_price` is its price',
  ],
  [
    'a tool without a price',
    { tools: { x: {} } },
    'tools/x: found no price, expected `free: true`, `credits`, `price` or `operation`',
  ],
  [
    'a tool with two prices',
    { tools: { x: { free: true, credits: '1' } } },
    'tools/x: found free and credits, expected one of free, credits and price',
  ],
  [
    'a free tool with more',
    { tools: { x: { free: true, quantity: 2 } } },
    'tools/x/quantity: found a field, expected nothing else for a free tool',
  ],
  [
    'a tool of an unknown operation',
    { operations: { 'job.run': JOB }, tools: { x: { operation: 'job.walk' } } },
    'tools/x/operation: found "job.walk", expected one of job.run',
  ],
  [
    'a tool with an unknown variant',
    { operations: { 'job.run': JOB }, tools: { x: { operation: 'job.run', variant: 'a' } } },
    'tools/x/variant: found "a", expected no variant',
  ],
  [
    'a tool that maps to an unknown variant',
    {
      operations: { 'job.run': { ...JOB, default_variant: 'a', variants: { a: { name: 'A' } } } },
      tools: { x: { operation: 'job.run', variant: { from: 'arguments', pointer: '/v', map: { big: 'b' } } } },
    },
    'tools/x/variant/map/big: found "b", expected one of a',
  ],
  [
    'a pointer that is none',
    { tools: { x: { credits: '1', quantity: { from: 'arguments', pointer: 'minutes' } } } },
    'tools/x/quantity/pointer: found "minutes", expected a JSON Pointer',
  ],
  [
    'a quantity from the result with nothing to reserve',
    { tools: { x: { price: { model: 'per_unit', credits: '1' }, quantity: { from: 'result', pointer: '/n' } } } },
    'tools/x/quantity/at_most: found nothing, expected the quantity to reserve before the result is known',
  ],
  [
    'an actual cost of a fixed price',
    { operations: { 'job.run': JOB }, tools: { x: { operation: 'job.run', actual: { pointer: '/c' } } } },
    'tools/x/actual: found a pointer, expected no such field',
  ],
  [
    'a usage of an unknown component',
    {
      tools: {
        x: {
          price: {
            model: 'pass_through',
            rates: { tokens: { credits: '1' } },
            typical: { minimum: '1', maximum: '2' },
          },
          usage: { seconds: { pointer: '/s' } },
        },
      },
    },
    'tools/x/usage/seconds: found a component, expected one of tokens',
  ],
  [
    'a tool by usage alone',
    {
      tools: {
        x: {
          price: { model: 'pass_through', rates: { tokens: { credits: '1' } } },
          usage: { tokens: { pointer: '/t' } },
        },
      },
    },
    'tools/x: found a price by usage alone, expected a price with `typical`',
  ],
  [
    'a worthless credit',
    { unit: { name: 'c', plural: 'cs', credit_usd: '0.00' } },
    'unit/credit_usd: found "0.00", expected more than zero dollars, or null',
  ],
]

describe('a bad catalog is refused with the path, what was found and what was expected', () => {
  it.each(BAD)('%s', (_what, fields, expected) => {
    const problems = problemsOf(documentWith(fields))
    expect(problems).toHaveLength(1)
    expect(describeProblems(problems).slice(0, expected.length)).toBe(expected)
  })

  it.each([null, undefined, [], 'text', 5])('%s is no document', (document) => {
    expect(describeProblems(problemsOf(document))).toMatch(/^the document: found .*, expected an object$/)
  })

  it('says several things at once', () => {
    const paths = problemsOf({
      ...documentWith({ operations: { 'job.run': { name: '', price: { model: 'flat', credits: 1 } } } }),
      unit: null,
    })
    expect(paths.map(({ path }) => path)).toEqual([
      'unit',
      'operations/job.run/name',
      'operations/job.run/price/credits',
    ])
  })

  it('repeats no long text that it was given', () => {
    expect(describeProblems(problemsOf(documentWith({ default_tool_price: 'x'.repeat(5000) })))).toMatch(
      /found a text of 5000 characters/,
    )
  })

  it('T28: takes the largest amount there is', () => {
    expect(catalogWith({ default_tool_price: '2000000000' }).defaultToolPrice).toBe(2_000_000_000_000_000n)
  })
})

describe('a parsed catalog', () => {
  it('finds nothing under names that every object inherits', () => {
    const catalog = bundled('neural-draft')
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect([catalog.operations[name], catalog.tools[name], catalog.plans[name]]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    }
  })

  it.each(Object.keys(bundledCatalogs))('%s: reads the same from what the ledger keeps of it', (name) => {
    const catalog = bundled(name)
    expect(catalogFromSource(catalog.source)).toEqual(catalog)
    expect(catalogFromSource(catalog.source).source).toBe(catalog.source)
  })

  it('has the same source and order however its document is ordered', () => {
    const document = bundledCatalogs['neural-draft'] as { readonly operations: object; readonly plans: object }
    const reversed = {
      ...Object.fromEntries(Object.entries(document).reverse()),
      operations: Object.fromEntries(Object.entries(document.operations).reverse()),
      plans: Object.fromEntries(Object.entries(document.plans).reverse()),
    }
    const catalog = parsed(reversed)
    expect(catalog.source).toBe(bundled('neural-draft').source)
    expect(Object.keys(catalog.operations)).toEqual(Object.keys(bundled('neural-draft').operations))
    expect(Object.keys(catalog.plans)).toEqual(['free', 'hobby', 'build', 'scale', 'enterprise'])
  })

  it('throws for a kept source that is damaged', () => {
    expect(() => catalogFromSource('{"id":"acme"}')).toThrow(/damaged/)
  })

  it('names categories after the ids where the document does not', () => {
    const catalog = catalogWith({ operations: { 'deep_dive.run': JOB, translate: JOB } })
    expect(catalog.categories).toEqual([
      { id: 'deep_dive', name: 'Deep dive' },
      { id: 'translate', name: 'Translate' },
    ])
  })
})

describe('the text of a catalog', () => {
  it('is YAML or JSON', () => {
    const yaml =
      'id: acme\nname: Acme\nunit: { name: credit, plural: credits, credit_usd: "0.01" }\nprice_increase_notice_days: 0\noperations: {}\n'
    const fromYaml = parseCatalogText(yaml)
    const fromJson = parseCatalogText(JSON.stringify(documentWith({})))
    expect(fromYaml.ok && fromJson.ok && parsed(fromYaml.document).source === parsed(fromJson.document).source).toBe(
      true,
    )
  })

  it.each([
    ['id: [', /^line \d+: found .*, expected YAML or JSON/],
    ['a: 1\na: 2\n', /^line 2: found Map keys must be unique, expected YAML or JSON/],
    [`x: "${'y'.repeat(1_000_001)}"`, /^text: found a text of \d+ characters, expected at most 1000000 characters/],
    [
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /^text: found Excessive alias count/,
    ],
  ])('is refused where it is neither, twice the same or too much', (text, expected) => {
    const result = parseCatalogText(text)
    expect(result.ok ? 'ok' : describeProblems(result.problems)).toMatch(expected)
  })

  it('an unquoted price in YAML is told what it is', () => {
    const result = parseCatalogText(`${JSON.stringify(documentWith({})).slice(0, -1)}, default_tool_price: 0.10}`)
    expect(result.ok && describeProblems(problemsOf(result.document))).toMatch(
      /^default_tool_price: found the number 0.1, expected credits as decimal text in quotes/,
    )
  })
})
