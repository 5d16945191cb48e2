import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { arrayText } from '../../src/storage/postgres/array-text.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'

let database: TestDatabase
let client: pg.Client

beforeAll(async () => {
  database = await createTestDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})

afterAll(async () => {
  await client.end()
  await database.drop()
})

async function readBack(type: string, elements: readonly unknown[]): Promise<unknown> {
  const { rows } = await client.query<{ elements: unknown }>(`select $1::${type}[] as elements`, [arrayText(elements)])
  return rows[0]?.elements
}

it('texts come back as they were, whatever stands in them', async () => {
  const texts = ['', ' ', 'NULL', 'null', null, 'a,b', '{a}', '"', '\\', '\\"', "'", 'a\nb\tc', 'ä€𝄞', '{"json":["\\u0000",1]}']
  expect(await readBack('text', texts)).toEqual(texts)
  // A text of PostgreSQL holds no character zero.
  const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
      expect(await readBack('text', values)).toEqual(values)
    }),
  )
})

it('numbers, amounts and bytes come back as they were', async () => {
  expect(await readBack('int8', [1, -2, 9_007_199_254_740_991n, null])).toEqual(['1', '-2', '9007199254740991', null])
  expect(await readBack('float8', [0.1, 1e21, null])).toEqual([0.1, 1e21, null])
  expect(await readBack('bytea', [Buffer.from('00ff5c22', 'hex'), Buffer.alloc(0), null])).toEqual([Buffer.from('00ff5c22', 'hex'), Buffer.alloc(0), null])
})

it('an array of nothing is one', async () => {
  expect(await readBack('text', [])).toEqual([])
})
