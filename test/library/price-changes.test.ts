import { describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { DAY_MS } from '../../src/time/instant.js'

const START = Date.UTC(2026, 0, 1)

async function openAt() {
  const clock = { at: START, now: () => clock.at }
  const credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock })
  const since = async (at: number) => (await credits.operations({ changesSince: at })).changes
  return { credits, clock, since }
}

describe('price changes since an instant', () => {
  it('AX-20: are told with what they were, what they are, from when and whether they are dearer', async () => {
    const { credits, clock, since } = await openAt()
    clock.at += DAY_MS
    await credits.setPrice({ target: 'image.generate', credits: 30 })
    expect(await since(START)).toEqual([
      { effectiveAt: '2026-01-02T00:00:00.000Z', path: expect.stringContaining('image.generate'), before: '32', after: '30', increase: false },
    ])
    expect(await since(clock.at)).toEqual([])
  })

  it('AX-20: an announced increase is among them from the instant at which it takes effect, and announced until then', async () => {
    const { credits, clock, since } = await openAt()
    await credits.setPrice({ target: 'blog.post', credits: 70 })
    expect(await since(START)).toEqual([])
    expect((await credits.operations()).announcedChanges).toMatchObject([{ effectiveAt: '2026-01-31T00:00:00.000Z', before: '60', after: '70', increase: true }])
    clock.at += 30 * DAY_MS
    expect(await since(START)).toMatchObject([{ effectiveAt: '2026-01-31T00:00:00.000Z', before: '60', after: '70', increase: true }])
    expect((await credits.operations()).announcedChanges).toEqual([])
  })

  it('an announcement that was taken back before its day changed nothing', async () => {
    const { credits, clock, since } = await openAt()
    await credits.setPrice({ target: 'blog.post', credits: 70 })
    clock.at += DAY_MS
    await credits.applyCatalog('neural-draft')
    clock.at += 60 * DAY_MS
    expect(await since(START)).toEqual([])
  })

  it('are not told where nobody asked', async () => {
    const { credits } = await openAt()
    expect((await credits.operations()).changes).toBeNull()
  })

  it('refuse an instant that is none', async () => {
    const { credits } = await openAt()
    await expect(credits.operations({ changesSince: 'last week' })).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'changesSince' } })
  })
})
