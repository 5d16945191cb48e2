import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { migrationsOf } from '../../src/storage/migrations.js'
import { openStore } from '../../src/storage/open-store.js'
import { openConnection } from '../../src/storage/sqlite/connection.js'
import { ROOT } from '../support/files.js'
import { rawRows } from './raw-rows.js'
import { expectRichLedger, fillRichLedger, type RichFacts } from './rich-ledger.js'

/**
 * A ledger file of each schema version, as SQL text: its first line tells in JSON what the ledger is asked for. They are
 * written once, by the program of their version, and never again: what they hold is what users' files hold. When a schema
 * version is released: `UPDATE_FIXTURES=1 npx vitest run test/storage/released-schemas.test.ts` writes the one that is
 * missing; add it to the commit of the release.
 */
const FOLDER = `${ROOT}test/storage/fixtures/ledgers`
const MIGRATIONS = migrationsOf('sqlite')
const VERSIONS = MIGRATIONS.map(({ number }) => number)
const fixtureOf = (version: number): string => `${FOLDER}/${String(version).padStart(4, '0')}.sql`

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-credits-released-'))
  if (process.env['UPDATE_FIXTURES'] === '1') await writeMissing()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('there is a ledger file of each schema version', () => {
  const names = VERSIONS.map((version) => fixtureOf(version).slice(FOLDER.length + 1))
  expect(readdirSync(FOLDER).sort(), 'UPDATE_FIXTURES=1 writes the one that is missing').toEqual(names)
})

describe('a ledger file opens, migrates, verifies and goes on as it was', () => {
  it.each(VERSIONS)('T44: written by schema version %i', async (version) => {
    const file = join(folder, `opened-${version}.db`)
    const facts = load(version, file)
    const before = await rawRows(file)
    const credits = await openCredits({ database: file, clock: { now: () => facts.now } })
    expect(credits.schema).toEqual({ from: version, to: VERSIONS.at(-1) })
    await credits.close()
    // What stood in the ledger stands there still: what a later version adds to a row comes beside it.
    const after = await rawRows(file)
    for (const [table, rows] of Object.entries(before)) {
      const objects = (after[table] ?? []).map((row) => JSON.parse(row) as object)
      expect([table, ...objects]).toMatchObject([table, ...rows.map((row) => JSON.parse(row) as object)])
    }
    expect(await schemaOf(file)).toEqual(await schemaOf(':memory:'))
    await expectRichLedger(file, facts)
  })
})

function load(version: number, file: string): RichFacts {
  const text = readFileSync(fixtureOf(version), 'utf8')
  const connection = new Database(file)
  // An account may stand before the one that it reports to.
  connection.pragma('foreign_keys = off')
  connection.exec(text)
  connection.close()
  return JSON.parse((text.split('\n', 1)[0] ?? '').replace(/^-- /, '')) as RichFacts
}

async function schemaOf(file: string): Promise<readonly unknown[]> {
  const { connection } = await openConnection(file)
  const objects = connection.prepare("select type, name, sql from sqlite_master where sql is not null order by type, name").all()
  connection.close()
  return objects
}

/** The seed of the history in the files: any would do. */
const SEED = 20_261_122

async function writeMissing(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  for (const version of VERSIONS.filter((one) => !existsSync(fixtureOf(one)))) {
    const file = join(folder, `written-${version}.db`)
    const facts = await fillRichLedger(file, SEED, { steps: 60, charges: 5 })
    const store = await openStore(file)
    for (const { id } of await store.accounts(null, 100)) await store.rollUp(id, 1_000)
    await store.close()
    writeFileSync(fixtureOf(version), `-- ${JSON.stringify(facts)}\n${dumpOf(file, version)}`)
  }
}

/** A ledger's rows under the schema of a version, which are its own as long as later versions have only added to it. */
function dumpOf(file: string, version: number): string {
  const schema = new Database(':memory:')
  for (const { number, sql } of MIGRATIONS) if (number <= version) schema.exec(sql)
  const objects = schema.prepare<[], { type: string; name: string; sql: string }>('select type, name, sql from sqlite_master where sql is not null order by rowid').all()
  const ledger = new Database(file)
  const inserts = objects.filter(({ type }) => type === 'table').flatMap(({ name }) => {
    const columns = schema.prepare<[], { name: string }>(`pragma table_info(${name})`).all().map((column) => column.name)
    const values = columns.map((column) => `quote(${column})`).join(` || ', ' || `)
    const rows = ledger.prepare<[], string>(`select ${values} from ${name}`).pluck().all()
    return rows.map((row) => `insert into ${name} (${columns.join(', ')}) values (${row});`)
  })
  for (const connection of [schema, ledger]) connection.close()
  return [...objects.map(({ sql }) => `${sql};`), ...inserts, `pragma user_version = ${version};`, ''].join('\n')
}
