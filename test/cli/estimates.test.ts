import { beforeEach, describe, expect, it, vi } from 'vitest'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

let home: Home

beforeEach(() => {
  home = new Home()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-10-05T08:00:00Z') })
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
const refusal = async (...words: readonly string[]) => {
  const { code, stderr } = await runHere(home, words)
  return { code, stderr: stderr.split('\n')[0] }
}

interface Estimate {
  readonly minimum: number
  readonly maximum: number
  readonly cheaper: readonly { readonly change: string; readonly maximum: number; readonly saves: number }[]
}

const CAMPAIGN = ['estimate', '--campaign', 'platforms=3', 'weeks=2', 'posts_per_week=5', 'complexity=standard'] as const

describe('a tool, by the id that prices shows', () => {
  beforeEach(async () => void (await json('init')))

  it('AX-26: is priced, estimated and quoted', async () => {
    await json('price', 'search', '2')
    await json('price', 'tool:search', '1')
    expect(await json<readonly { id: string }[]>('prices', '--search', 'search')).toMatchObject([{ id: 'tool:search', price: expect.stringMatching(/^1 /) as unknown }])
    expect(await json('estimate', 'tool:search')).toMatchObject({ maximum: 1 })
    expect(await json('estimate', 'tool:search', '+', 'tool:search')).toMatchObject({ maximum: 2 })
    expect(await json('quote', 'tool:search', 'query=cats')).toMatchObject({ maximum: 1, quote_id: expect.stringMatching(/^quote_/) as unknown })
    expect(await refusal('estimate', 'tool:search', 'quantity=2')).toMatchObject({ code: 2 })
  })
})

describe('an estimate of a campaign', () => {
  beforeEach(async () => void (await json('init', '--catalog', 'workspace-credits', '--plan', 'none')))

  it.each([
    [['platforms=1', 'weeks=1', 'posts_per_week=10'], 10, 20],
    [['platforms=3', 'weeks=2', 'posts_per_week=5', 'complexity=standard'], 30, 60],
    [['platforms=5', 'weeks=5', 'posts_per_week=2', 'complexity=complex'], 50, 150],
  ])('WC-10, WC-11: of %j is %d to %d credits', async (words, minimum, maximum) => {
    expect(await json('estimate', '--campaign', ...words)).toMatchObject({ minimum, maximum, usd: null })
  })

  it('WC-10: says whether the balance suffices', async () => {
    await json('grant', '59')
    expect(await json(...CAMPAIGN)).toMatchObject({ affordable: false, blocked_by: [{ code: 'out_of_credits' }] })
    const tooDear = await text(...CAMPAIGN)
    expect(tooDear).toMatch(/^30 to 60 credits\nIt would be refused now\.\n out_of_credits: /)
    await json('grant', '41')
    expect(await text(...CAMPAIGN)).toMatch(/^30 to 60 credits\nAffordable; at least 40 credits would be left\.\n/)
  })

  it('WC-12: names fewer platforms, a shorter time and fewer posts, with the saving of each', async () => {
    const { cheaper } = await json<Estimate>(...CAMPAIGN)
    expect(cheaper.map(({ change, maximum, saves }) => [change, maximum, saves])).toEqual([
      ['1 week instead of 2', 30, 30],
      ['2 platforms instead of 3', 40, 20],
      ['4 posts a week instead of 5', 48, 12],
    ])
    expect(await text(...CAMPAIGN)).toContain('Cheaper:\n 1 week instead of 2: 15 to 30 credits, saves 30\n 2 platforms instead of 3: 20 to 40 credits, saves 20\n')
    expect((await json<Estimate>('estimate', '--campaign', 'platforms=1', 'weeks=1', 'posts_per_week=10', 'complexity=complex')).cheaper).toContainEqual(
      expect.objectContaining({ change: 'complexity standard instead of complex', saves: 10 }),
    )
  })

  it('what a campaign lacks, has too much of or cannot be counted is said', async () => {
    expect(await refusal('estimate', '--campaign', 'platforms=3', 'weeks=2')).toMatchObject({ code: 2, stderr: expect.stringContaining('posts_per_week') as unknown })
    for (const word of ['variant=x', 'posts=5', 'complexity=baroque', 'platforms=2.5']) {
      const words = ['estimate', '--campaign', 'weeks=2', 'posts_per_week=5', ...(word.startsWith('platforms') ? [] : ['platforms=3']), word]
      expect((await refusal(...words)).code, word).toBe(2)
    }
    expect(await refusal(...CAMPAIGN, '--usage', 'input_tokens=5')).toMatchObject({ code: 2 })
  })
})

describe('an estimate', () => {
  it('SN-07: picks the cheapest variant that meets the request and says why; a named one is taken', async () => {
    await json('init', '--catalog', 'social-neuron')
    expect(await json('estimate', 'image.generate', 'variant=auto')).toMatchObject({
      maximum: 10,
      usd: 0.1,
      picked: [{ operation: 'image.generate', variant: 'flux-kontext', reason: expect.stringContaining('cheapest of 8 variants') as unknown }],
    })
    const picked = await text('estimate', 'image.generate', 'variant=auto')
    expect(picked).toMatch(/^10 credits \(\$0\.10\)\nAffordable; 90 credits would be left\.\nPicked for image\.generate: flux-kontext is the cheapest of 8 variants: 10 credits\b/)
    const named = await json('estimate', 'image.generate', 'variant=flux-pro')
    expect(named).toMatchObject({ maximum: 30, picked: [] })
    expect(await json('charge', 'image.generate', 'variant=auto')).toMatchObject({ charged: 10, variant: 'flux-kontext' })
  })

  it('WC-12, SN-07: names what is cheaper, another variant with its saving', async () => {
    await json('init', '--catalog', 'social-neuron')
    const { cheaper } = await json<Estimate>('estimate', 'image.generate', 'variant=flux-max')
    expect(cheaper[0]).toMatchObject({ maximum: 10, saves: 40 })
    expect(await text('estimate', 'image.generate', 'variant=flux-max')).toMatch(/Cheaper:\n .*flux-kontext.*: 10 credits, saves 40\n/)
  })

  it('WC-12: is of several calls at once, with what stops them together', async () => {
    await json('init', '--catalog', 'neural-draft')
    const words = ['estimate', 'blog.post', '+', 'translate', 'quantity=4'] as const
    expect(await json(...words)).toMatchObject({
      minimum: 88,
      maximum: 88,
      affordable: true,
      balance_after: 162,
      lines: [{ operation: 'blog.post', maximum: 60 }, { operation: 'translate', quantity: 4, maximum: 28 }],
    })
    expect(await text(...words, '+', 'video.clip', 'variant=premium', '+', 'website.generate')).toMatch(/^628 credits\nIt would be refused now\.\n plan_required: .*\n out_of_credits: /)
    expect(await refusal('estimate', 'blog.post', '+')).toMatchObject({ code: 2, stderr: 'mcp-credits: an operation is missing: npx mcp-credits prices lists them' })
    expect(await refusal('estimate')).toMatchObject({ code: 2 })
    expect(await refusal(...words, '--usage', 'input_tokens=5')).toMatchObject({ code: 2 })
  })

  it('WC-12: names the calls that cost less together: two half minutes are one that is started', async () => {
    await json('init', '--catalog', 'social-neuron')
    const words = ['estimate', 'other.transcription', 'quantity=0.5', '+', 'other.transcription', 'quantity=0.5'] as const
    expect(await json(...words)).toMatchObject({ maximum: 10, cheaper: [{ maximum: 5, saves: 5 }] })
    expect(await text(...words)).toMatch(/Cheaper:\n one call of other\.transcription with .* instead of 2 calls: 5 credits, saves 5\n/)
  })

  it('names the budget that would stop it, by a label as well', async () => {
    await json('init', '--catalog', 'neural-draft')
    await json('budget', 'set', 'acme', '50', '--scope', 'label:customer=acme')
    expect(await json('estimate', 'blog.post')).toMatchObject({ affordable: true, blocked_by: [] })
    const stopped = await json('estimate', 'blog.post', '--label', 'customer=acme')
    expect(stopped).toMatchObject({ affordable: false, blocked_by: [{ code: 'budget_exceeded', details: { limited_by: { id: 'acme' } } }] })
  })

  it('SF-05: of a range says in dollars what it can cost at most', async () => {
    await json('init', '--catalog', 'synfluencer')
    expect(await text('estimate', 'text.trend_discovery')).toMatch(/^0\.02 to 0\.15 credits \(at most \$0\.15\)\n/)
  })
})
