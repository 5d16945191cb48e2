import { fileURLToPath } from 'node:url'
import type { Catalog } from '../../src/catalog/catalog.js'
import { readCatalog } from '../../src/facade/catalog-source.js'

/** A product's catalog as the library takes it: a bundled one by its name, an example from its file. */
export function parseCatalogFile(id: string): Promise<Catalog> {
  const example = fileURLToPath(new URL('../../src/catalog/examples/lingua-studio.yaml', import.meta.url))
  return readCatalog(id === 'lingua-studio' ? example : id)
}
