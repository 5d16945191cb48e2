import { z } from 'zod'
import type { Tool, ToolHints } from './definition.js'

/** A tool as it stands in `tools/list` and in `schema/tools.json`. */
export type DescribedTool = {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: JsonSchema
  readonly outputSchema: JsonSchema
  readonly annotations: ToolHints
}

export type JsonSchema = { readonly type: 'object'; readonly [keyword: string]: unknown }

export function describeTool({ name, title, description, input, output, annotations }: Tool): DescribedTool {
  return { name, title, description, inputSchema: jsonSchema(input, 'input'), outputSchema: jsonSchema(output, 'output'), annotations }
}

/**
 * A schema as JSON Schema, without what says nothing: every model that sees the tools pays for each byte of it. The
 * dialect is the protocol's default, and an object is open unless it says otherwise.
 */
function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io })
  return lean(rest) as JsonSchema
}

type Keywords = Readonly<Record<string, unknown>>

function lean(schema: Keywords): Keywords {
  const flat = nullableAsTypes(schema)
  return Object.fromEntries(Object.entries(flat).flatMap(([keyword, value]) => (saysNothing(keyword, value) ? [] : [[keyword, within(keyword, value)]])))
}

function saysNothing(keyword: string, value: unknown): boolean {
  if (keyword === 'propertyNames') return isEmpty(omit(value as Keywords, 'type'))
  return keyword === 'additionalProperties' && isEmpty(value)
}

/** Goes on where schemas stand in schemas. */
function within(keyword: string, value: unknown): unknown {
  if (keyword === 'properties' || keyword === '$defs') return Object.fromEntries(Object.entries(value as Keywords).map(([name, schema]) => [name, lean(schema as Keywords)]))
  if (keyword === 'anyOf') return (value as Keywords[]).map(lean)
  const isSchema = keyword === 'items' || keyword === 'additionalProperties'
  return isSchema && typeof value === 'object' ? lean(value as Keywords) : value
}

/** `anyOf: [{ type: 'number' }, { type: 'null' }]` is `type: ['number', 'null']`, whatever else the first one says. */
function nullableAsTypes(schema: Keywords): Keywords {
  const [value, nothing, ...more] = (schema['anyOf'] ?? []) as Keywords[]
  if (value === undefined || nothing?.['type'] !== 'null' || more.length > 0 || typeof value['type'] !== 'string') return schema
  return { ...omit(schema, 'anyOf'), ...value, type: [value['type'], 'null'] }
}

function omit(schema: Keywords, keyword: string): Keywords {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
