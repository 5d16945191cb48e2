import { describe, expect, it } from 'vitest'
import { CATALOGS, type CatalogDocument } from '../simulation/reference-catalog.js'
import { filesBelow, textOf } from '../support/files.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { anonymous } from './anonymous.js'
import { life } from './life.js'

describe('nothing in the code knows a product', () => {
  const seed = newSeed()

  it.each([...CATALOGS.keys()])(`a life with %s comes to the same when every id and name in it is another (seed ${seed})`, async (id) => {
    const catalog = CATALOGS.get(id) as CatalogDocument
    const other = anonymous(catalog, seededRandom(seed))
    const asNamed = await life(catalog, catalog, (_, name) => name)
    const asAnonymous = await life(catalog, other.document, other.named)
    expect(asNamed.length).toBeGreaterThan(20)
    for (const kept of [...Object.keys(catalog.operations), ...Object.keys(catalog.plans)]) expect(namesIn(other.document)).not.toContain(kept)
    const restored = JSON.parse(other.restored(comparable(asAnonymous))) as readonly unknown[]
    expect(restored.map(sorted)).toEqual((JSON.parse(comparable(asNamed)) as readonly unknown[]).map(sorted))
  })

  it('no file of the code names an operation or a plan of a bundled product', () => {
    const ids = [...CATALOGS.values()].flatMap(({ operations, plans }) => [...Object.keys(operations), ...Object.keys(plans)])
    // Words of everyday: a plan called free says nothing of a product.
    const telling = new Set(ids.filter((id) => id.includes('.') || !COMMON.has(id)))
    const code = filesBelow('src').filter((path) => path.endsWith('.ts') && !path.startsWith('src/catalog/bundled'))
    const named = code.flatMap((path) => quotedIn(codeOf(path)).filter((text) => telling.has(text)).map((text) => `${path}: ${text}`))
    expect(named).toEqual([])
  })
})

/** `starter` is a bundled catalog, `trial` a kind of plan, and these stand for themselves. */
const COMMON = new Set(['free', 'trial', 'starter', 'pro', 'team', 'build', 'scale', 'house', 'translate', 'workspace', 'enterprise', 'agency', 'visitor', 'studio', 'hobby', 'pay-as-you-go'])

/** Examples in comments may speak of a product; code may not. */
function codeOf(path: string): string {
  return textOf(path).replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function quotedIn(code: string): readonly string[] {
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'/g)].map(([, text = '']) => text)
}

function namesIn({ operations = {}, plans = {} }: { readonly operations?: unknown; readonly plans?: unknown }): readonly string[] {
  return [...Object.keys(operations as object), ...Object.keys(plans as object)]
}

/** Ids of rows hold a part of a hash, which holds names; everything else must be the same. */
function comparable(told: readonly unknown[]): string {
  return JSON.stringify(told).replace(/\b(tx|gr|rs|pu)_(\d+)_[0-9a-f]{10}/g, '$1_$2').replace(/"head":"[0-9a-f]{64}"/g, '"head":""').replace(/("share":0\.\d{10})\d+/g, '$1')
}

/** Lists are in the order of figures and then of names, of which the second is another. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, sorted(member)]))
}
