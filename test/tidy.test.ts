import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesBelow, textOf, withoutComments } from './support/files.js'
import { LAYERS, PACKAGES, ROOMS } from './support/layers.js'

const CODE = ['src', 'tools', 'bin'] as const
const places = LAYERS.flatMap(({ layer, places }, rank) => places.map((place) => ({ ...place, layer, rank })))
const code = filesBelow(...CODE).filter(isTypeScript).map(fileAt)
const tests = filesBelow('test').filter(isTypeScript).map(fileAt)

interface File {
  readonly path: string
  readonly text: string
}

describe('the layer table', () => {
  it('every source file has a place in it', () => {
    expect(code.filter(({ path }) => placeOf(path) === undefined).map(({ path }) => path)).toEqual([])
  })

  it('every place in it is there', () => {
    expect(places.filter(({ path }) => !code.some((file) => isWithin(file.path, path)))).toEqual([])
  })

  it('imports point to lower layers only, and siblings do not import each other', () => {
    expect(code.flatMap(layerBreaches)).toEqual([])
  })

  it('a package is imported only where it belongs', () => {
    expect(code.flatMap(packageBreaches)).toEqual([])
  })

  it('the layers that decide are pure: no promise, no timer, no module of Node but assert and crypto', () => {
    expect(code.flatMap(impurities)).toEqual([])
  })

  it('the architecture page repeats the table, line for line', () => {
    const rows = places.map(({ layer, path, holds }) => `| ${layer} | \`${path}\` | ${holds} |`)
    expect(textOf('src/README.md').split('\n').filter((line) => /^\| \w+ \| `/.test(line))).toEqual(rows)
  })

  it('the architecture page gives a reason for each dependency, and there is no other', () => {
    const { dependencies, peerDependencies } = JSON.parse(textOf('package.json')) as Record<string, Record<string, string>>
    expect(PACKAGES.map(({ name }) => name).sort()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort())
    const reasons = PACKAGES.map(({ name, reason }) => `- \`${name}\`: ${reason}`)
    expect(textOf('src/README.md').split('\n').filter((line) => /^- `[@\w/-]+`: /.test(line))).toEqual(reasons)
  })
})

describe('clock, randomness, environment and console', () => {
  it('are touched only in their rooms', () => {
    expect(code.flatMap(roomBreaches)).toEqual([])
  })
})

describe('files', () => {
  it('no source file is longer than 400 lines, but for the list of what the library does: a sentence and a call each', () => {
    const long = code.filter(({ path, text }) => path.startsWith('src/') && path !== 'src/credits.ts' && text.trimEnd().split('\n').length > 400)
    expect(long.map(({ path }) => path)).toEqual([])
  })

  it('nothing is left to be done later', () => {
    expect([...code, ...tests].filter(({ text }) => LEFTOVER.test(text)).map(({ path }) => path)).toEqual([])
  })

  it('every test runs: none is skipped, singled out or announced', () => {
    expect(tests.filter(({ text }) => SIDELINED.test(withoutComments(text))).map(({ path }) => path)).toEqual([])
  })
})

describe('these rules find what they look for', () => {
  const at = (path: string, text: string): File => ({ path, text })

  it.each([
    ['a higher layer', layerBreaches(at('src/money/a.ts', "import { x } from '../decide/x.js'"))],
    ['a sibling', layerBreaches(at('src/ledger/a.ts', "import type {\n  X,\n} from '../catalog/x.js'"))],
    ['a door', layerBreaches(at('src/proxy/a.ts', "export * from '../mcp/x.js'"))],
    ['a higher layer by a dynamic import', layerBreaches(at('src/storage/a.ts', "const x = await import('../credits.js')"))],
    ['more than the facade in a tool', layerBreaches(at('tools/a.ts', "import { x } from '../src/money/credits.js'"))],
    ['the project itself by its name', packageBreaches(at('src/usage/a.ts', "import { x } from 'mcp-credits'"))],
    ['a driver outside the store', packageBreaches(at('src/usage/a.ts', "import Database from 'better-sqlite3'"))],
    ['an SDK outside the doors', packageBreaches(at('src/cli/a.ts', "import { x } from '@modelcontextprotocol/client/stdio'"))],
    ['a package that nobody knows', packageBreaches(at('src/http/a.ts', "import 'left-pad'"))],
    ['a promise in a decision', impurities(at('src/decide/a.ts', 'export async function a() {}'))],
    ['files in a decision', impurities(at('src/decide/a.ts', "import { readFileSync } from 'node:fs'"))],
    ['the clock', roomBreaches(at('src/usage/a.ts', 'const at = new Date()'))],
    ['randomness', roomBreaches(at('src/storage/a.ts', 'const id = crypto.randomUUID()'))],
    ['the environment', roomBreaches(at('src/credits.ts', 'const home = process.env.HOME'))],
    ['the console', roomBreaches(at('src/proxy/a.ts', "console.error('x')"))],
  ])('%s', (_what, breaches) => {
    expect(breaches).toHaveLength(1)
  })

  it.each([
    ['a lower layer', layerBreaches(at('src/decide/a.ts', "import { x } from '../money/x.js'"))],
    ['the same folder', layerBreaches(at('src/decide/a.ts', "import { x } from './b.js'"))],
    ['the errors from below', layerBreaches(at('src/money/a.ts', "import { x } from '../errors.js'"))],
    ['the facade in a tool', layerBreaches(at('tools/a.ts', "import { x } from '../src/credits.js'"))],
    ['shared fields in a tool', layerBreaches(at('tools/a.ts', "import { y } from './fields.js'"))],
    ['a commented import', layerBreaches(at('src/money/a.ts', "/** import { x } from '../decide/x.js' */"))],
    ['an instant of its own', roomBreaches(at('src/time/a.ts', 'const text = new Date(at).toISOString()'))],
    ['a driver in the store', packageBreaches(at('src/storage/a.ts', "import Database from 'better-sqlite3'"))],
  ])('and let pass %s', (_what, breaches) => {
    expect(breaches).toEqual([])
  })

  it('leftovers and sidelined tests', () => {
    expect(LEFTOVER.test(`// ${'TO'}${'DO'}: later`)).toBe(true)
    expect(SIDELINED.test(`it.${'only'}('x', () => {})`)).toBe(true)
    expect(SIDELINED.test(`describe.concurrent.${'skip'}('x', () => {})`)).toBe(true)
  })
})

const LEFTOVER = /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/

const SIDELINED = /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo|fails|skipIf|runIf)\b|\bcontext\.skip\(/

/** The version of the package and the generated schemas are data that code may import. */
const DATA = /^(?:package\.json|schema\/.+\.json)$/

function layerBreaches({ path, text }: File): string[] {
  const from = placeOf(path)
  return importsIn(text)
    .filter((target) => target.startsWith('.'))
    .map((target) => posix.join(posix.dirname(path), target).replace(/\.js$/, '.ts'))
    .filter((target) => !DATA.test(target) && !mayImport(from, placeOf(target)))
    .map((target) => `${path} imports ${target}`)
}

type RankedPlace = (typeof places)[number]

function mayImport(from: RankedPlace | undefined, to: RankedPlace | undefined): boolean {
  if (from === undefined || to === undefined) return false
  if (from.path === to.path || to.path === 'src/errors.ts') return true
  if (from.path === 'tools') return ['src/credits.ts', 'src/facade', 'src/wire.ts'].includes(to.path)
  return to.rank < from.rank
}

function packageBreaches({ path, text }: File): string[] {
  return importsIn(text)
    .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
    .filter((target) => !PACKAGES.some(({ name, places }) => isWithin(target, name) && isAmong(path, places)))
    .map((target) => `${path} imports ${target}`)
}

const RANK_OF_DECISIONS = LAYERS.findIndex(({ places }) => places.some(({ path }) => path === 'src/decide'))

function impurities({ path, text }: File): string[] {
  const place = placeOf(path)
  if (place === undefined || place.rank > RANK_OF_DECISIONS) return []
  const waits = /\b(?:async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask)\b/.exec(withoutComments(text))
  const modules = importsIn(text).filter((target) => target.startsWith('node:') && !/^node:(?:assert|crypto)\b/.test(target))
  return [...(waits === null ? [] : [waits[0]]), ...modules].map((what) => `${path} uses ${what}`)
}

function roomBreaches({ path, text }: File): string[] {
  const bare = withoutComments(text)
  const left = ROOMS.filter(({ pattern, places }) => pattern.test(bare) && !isAmong(path, places))
  return left.map(({ what }) => `${path} ${what}`)
}

/** What a file imports or exports from, types included: a type that points upwards ties the layers as well. */
function importsIn(text: string): string[] {
  const forms = [
    /^import\s+(?:[\w*{][^'"]*?\sfrom\s*)?['"]([^'"]+)['"]/gm,
    /^export\s+(?:type\s+)?(?:\{[^}]*\}|\*[^'"]*?)\s*from\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ]
  const bare = withoutComments(text)
  return forms.flatMap((form) => [...bare.matchAll(form)].map(([, target]) => target as string))
}

function placeOf(path: string): RankedPlace | undefined {
  return places.find((place) => isWithin(path, place.path))
}

function isAmong(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isWithin(path, folder))
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function isTypeScript(path: string): boolean {
  return path.endsWith('.ts')
}

function fileAt(path: string): File {
  return { path, text: textOf(path) }
}
