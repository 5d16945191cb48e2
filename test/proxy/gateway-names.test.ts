import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonVersion, mergedCapabilities } from '../../src/proxy/gateway/merged-offer.js'
import { Remembered } from '../../src/proxy/remembered.js'
import { shownNames } from '../../src/proxy/gateway/shown-names.js'
import { couldMatch } from '../../src/proxy/gateway/uri-match.js'
import { LearnedHeaders } from '../../src/proxy/learned-headers.js'

describe('shown names', () => {
  const seed = fc.readConfigureGlobal().seed ?? 20_260_101
  const few: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'a_b', 'b_a', 'a_a', 'a_a_b', 'one_a', 'one_one_a')
  const offered = fc.uniqueArray(fc.record({ server: fc.constantFrom('one', 'two', 'a', 'b', 'one two', 'one_two'), names: fc.array(few, { maxLength: 6 }) }), {
    selector: ({ server }) => server, maxLength: 5
  })

  it(`lead back to exactly one tool each, for every tool there is, and are the same whatever order others stand in (seed ${seed})`, () => {
    fc.assert(
      fc.property(offered, servers => {
        const { origins, clashes } = shownNames(servers)
        const reached = [...origins.values()].map(({ server, name }) => `${server} ${name}`).toSorted()
        const all = servers.flatMap(({ names }, server) => [...new Set(names)].map(name => `${server} ${name}`)).toSorted()
        expect(reached).toEqual(all)
        for (const [shown, { name }] of origins) {
          const users = servers.filter(({ names }) => names.includes(name)).length
          // A plain name is nobody's where several use it, and its only user's where one does.
          expect(shown === name).toBe(users === 1)
          if (users > 1) expect(clashes.get(name)).toContain(shown)
        }
        for (const name of clashes.keys()) expect(origins.has(name)).toBe(false)
      }),
      { seed, numRuns: 500 }
    )
  })

  it('have only characters that a tool\'s name may have', () => {
    const { origins } = shownNames([{ server: 'My server/2', names: ['x'] }, { server: 'other', names: ['x'] }])
    expect([...origins.keys()]).toEqual(['My_server_2_x', 'other_x'])
  })
})

describe('whether a URI may be of a template', () => {
  it.each([
    ['note://{id}', 'note://1', true],
    ['note://{id}', 'note://', true],
    ['note://{id}/x', 'note://1/x', true],
    ['note://{id}/x', 'note://1/y', false],
    ['{+path}', 'anything', true],
    ['a{b}c{d}e', 'a-c-e', true],
    ['a{b}c{d}e', 'ae', false],
    ['ab{x}ba', 'aba', false],
    ['fixed', 'fixed', true],
    ['fixed', 'fixed2', false],
    ['(.*)+{x}$', '(.*)+1$', true]
  ])('%s and %s: %s', (template, uri, expected) => {
    expect(couldMatch(template, uri)).toBe(expected)
  })
})

describe('merged', () => {
  it('capabilities are the union, flags are true where any is, and a name like __proto__ is a name', () => {
    const strange = JSON.parse('{"capabilities":{"tools":{},"experimental":{"__proto__":{"x":1}}}}') as Record<string, unknown>
    const merged = mergedCapabilities([
      { server: 'one', result: { capabilities: { tools: { subscribe: false }, resources: { subscribe: true } } } },
      { server: 'two', result: strange },
      { server: 'three', result: { capabilities: { tools: { subscribe: true } } } }
    ])
    expect(merged).toMatchObject({ tools: { subscribe: true, listChanged: true }, resources: { subscribe: true, listChanged: true } })
    expect(Object.keys(merged['experimental'] as object)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  it('versions are the oldest answer, and the asked one where nobody answered', () => {
    const told = (...versions: readonly string[]) => versions.map(protocolVersion => ({ server: 'x', result: { protocolVersion } }))
    expect(commonVersion(told('2025-11-25', '2025-03-26', '2025-06-18'), '2025-11-25')).toBe('2025-03-26')
    expect(commonVersion([{ server: 'x' }], '2025-06-18')).toBe('2025-06-18')
  })
})

describe('what is remembered', () => {
  it('is bounded, and what was told longest ago goes first', () => {
    const remembered = new Remembered<number>(2)
    remembered.set('a', 1)
    remembered.set('b', 2)
    remembered.set('a', 3)
    remembered.set('c', 4)
    expect([remembered.get('a'), remembered.get('b'), remembered.get('c')]).toEqual([3, undefined, 4])
    expect(remembered.keysOf(4)).toEqual(['c'])
  })
})

describe('the headers that a tool wants its arguments repeated in', () => {
  it('are those of its input schema, for values that are there and plain', () => {
    const headers = new LearnedHeaders()
    const property = (name: string, type: string) => ({ type, 'x-mcp-header': name })
    headers.learn({ tools: [{ name: 't', inputSchema: { type: 'object', properties: { a: property('A', 'string'), n: property('N', 'integer'), f: property('F', 'boolean'), o: { type: 'object', properties: { deep: property('Deep', 'string') } } } } }] })
    expect(headers.of({ name: 't', arguments: { a: ' spaced', n: 3, f: false, o: { deep: 'x' } } })).toEqual({
      'Mcp-Param-A': '=?base64?IHNwYWNlZA==?=', 'Mcp-Param-N': '3', 'Mcp-Param-F': 'false', 'Mcp-Param-Deep': 'x'
    })
    expect(headers.of({ name: 't', arguments: { a: '=?base64?eA==?=', n: null, o: [] } })).toEqual({ 'Mcp-Param-A': '=?base64?PT9iYXNlNjQ/ZUE9PT89?=' })
    expect(headers.of({ name: 'other', arguments: { a: 'x' } })).toEqual({})
    headers.learn({ tools: [{ name: 't', inputSchema: { type: 'object' } }] })
    expect(headers.of({ name: 't', arguments: { a: 'x' } })).toEqual({})
  })

  it('are kept for so many tools, however many a server has listed', () => {
    const headers = new LearnedHeaders()
    const inputSchema = { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }
    headers.learn({ tools: Array.from({ length: 10_001 }, (_, index) => ({ name: `t${index}`, inputSchema })) })
    expect(headers.of({ name: 't0', arguments: { a: 'x' } })).toEqual({})
    expect(headers.of({ name: 't10000', arguments: { a: 'x' } })).toEqual({ 'Mcp-Param-A': 'x' })
  })
})
