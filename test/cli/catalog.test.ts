import { writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/time/instant.js'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

let home: Home

beforeEach(async () => {
  home = new Home()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-10-05T08:00:00Z') })
  await json('init', '--catalog', 'neural-draft')
  return () => {
    vi.useRealTimers()
    home.remove()
  }
})

const json = <T = Record<string, unknown>>(...words: readonly string[]) => jsonHere<T>(home, ...words)
const text = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await runHere(home, words)
  expect({ code, stderr }, words.join(' ')).toEqual({ code: 0, stderr: '' })
  return stdout.replaceAll(/ +/g, ' ')
}

interface Document {
  readonly operations: Record<string, { price: { credits: string } }>
}

/** The catalog in force with other prices, as a file. */
async function draft(name: string, prices: Readonly<Record<string, string>>): Promise<string> {
  const { document } = await json<{ document: Document }>('catalog', 'show')
  const operations = Object.fromEntries(
    Object.entries(document.operations).map(([id, operation]) =>
      prices[id] === undefined ? [id, operation] : [id, { ...operation, price: { ...operation.price, credits: prices[id] } }],
    ),
  )
  const file = home.path(name)
  writeFileSync(file, JSON.stringify({ ...document, operations }))
  return file
}

const cost = async (operation: string) => (await json<{ maximum: number }>('estimate', operation)).maximum

describe('catalog announce', () => {
  it('ND-13: a dearer catalog holds 30 days after it is announced and is listed until then; each charge names its version', async () => {
    const dearer = await draft('dearer.json', { 'blog.post': '70', 'image.generate': '40' })
    const before = await json<{ transaction: string }>('charge', 'blog.post')
    expect(await text('catalog', 'announce', dearer)).toBe(
      [
        'Version 2 of the catalog, in effect from 2026-11-04T08:00:00.000Z',
        ' operations/blog.post/price/credits: "60" → "70" (increase)',
        ' operations/image.generate/price/credits: "32" → "40" (increase)',
        'Until then the prices in force hold. Who asks for them is told: npx mcp-credits prices --changes',
        '',
      ].join('\n'),
    )
    const effective_at = '2026-11-04T08:00:00.000Z'
    expect(await json('prices', '--changes')).toEqual([
      { id: 'operations/blog.post/price/credits', path: 'operations/blog.post/price/credits', effective_at, before: '60', after: '70', increase: true },
      { id: 'operations/image.generate/price/credits', path: 'operations/image.generate/price/credits', effective_at, before: '32', after: '40', increase: true },
    ])
    expect(await text('prices', '--changes')).toContain('2026-11-04 operations/blog.post/price/credits "60" "70"\n')
    vi.setSystemTime(Date.parse(effective_at) - 1)
    expect([await cost('blog.post'), await cost('image.generate')]).toEqual([60, 32])
    vi.setSystemTime(Date.parse(effective_at))
    expect([await cost('blog.post'), await cost('image.generate')]).toEqual([70, 40])
    expect(await text('prices', '--changes')).toBe('There are no such price changes.\n')
    const after = await json<{ transaction: string }>('charge', 'blog.post')
    expect(await json('explain', before.transaction)).toMatchObject({ charged: 60, price_version: 1 })
    expect(await json('explain', after.transaction)).toMatchObject({ charged: 70, price_version: 2 })
  })

  it('ND-13: a decrease holds at once by itself, and waits where the same catalog raises a price', async () => {
    const mixed = await draft('mixed.json', { 'blog.post': '70', 'image.generate': '30' })
    expect(await text('catalog', 'announce', mixed)).toContain('\nWhat is not dearer waits with the rest. A lower price holds at once by: npx mcp-credits price <target> <credits>\n')
    expect(await cost('image.generate')).toBe(32)
    expect(await text('price', 'image.generate', '28')).toMatch(/in effect from 2026-10-05T08:00:00\.000Z\n/)
    expect([await cost('blog.post'), await cost('image.generate')]).toEqual([60, 28])
    const changes = await json<readonly { path: string }[]>('prices', '--changes')
    expect(changes.map(({ path }) => path)).toContain('operations/blog.post/price/credits')
  })

  it('what raises nothing is not announced, with the command that puts it into force', async () => {
    const cheaper = await draft('cheaper.json', { 'blog.post': '50' })
    const { code, stderr } = await runHere(home, ['catalog', 'announce', cheaper])
    expect(code).toBe(2)
    expect(stderr).toContain('Nothing in the catalog is dearer than in version 1: there is nothing to announce\n')
    expect(stderr).toContain(`Put it into force at once: npx mcp-credits catalog apply ${cheaper}\n`)
    expect(await cost('blog.post')).toBe(60)
    await json('catalog', 'apply', cheaper)
    expect(await cost('blog.post')).toBe(50)
  })

  it('what was announced before is not announced again and keeps its day', async () => {
    const dearer = await draft('dearer.json', { 'blog.post': '70' })
    const { effective_at: at } = await json<{ effective_at: string }>('catalog', 'announce', dearer)
    vi.setSystemTime(Date.now() + DAY_MS)
    expect(await json('catalog', 'announce', dearer)).toMatchObject({ applied: false, version: 2, effective_at: at })
    expect(await text('catalog', 'announce', dearer)).toBe(`It is announced already: version 2, in effect from ${at}.\n`)
  })
})

describe('catalog whatif', () => {
  beforeEach(async () => {
    for (const project of ['alpha', 'beta']) await json('account', 'create', project)
    await json('account', 'create', 'trial', '--test')
    await json('charge', 'blog.post', '--account', 'alpha')
    await json('charge', 'blog.post', '--account', 'trial')
    vi.setSystemTime(Date.now() + DAY_MS)
    await json('charge', 'image.generate', 'quantity=3', '--account', 'alpha')
    await json('charge', 'blog.post', 'quantity=2', '--account', 'beta')
    vi.setSystemTime(Date.now() + HOUR_MS)
  })

  it('AX-22: replays a draft over what was spent, with the difference by account and operation, and writes nothing', async () => {
    const file = await draft('draft.json', { 'blog.post': '70', 'image.generate': '30' })
    const head = await json('doctor', '--head', '--account', 'alpha')
    const rows = [
      { account: 'alpha', operation: 'image.generate', calls: 1, credits_now: 96, credits_then: 90, difference: -6 },
      { account: 'alpha', operation: 'blog.post', calls: 1, credits_now: 60, credits_then: 70, difference: 10 },
      { account: 'beta', operation: 'blog.post', calls: 1, credits_now: 120, credits_then: 140, difference: 20 },
    ]
    expect(await json('catalog', 'whatif', file)).toMatchObject({ rows, unpriced: [], total_calls: 3, credits_now: 276, credits_then: 300, difference: 24 })
    const table = await text('catalog', 'whatif', file)
    expect(table).toContain('Account Operation Calls As it was Draft Difference\nalpha image.generate 1 96 90 -6\nalpha blog.post 1 60 70 +10\nbeta blog.post 1 120 140 +20\n\n')
    expect(table).toContain('3 calls: 276 as it was, 300 by the draft (+24)\n')
    expect(await json('catalog', 'show')).toMatchObject({ version: 1 })
    expect(await json('doctor', '--head', '--account', 'alpha')).toEqual(head)
  })

  it('AX-22: of some accounts, the one of --account, and of a period', async () => {
    const file = await draft('draft.json', { 'blog.post': '70' })
    const differenceOf = async (...words: readonly string[]) => (await json<{ difference: number }>('catalog', 'whatif', file, ...words)).difference
    expect(await differenceOf('beta')).toBe(20)
    expect(await differenceOf('beta', 'alpha')).toBe(30)
    expect(await differenceOf('--account', 'alpha')).toBe(10)
    expect(await differenceOf('--since', '2026-10-06T00:00:00Z')).toBe(20)
    expect(await differenceOf('--until', '2026-10-06T00:00:00Z')).toBe(10)
    expect((await runHere(home, ['catalog', 'whatif', file, 'nobody'])).code).toBe(2)
  })

  it('AX-22, T32: what the draft cannot price is named and in no sum', async () => {
    const { document } = await json<{ document: Document }>('catalog', 'show')
    // A social post has an image's price as its surcharge, and goes with it.
    const { 'image.generate': image, 'social.post': post, ...operations } = document.operations
    expect([image, post]).not.toContain(undefined)
    const file = home.path('without.json')
    writeFileSync(file, JSON.stringify({ ...document, operations }))
    const found = await json('catalog', 'whatif', file, 'alpha')
    expect(found).toMatchObject({ credits_now: 60, credits_then: 60, total_calls: 1, unpriced: [{ operation: 'image.generate', calls: 1, credits_now: 96 }] })
    expect(await text('catalog', 'whatif', file, 'alpha')).toContain('Not in these sums, since the draft has no price for it: 1 call of image.generate for 96 credits on alpha: ')
  })

  it('asks for the scope admin: it tells of every account', async () => {
    const { key } = await json<{ key: string }>('key', 'create')
    expect((await runHere(home, ['catalog', 'whatif', 'neural-draft', '--key', key])).code).toBe(4)
  })
})

describe('catalog validate', () => {
  const problemsOf = async (document: object) => {
    const file = home.path('bad.json')
    writeFileSync(file, JSON.stringify(document))
    const { code, stdout, stderr } = await runHere(home, ['catalog', 'validate', file, '--json'])
    expect(code).toBe(2)
    const { error } = JSON.parse(stdout) as { error: { code: string; details: { problems: readonly { path: string }[] } } }
    expect(error.code).toBe('catalog_invalid')
    for (const { path } of error.details.problems) expect(stderr).toContain(path)
    return error.details.problems.map(({ path }) => path)
  }
  const document = {
    id: 'acme', name: 'Acme', unit: { name: 'credit', plural: 'credits', credit_usd: null }, price_increase_notice_days: 30,
    operations: { a: { name: 'A', price: { model: 'flat', credits: '1' } } },
  }

  it('names every mistake of the shape at once', async () => {
    const operations = { a: { name: 'A', price: { model: 'flat', credits: 5 } }, b: { name: 'B', price: { model: 'flat', credits: '-1' } } }
    const paths = await problemsOf({ ...document, operations, price_increase_notice_days: 400, packs: { p: { name: 'P' } } })
    for (const path of ['operations/a/price/credits', 'operations/b/price/credits', 'price_increase_notice_days']) expect(paths).toContain(path)
    expect(paths.some((path) => path.startsWith('packs/p'))).toBe(true)
  })

  it('then names everything that does not agree at once', async () => {
    const operations = {
      a: { name: 'A', default_variant: 'none', variants: { one: { name: 'One', price: { model: 'flat', credits: '1' } } } },
      b: { name: 'B', price: { model: 'flat', credits: '1' }, requires_plan: ['gold'] },
    }
    const paths = await problemsOf({ ...document, operations, default_plan: 'silver', plans: {} })
    expect(paths.map((path) => path.split('/').slice(0, 2).join('/')).sort()).toEqual(['default_plan', 'operations/a', 'operations/b'])
  })
})
