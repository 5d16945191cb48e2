import { describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const DAY_MS = 24 * 60 * 60 * 1_000

async function openAt(): Promise<{ credits: Credits; clock: { at: number; now: () => number } }> {
  const clock = { at: Date.UTC(2026, 0, 1), now: () => clock.at }
  return { credits: await openCredits({ database: ':memory:', catalog: 'neural-draft', clock }), clock }
}

async function priceOf(credits: Credits, operation: string): Promise<string | null | undefined> {
  const { operations } = await credits.operations({ search: operation })
  return operations.find(({ id }) => id === operation)?.price
}

describe('while an increase is announced', () => {
  it('ND-13: a lower price of something else holds at once, and the increase still comes at its time', async () => {
    const { credits, clock } = await openAt()
    await credits.setPrice({ target: 'blog.post', credits: 70 })
    const lowered = await credits.setPrice({ target: 'image.generate', credits: 30 })
    expect(lowered.effectiveAt).toBe('2026-01-01T00:00:00.000Z')
    expect([await priceOf(credits, 'blog.post'), await priceOf(credits, 'image.generate')]).toEqual([
      expect.stringContaining('60'),
      expect.stringContaining('30'),
    ])
    clock.at += 30 * DAY_MS
    expect([await priceOf(credits, 'blog.post'), await priceOf(credits, 'image.generate')]).toEqual([
      expect.stringContaining('70'),
      expect.stringContaining('30'),
    ])
  })

  it('ND-13: lowering the very price takes the increase back', async () => {
    const { credits, clock } = await openAt()
    await credits.setPrice({ target: 'blog.post', credits: 70 })
    await credits.setPrice({ target: 'blog.post', credits: 50 })
    expect(await priceOf(credits, 'blog.post')).toContain('50')
    clock.at += 60 * DAY_MS
    expect(await priceOf(credits, 'blog.post')).toContain('50')
  })

  it('ND-13: a second increase leaves the first one its earlier day', async () => {
    const { credits, clock } = await openAt()
    await credits.setPrice({ target: 'blog.post', credits: 70 })
    clock.at += 10 * DAY_MS
    await credits.setPrice({ target: 'image.generate', credits: 40 })
    clock.at += 20 * DAY_MS
    expect([await priceOf(credits, 'blog.post'), await priceOf(credits, 'image.generate')]).toEqual([
      expect.stringContaining('70'),
      expect.stringContaining('32'),
    ])
    clock.at += 10 * DAY_MS
    expect(await priceOf(credits, 'image.generate')).toContain('40')
  })

  it('putting the catalog in force into force again takes the announcement back; once more changes nothing', async () => {
    const { credits, clock } = await openAt()
    await credits.setPrice({ target: 'blog.post', credits: 70 })
    expect((await credits.applyCatalog('neural-draft')).applied).toBe(true)
    clock.at += 60 * DAY_MS
    expect(await priceOf(credits, 'blog.post')).toContain('60')
    expect((await credits.applyCatalog('neural-draft')).applied).toBe(false)
  })
})
