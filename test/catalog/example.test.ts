import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { estimateCampaign } from '../../src/catalog/campaign.js'
import type { Catalog } from '../../src/catalog/catalog.js'
import { catalogJsonSchema } from '../../src/catalog/json-schema.js'
import { parseCatalogText } from '../../src/catalog/parse-text.js'
import { pickVariant } from '../../src/catalog/pick-variant.js'
import { recurringCost } from '../../src/catalog/recurring.js'
import { documentedFigures, openedWith } from './figures.js'
import { credits, parsed } from './support.js'

/** The catalog of a product that none of the source documents describes, written from the page that explains the format. */
const file = fileURLToPath(new URL('../../src/catalog/examples/lingua-studio.yaml', import.meta.url))
const page = readFileSync(new URL('../../src/catalog/README.md', import.meta.url), 'utf8')
const document = documentIn(readFileSync(file, 'utf8'))
const catalog: Catalog = parsed(document)

/** What the page says the example answers, typed again: operation, variant, quantity, least, most. */
const PRICES = [
  ['text.translate', null, 60, 0.6, 0.6],
  ['text.translate', null, 1_230, 2.6, 2.6],
  ['text.translate', 'reviewed', 12_000, 690, 690],
  ['text.translate', 'overnight', 1_000, 85, 85],
  ['text.certificate', null, 3, 40, 40],
  ['text.proofread', null, 12, 6, 18],
  ['text.chat', null, 1, 0.1, 2],
  ['voice.transcribe', null, 7.2, 12, 12],
  ['voice.dub', null, 10, 135, 135],
  ['voice.dub', null, 11, 126.5, 126.5],
  ['voice.clone', null, 1, 20, 60],
  ['post.localise', 'spoken', 10, 25, 35],
  ['post.localise', 'retold', 4, 13, 13],
  ['glossary.read', null, 1, 0, 0],
] as const

describe('the example', () => {
  it.each(PRICES)('%s %s × %d costs %d to %d points', async (operation, variant, quantity, minimum, maximum) => {
    const ledger = await openedWith(file, { granted: 1_000 })
    const estimate = await ledger.estimate({ operation, quantity, ...(variant === null ? {} : { variant }) })
    expect(estimate).toMatchObject({ minimum, maximum })
    expect(estimate.usd).toBeCloseTo(maximum * 0.02, 6)
  })

  it('reads variant and quantity from the arguments of the job', async () => {
    const ledger = await openedWith(file, { granted: 1_000 })
    const args = { quality: 'final', words: 12_000 }
    expect(await ledger.estimate({ operation: 'text.translate', args })).toMatchObject({ minimum: 690, maximum: 690 })
  })

  it('charges what was used, and no more of a promised range than its maximum', async () => {
    const ledger = await openedWith(file, { granted: 1_000 })
    const usage = { input_tokens: 2_000, output_tokens: 400, cached_tokens: 10_000 }
    expect(await ledger.charge({ operation: 'text.chat', usage })).toMatchObject({ charged: 0.75, balance: 999.25 })
    const held = await ledger.reserve({ operation: 'voice.clone' })
    const settled = await ledger.settle({ reservation: held.reservation as string, actual: 75 })
    expect(settled).toMatchObject({ charged: 60, uncollected: 0, balance: 939.25 })
  })

  it.each([
    ['read_glossary', {}, {}, 0],
    ['search_terms', {}, {}, 0.05],
    ['translate', { words: 1_230 }, {}, 2.6],
    ['proofread', { pages: ['a', 'b', 'c', 'd'] }, { cost: 3.5 }, 3.5],
    ['certify', { size: 'large' }, {}, 40],
    ['transcribe', {}, { minutes: 30.5 }, 46.5],
    ['ask', {}, { usage: { input: 2_000, output: 400 } }, 0.6],
    ['bulk_transcribe', { minutes: 90 }, {}, 120],
  ])('a call of the tool %s with %j that answers %j costs %d points', async (tool, args, structuredContent, charged) => {
    const ledger = await openedWith(file, { granted: 1_000 })
    const call = { tool, arguments: args, meta: undefined, signal: new AbortController().signal }
    await ledger.meter({ ...call, run: async () => ({ kind: 'result', result: { content: [], structuredContent } }) })
    expect(await ledger.balance()).toMatchObject({ balance: 1_000 - charged, reserved: 0 })
  })

  it('AX-14: a tool that it does not list is refused before it runs', async () => {
    const ledger = await openedWith(file, { granted: 1_000 })
    let runs = 0
    const run = async () => {
      runs += 1
      return { kind: 'result' as const, result: { content: [] } }
    }
    const call = { tool: 'paint', arguments: {}, meta: undefined, signal: new AbortController().signal, run }
    expect(JSON.stringify(await ledger.meter(call))).toContain('price_unknown')
    expect([runs, (await ledger.balance()).balance]).toEqual([0, 1_000])
  })

  it.each([
    [{ languages: 'el' }, 'machine'],
    [{ languages: ['de', 'fr'], reviewed: true }, 'reviewed'],
  ])('AX-08: for %j the cheapest that meets it is %s', (args, variant) => {
    expect(pickVariant(catalog, { operation: 'text.translate', args, plan: 'studio' })).toMatchObject({ variant })
  })

  it('prices a campaign by its posts, and seats by their hours', () => {
    const campaign = { platforms: 2, weeks: 3, postsPerWeek: 5 }
    const bounds = (complexity: string) => {
      const { minimum, maximum } = estimateCampaign(catalog, { ...campaign, complexity }) as { minimum: bigint; maximum: bigint }
      return [minimum, maximum]
    }
    expect(bounds('standard')).toEqual([credits('30'), credits('60')])
    expect(bounds('complex')).toEqual([credits('75'), credits('105')])
    const seat = catalog.recurringItems['seat'] ?? expect.fail('no seat')
    expect(recurringCost(seat, [{ quantity: 2, ms: 730 * 3_600_000 }])).toBe(credits('365'))
  })

  it('has its plans from the lowest to the one that is agreed, and its packs from the cheapest', () => {
    expect(Object.keys(catalog.plans)).toEqual(['visitor', 'trial', 'studio', 'house'])
    expect(Object.keys(catalog.packs)).toEqual(['keepsake', 'page-turner', 'season'])
  })

  it('marks the one figure that it says is assumed', () => {
    const marked = 'operations/text.chat/price/rates/cached_tokens'
    expect(assumedFigures(catalog)).toEqual([marked])
    expect(Object.keys(documentedFigures(catalog)).filter((path) => path.startsWith(marked))).toEqual([])
  })
})

describe('what there is to learn from it', () => {
  it('is every field of the format, and every word that a field may be', () => {
    const { fields, words } = vocabulary(catalogJsonSchema())
    const text = JSON.stringify(document)
    // Only for editors, and said by a comment of the file.
    expect(fields.filter((field) => !text.includes(`"${field}":`))).toEqual(['$schema'])
    // Two of three faults are like the third, and the other way to sell is told by a comment.
    const others = ['provider', 'platform', 'hidden']
    expect(words.filter((word) => !text.includes(`"${word}"`) && !others.includes(word))).toEqual([])
  })

  it('is what the page tells of it: each row of its table is a price that the example has', async () => {
    const ledger = await openedWith(file, { granted: 1_000 })
    const section = page.slice(page.indexOf('## An example, explained'))
    const rows = [...section.matchAll(/^\| `([a-z.]+)((?: \w+=[\w.]+)*)` \| ([\d.]+)(?: to ([\d.]+))? \|/gm)]
    expect(rows).toHaveLength(PRICES.length + 1)
    for (const [row, operation = '', given = '', minimum, maximum = minimum] of rows) {
      const estimate = await ledger.estimate({ operation, ...requestIn(given) })
      expect([row, estimate.minimum, estimate.maximum]).toEqual([row, Number(minimum), Number(maximum)])
    }
  })
})

/** `variant=` and `quantity=` of a call and the rest as its arguments, as the command line takes them. */
function requestIn(given: string): { variant?: string; quantity?: number; args?: Record<string, unknown> } {
  const pairs = given.trim() === '' ? [] : given.trim().split(' ').map((pair) => pair.split('=') as [string, string])
  const { variant, quantity, ...rest } = Object.fromEntries(pairs)
  const args = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, /^[\d.]+$/.test(value) ? Number(value) : value]),
  )
  return {
    ...(variant === undefined ? {} : { variant }),
    ...(quantity === undefined ? {} : { quantity: Number(quantity) }),
    ...(Object.keys(args).length === 0 ? {} : { args }),
  }
}

function documentIn(text: string): unknown {
  const read = parseCatalogText(text)
  return read.ok ? read.document : expect.fail('the example cannot be read')
}

/** Every name of a field in a JSON Schema, and every word that one of its fields may be. */
function vocabulary(schema: unknown): { readonly fields: readonly string[]; readonly words: readonly string[] } {
  const fields = new Set<string>()
  const words = new Set<string>()
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties, enum: choices, const: only } = node as { properties?: object; enum?: unknown[]; const?: unknown }
    for (const field of Object.keys(properties ?? {})) fields.add(field)
    for (const word of [...(choices ?? []), only]) if (typeof word === 'string') words.add(word)
    for (const member of Object.values(node)) visit(member)
  }
  visit(schema)
  return { fields: [...fields], words: [...words] }
}
