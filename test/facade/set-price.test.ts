import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const CATALOG = {
  id: 'shop',
  name: 'Shop',
  unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
  price_increase_notice_days: 0,
  operations: {
    'job.flat': { name: 'Flat', price: { model: 'flat', credits: '10' } },
    'job.unit': { name: 'Unit', price: { model: 'per_unit', credits: '1' } },
  },
}

describe('prices set at the same moment', () => {
  const opened: Credits[] = []
  afterEach(async () => {
    for (const credits of opened.splice(0)) await credits.close()
  })

  async function open(): Promise<Credits> {
    const credits = await openCredits({ database: ':memory:', catalog: CATALOG, clock: { now: () => 0 } })
    opened.push(credits)
    return credits
  }

  async function prices(credits: Credits): Promise<object> {
    const { operations } = (await credits.catalog()).document as { operations: Record<string, { price: { credits: string } }> }
    return Object.fromEntries(Object.entries(operations).map(([id, { price }]) => [id, price.credits]))
  }

  it('are all kept: whoever comes second edits what the first has made', async () => {
    const credits = await open()
    const applied = await Promise.all([
      credits.setPrice({ target: 'job.flat', credits: 5 }),
      credits.setPrice({ target: 'job.unit', credits: 0.5 }),
    ])
    expect(applied.map(({ version }) => version).sort()).toEqual([2, 3])
    expect(applied.map(({ differences }) => differences.length)).toEqual([1, 1])
    expect(await prices(credits)).toEqual({ 'job.flat': '5', 'job.unit': '0.5' })
  })

  it('the same price twice is one version', async () => {
    const credits = await open()
    const twice = [1, 2].map(() => credits.setPrice({ target: 'job.flat', credits: 5 }))
    expect((await Promise.all(twice)).map(({ version, applied }) => [version, applied])).toEqual([[2, true], [2, false]])
  })

  it('what cannot be priced is refused, and no version made', async () => {
    const credits = await open()
    await expect(credits.setPrice({ target: 'job.flat/none', credits: 5 })).rejects.toMatchObject({ code: 'unknown_variant' })
    await expect(credits.setPrice({ target: 'job.flat', credits: -1 })).rejects.toMatchObject({ code: 'invalid_amount' })
    expect((await credits.catalog()).version).toBe(1)
  })
})
