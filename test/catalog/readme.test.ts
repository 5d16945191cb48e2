import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { catalogJsonSchema } from '../../src/catalog/json-schema.js'
import { documentWith, problemsOf } from './support.js'

const README = readFileSync(new URL('../../src/catalog/README.md', import.meta.url), 'utf8')

/** Everything in the README that is code: fenced blocks, and what stands in backticks. */
const CODE = [...README.matchAll(/```[a-z]*\n([\s\S]*?)```|`([^`\n]+)`/g)].map(([, block, inline]) => block ?? inline ?? '')

describe('the README of the catalog', () => {
  it('names every field of the schema', () => {
    const words = new Set(CODE.flatMap((code) => code.match(/[a-z$][a-z_0-9]*/g) ?? []))
    const fields = [...fieldsOf(catalogJsonSchema())].filter((field) => field !== '$schema')
    expect(fields.length).toBeGreaterThan(50)
    expect(fields.filter((field) => !words.has(field))).toEqual([])
  })

  it('names every value that a field of few values can have', () => {
    const values = new Set(CODE.flatMap((code) => code.match(/[a-z_]+/g) ?? []))
    const missing = [...choicesOf(catalogJsonSchema())].filter((choice) => !values.has(choice))
    expect(missing).toEqual([])
  })

  it.each(['recurring_items', 'campaign', 'plans', 'packs', 'thresholds'])('shows %s as a catalog can have them', (field) => {
    const block = CODE.find((code) => new RegExp(`^${field}:`, 'm').test(code)) ?? ''
    const fields = parse(block) as Record<string, unknown>
    expect(Object.keys(fields)).toContain(field)
    expect(problemsOf(documentWith(fields))).toEqual([])
  })

  it('shows a smallest catalog that is one', () => {
    expect(problemsOf(parse(CODE.find((code) => code.startsWith('id: acme')) ?? ''))).toEqual([])
  })
})

function* fieldsOf(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return
  const { properties } = schema as { properties?: object }
  yield* Object.keys(properties ?? {})
  for (const member of Object.values(schema)) yield* fieldsOf(member)
}

function* choicesOf(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return
  const { enum: choices, const: only } = schema as { enum?: readonly unknown[]; const?: unknown }
  for (const choice of [...(choices ?? []), only]) if (typeof choice === 'string') yield choice
  for (const member of Object.values(schema)) yield* choicesOf(member)
}
