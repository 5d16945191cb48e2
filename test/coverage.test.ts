import { describe, expect, it } from 'vitest'
import { PITFALLS } from './pitfalls.js'
import { REQUIREMENTS } from './requirements.js'
import { filesBelow, textOf, withoutComments } from './support/files.js'

const rows = [...REQUIREMENTS, ...PITFALLS]
const citations = filesBelow('test')
  .filter((path) => /\.test\.ts$|\/conformance\.ts$/.test(path))
  .flatMap((path) => citedIn(textOf(path)).map((id) => ({ id, path })))
const cited = new Set(citations.map(({ id }) => id))
const idsOf = (chosen: typeof rows) => chosen.map(({ id }) => id)

describe('requirements and the tests that prove them', () => {
  it('each row stands once', () => {
    expect(repeated(idsOf(rows))).toEqual([])
  })

  it('an id that a test cites is a row', () => {
    const known = new Set(rows.map(({ id }) => id))
    expect(citations.filter(({ id }) => !known.has(id))).toEqual([])
  })

  it('a row is cited by a test or says what is missing', () => {
    expect(idsOf(rows.filter(({ id, deferred }) => deferred === undefined && !cited.has(id)))).toEqual([])
  })

  it('a deferred row that a test cites says that it is proven in part', () => {
    const whole = rows.filter(({ deferred, partly }) => deferred !== undefined && !partly)
    expect(idsOf(whole.filter(({ id }) => cited.has(id)))).toEqual([])
  })

  it('only a deferred and cited row says that it is proven in part', () => {
    const partial = rows.filter(({ partly }) => partly)
    expect(idsOf(partial.filter(({ id, deferred }) => deferred === undefined || !cited.has(id)))).toEqual([])
  })

  it('citing is read from the names of tests and from nothing else', () => {
    const ids = ['AX', 'T', 'SF', 'T'].map((prefix, index) => (prefix === 'T' ? `T0${index}` : `${prefix}-0${index}`))
    const code = `
      it('${ids[0]}, ${ids[1]}: two at once', () => 'ND-01')
      describe.each([['WC-01']])("${ids[2]} in a table", () => {})
      it.concurrent(
        \`${ids[3]}: over lines\`)
      // it('SK-01: not any more')
      const at = '2026-01-01T02:00:00Z'`
    expect(citedIn(code)).toEqual(ids)
  })
})

/** The ids in the first text argument of `it`, `test` and `describe`, tables (`it.each(…)('…')`) included. */
function citedIn(code: string): string[] {
  const name = /(?:\b(?:it|test|describe)(?:\.\w+)*|\))\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g
  const names = withoutComments(code).matchAll(name)
  return [...names].flatMap(([, , text = '']) => text.match(/\b(?:(?:SN|WC|ND|SK|SF|AX)-\d{2}|T\d{2})\b/g) ?? [])
}

function repeated(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index)
}
