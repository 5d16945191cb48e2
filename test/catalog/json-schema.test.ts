import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { catalogJsonSchema } from '../../src/catalog/json-schema.js'

describe('schema/catalog.schema.json', () => {
  it('is what the schema in the code says; after a change: npm run build && node dist/test/catalog/generate-schema.js', () => {
    const committed = readFileSync(new URL('../../schema/catalog.schema.json', import.meta.url), 'utf8')
    expect(committed).toBe(`${JSON.stringify(catalogJsonSchema(), null, 2)}\n`)
  })

  it('refuses unknown fields on every level', () => {
    const objects = (value: unknown): Record<string, unknown>[] =>
      typeof value !== 'object' || value === null
        ? []
        : [value as Record<string, unknown>, ...Object.values(value).flatMap(objects)]
    const open = objects(catalogJsonSchema()).filter(
      (schema) => 'properties' in schema && schema['type'] === 'object' && schema['additionalProperties'] !== false,
    )
    expect(open).toEqual([])
  })
})
