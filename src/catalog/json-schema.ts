import { z } from 'zod'
import { catalogSchema } from './schema.js'

/**
 * The JSON Schema of a catalog document, for editors. It tells the shape; what refers to something else in the
 * document (a plan, a variant, an order of tiers) only the parser checks.
 */
export function catalogJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(catalogSchema, { target: 'draft-2020-12', io: 'input' })
  return { $schema, title: 'Catalog of operations, plans and packs', ...schema }
}
