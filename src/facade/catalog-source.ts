import { readFile } from 'node:fs/promises'
import { bundledCatalogs } from '../catalog/bundled.js'
import type { Catalog } from '../catalog/catalog.js'
import { type CatalogProblem, describeProblems, parseCatalog } from '../catalog/parse-catalog.js'
import { CreditError } from '../errors.js'

/** Reads a catalog: a bundled one by its name, one from its file (JSON or YAML), or a document as it is. @throws CreditError `catalog_invalid` */
export async function readCatalog(source: string | object): Promise<Catalog> {
  if (typeof source !== 'string') return checked(source)
  return isBundled(source) ? bundledCatalog(source) : checked(await documentIn(source, await textOf(source)))
}

export function isBundled(name: string): boolean {
  return Object.hasOwn(bundledCatalogs, name)
}

export function bundledNames(): readonly string[] {
  return Object.keys(bundledCatalogs)
}

/** A catalog that comes with the package, by its name. */
export function bundledCatalog(name: string): Catalog {
  return checked(bundledCatalogs[name])
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CreditError('catalog_invalid', `${JSON.stringify(file)} is neither a bundled catalog nor a file that can be read`, {
      advice: [`Bundled are: ${bundledNames().join(', ')}`],
      cause,
    })
  }
}

async function documentIn(file: string, text: string): Promise<unknown> {
  // The reader of YAML is loaded by whoever reads a file: opening a ledger does without it.
  const { parseCatalogText } = await import('../catalog/parse-text.js')
  const read = parseCatalogText(text)
  if (read.ok) return read.document
  throw invalid(`${file} cannot be read`, read.problems)
}

function checked(document: unknown): Catalog {
  const parsed = parseCatalog(document)
  if (parsed.ok) return parsed.catalog
  throw invalid('The catalog is not valid', parsed.problems)
}

/** More than somebody mends at a time; a document of a million mistakes must not make an answer as long. */
const PROBLEMS_SHOWN = 50

function invalid(what: string, problems: readonly CatalogProblem[]): CreditError {
  const shown = problems.slice(0, PROBLEMS_SHOWN)
  const more = problems.length - shown.length
  const words = `${what}:\n${describeProblems(shown)}${more === 0 ? '' : `\nand ${more} more`}`
  return new CreditError('catalog_invalid', words, { details: { problems: shown, ...(more === 0 ? {} : { more }) } })
}
