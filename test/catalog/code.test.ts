import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { bundled } from './support.js'

const room = new URL('../../src/catalog/', import.meta.url)
const files = readdirSync(room).filter((file) => file.endsWith('.ts'))
const textOf = (file: string) => readFileSync(new URL(file, room), 'utf8')

describe("the catalog's code", () => {
  it('names no product but where the bundled catalogs are listed', () => {
    const product = /neural[ _-]?draft|social[ _-]?neuron|soku|synfluencer|workspace[ _-]credits/i
    expect(files.filter((file) => product.test(textOf(file)))).toEqual(['bundled.ts'])
  })

  it('has no price: no figure of a bundled catalog is repeated in it as an amount', () => {
    const amounts = /['"`]\d+(?:\.\d+)? credits?|credits: '\d/
    expect(files.filter((file) => amounts.test(textOf(file).replaceAll(/\/\*\*[\s\S]*?\*\//g, '')))).toEqual([])
  })

  it('has each figure that is ours listed in its README', () => {
    const readme = textOf('README.md')
    const unlisted = Object.keys(bundledCatalogs).flatMap((name) =>
      assumedFigures(bundled(name)).filter((path) => !readme.includes(path)),
    )
    expect(unlisted).toEqual([])
  })

  it('has every catalog in the README beside it', () => {
    const readme = textOf('README.md')
    expect(Object.keys(bundledCatalogs).filter((name) => !readme.includes(`| \`${name}\` |`))).toEqual([])
  })
})

describe('the README', () => {
  it('shows catalogs that are valid, but for the product around them', async () => {
    const { parseCatalogText } = await import('../../src/catalog/parse-text.js')
    const blocks = [...textOf('README.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? '')
    const whole = blocks.map((yaml) => parseCatalogText(yaml)).filter((result) => result.ok)
    expect(blocks.length).toBeGreaterThan(5)
    // One block lists several prices under the same key on purpose.
    expect(whole).toHaveLength(blocks.length - 1)
  })
})
