import { describe, expect, it } from 'vitest'
import { catalogJsonSchema } from '../../src/catalog/json-schema.js'

describe('schema/catalog.schema.json', () => {
  it('is what the schema in the code says; after a change: npx vitest run test/catalog/json-schema.test.ts --update', async () => {
    await expect(`${JSON.stringify(catalogJsonSchema(), null, 2)}\n`).toMatchFileSnapshot('../../schema/catalog.schema.json')
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
