import { z } from 'zod'

/** A schema, or another part of a document, as plain data. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly [keyword: string]: unknown
}

/** A schema in the dialect of OpenAPI 3.1, which is JSON Schema 2020-12. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io })
  return rest as JsonSchema
}

/** How a document points at one of its shared schemas. */
export function schemaReference(name: string): string {
  return `#/components/schemas/${name}`
}

/** The schemas that a document shares, by name. */
export class Schemas {
  readonly #shared = new Map<string, JsonSchema>()

  /** Those that were added, in the order of their names. */
  get all(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#shared].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  add(name: string, schema: JsonSchema): void {
    const before = this.#shared.get(name)
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(schema)) throw new Error(`two schemas are called ${name}`)
    this.#shared.set(name, schema)
  }

  /** A schema whose own definitions stand among the shared ones: in a larger document a reference is read from its top. */
  hoisted(schema: JsonSchema): JsonSchema {
    const { $defs = {}, ...rest } = pointingToShared(schema)
    for (const [name, definition] of Object.entries($defs as Readonly<Record<string, JsonSchema>>)) {
      const { id: _id, ...shared } = definition
      this.add(name, shared)
    }
    return rest
  }
}

function pointingToShared(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (name, value: unknown) =>
    name === '$ref' && typeof value === 'string' ? value.replace(/^#\/\$defs\//, schemaReference('')) : value,
  ) as JsonSchema
}
