import { describe, expect, it } from 'vitest'
import { couldBeOurs, ofEra, shownNames, withOurCaching, withOurEntries, withOurOffer, withPrices } from '../../src/proxy/rewrite.js'

describe('what is on offer', () => {
  it('the upstream\'s capabilities win over ours, and nothing is added for what we do not have', () => {
    const result = { capabilities: { tools: { listChanged: true } }, protocolVersion: 'x' }
    expect(withOurOffer(result, { hasTools: true, tellsOfToolChanges: false, resources: undefined, instructions: undefined })).toEqual(result)
    expect(withOurOffer({}, { hasTools: false, tellsOfToolChanges: true, resources: { subscribe: true }, instructions: 'Ours.' })).toEqual({
      capabilities: { resources: { subscribe: true } },
      instructions: 'Ours.'
    })
  })

  it('that the list of tools may change is said where we tell of it', () => {
    const ours = { hasTools: true, tellsOfToolChanges: true, resources: undefined, instructions: undefined }
    for (const tools of [undefined, {}, { listChanged: false }]) {
      expect(withOurOffer({ capabilities: { tools } }, ours)).toEqual({ capabilities: { tools: { listChanged: true } } })
    }
  })

  it('prices stand on tools, and an entry that is no tool stays as it is', () => {
    const prices = { decorate: (tool: { readonly name: string }) => ({ ...tool, description: `${tool.name} costs 1.` }), validForMs: () => 1 }
    expect(withPrices({ tools: [{ name: 'a' }, 5], nextCursor: 'n' }, prices)).toEqual({
      tools: [{ name: 'a', description: 'a costs 1.' }, 5],
      nextCursor: 'n'
    })
  })

  it('our entries come after the upstream\'s', () => {
    expect(withOurEntries({ resources: [{ uri: 'a' }] }, 'resources', [{ uri: 'credits:b' }])).toEqual({
      resources: [{ uri: 'a' }, { uri: 'credits:b' }]
    })
  })
})

describe('caching', () => {
  it.each([
    [{ ttlMs: 500, cacheScope: 'public' }, 1_000, 500],
    [{ ttlMs: 5_000, cacheScope: 'public' }, 1_000.7, 1_000],
    [{}, 1_000, 1_000],
    [{ ttlMs: -1 }, 1_000, 1_000],
    [{ ttlMs: 5_000 }, -3, 0]
  ])('%o within %d ms is private for %d ms', (result, validForMs, ttlMs) => {
    expect(withOurCaching(result, 'modern', validForMs)).toEqual({ cacheScope: 'private', ttlMs })
  })

  it('an older result gets no such fields', () => {
    expect(withOurCaching({ tools: [] }, 'legacy', 1_000)).toEqual({ tools: [] })
  })

  it('only the modern era names the kind of a result, and ours never overwrites one', () => {
    expect(ofEra({ a: 1 }, 'legacy')).toEqual({ a: 1 })
    expect(ofEra({ a: 1 }, 'modern')).toEqual({ resultType: 'complete', a: 1 })
    expect(ofEra({ resultType: 'input_required' }, 'modern')).toEqual({ resultType: 'input_required' })
  })
})

describe('names', () => {
  it('ours take the prefix only where the upstream has the name, and as often as needed', () => {
    const shown = shownNames(['a', 'b', 'credits_a'], new Set(['a', 'credits_credits_a']))
    expect([...shown]).toEqual([['credits_credits_credits_a', 'a'], ['b', 'b'], ['credits_a', 'credits_a']])
  })

  it('a name that cannot be ours is told without the upstream\'s list', () => {
    expect(couldBeOurs('credits_credits_a', ['a'])).toBe(true)
    expect(couldBeOurs('a', ['a'])).toBe(true)
    expect(couldBeOurs('ba', ['a'])).toBe(false)
    expect(couldBeOurs('credits_b', ['a'])).toBe(false)
  })
})
