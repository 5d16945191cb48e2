import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { runHere } from './in-process.js'
import { Home } from './process.js'

const home = new Home()
let database: TestDatabase
let raw: pg.Client

beforeAll(async () => {
  database = await createTestDatabase()
  raw = new pg.Client({ connectionString: database.url })
  await raw.connect()
})

afterAll(async () => {
  await raw.end()
  await database.drop()
  home.remove()
})

/** The address of a schema of its own. */
async function newSchema(name: string): Promise<string> {
  await raw.query(`create schema ${name}`)
  return changed((url) => url.searchParams.set('options', `-c search_path=${name}`))
}

function changed(change: (url: URL) => void): string {
  const url = new URL(database.url)
  change(url)
  return url.href
}

async function namesIn(schema: string): Promise<readonly string[]> {
  const { rows } = await raw.query<{ name: string }>('select table_name as name from information_schema.tables where table_schema = $1 order by 1', [schema])
  return rows.map(({ name }) => name)
}

async function refused(...words: readonly string[]) {
  const { code, stdout, stderr } = await runHere(home, [...words, '--json'])
  return { code, stderr, error: (JSON.parse(stdout) as { readonly error: { readonly code: string; readonly retryable: boolean } }).error }
}

describe('a database without a ledger', () => {
  it.each([['doctor'], ['credits'], ['usage'], ['history'], ['statement'], ['account', 'list']])('%s only reads, and makes none there', async (...words) => {
    const { host, pathname } = new URL(database.url)
    const { code, stderr } = await runHere(home, [...words, '--db', database.url])
    const said = `mcp-credits: no ledger at postgres://${host}${pathname}\n  Make one there: npx mcp-credits init --db <that address>\n`
    expect({ code, stderr }).toEqual({ code: 2, stderr: said })
    expect(await namesIn('public')).toEqual([])
  })

  it('init makes one, which is read from then on, however the scheme is written', async () => {
    const url = await newSchema('made')
    expect((await runHere(home, ['init', '--db', url])).code).toBe(0)
    expect((await runHere(home, ['credits', '--db', url.replace('postgres:', 'Postgres:')])).code).toBe(0)
  })
})

describe('a database with tables of somebody else’s', () => {
  it.each([
    ['a table by the name of one of the ledger’s', 'theirs', 'create table theirs.accounts (id int); create index catalogs on theirs.accounts (id)', 'accounts, catalogs'],
    ['a count of versions by another program', 'versioned', 'create table versioned.schema_version (version text)', 'schema_version'],
  ])('%s: nothing is changed, and it is said where a ledger may be made', async (_what, schema, statement, names) => {
    const url = await newSchema(schema)
    await raw.query(statement)
    const before = await namesIn(schema)
    for (const words of [['init', '--db', url], ['grant', '5', '--db', url], ['migrate', '--from', home.path('source.db'), '--to', url]]) {
      if (words[0] === 'migrate') await runHere(home, ['init', '--db', home.path('source.db')])
      const { code, stderr, error } = await refused(...words)
      expect([code, error]).toMatchObject([6, { code: 'ledger_unavailable', retryable: false }])
      expect(stderr).toContain(`The schema ${schema} of the database has tables of somebody else's by names of a ledger's: ${names}; nothing was changed\n`)
      expect(stderr).toMatch(/Name an empty database, or make a schema for the ledger .*options=-c%20search_path%3Dname/)
      expect(await namesIn(schema)).toEqual(before)
    }
  })
})

describe('what somebody has to mend is not to be tried again', () => {
  beforeAll(async () => {
    expect((await runHere(home, ['init', '--db', database.url])).code).toBe(0)
  })
  const role = (name: string) => changed((url) => url.searchParams.set('options', `-c role=${name}`))

  it.each<[string, () => string, RegExp]>([
    ['no such database', () => changed((url) => (url.pathname = '/not_there')), /no database of this name \(3D000\)\n {2}Make the database first/],
    ['no such user', () => changed((url) => (url.username = 'nobody_here')), /refuses the user or the password \(28000\)\n {2}.*PGPASSWORD, in \.pgpass or in the address/],
    ['no right', () => role('pg_monitor'), /no right to do this \(42501\)\n {2}The user must be able to/],
    ['TLS where there is none', () => changed((url) => url.searchParams.set('sslmode', 'verify-full')), /do not agree about TLS\n {2}Write sslmode=disable/],
    ['no such schema', () => changed((url) => url.searchParams.set('options', '-c search_path=missing')), /names no schema that exists\n {2}Make the schema first/],
  ])('%s', async (_what, url, words) => {
    for (const command of [['grant', '5'], ['credits']]) {
      const { code, stderr, error } = await refused(...command, '--db', url())
      expect([code, error]).toMatchObject([6, { code: 'ledger_unavailable', retryable: false }])
      expect(stderr).toMatch(words)
      expect(stderr).not.toContain('Try again')
    }
  })

  it('a server that is away may come back', async () => {
    expect(await refused('credits', '--db', 'postgres://user:hidden@127.0.0.1:1/ledger')).toMatchObject({ code: 6, error: { retryable: true } })
  })

  it.each([
    ['connections=0', /^mcp-credits: --db: the address of the database has connections=0; expected a whole number from 2 to 1000\n/],
    ['connections=abc', /^mcp-credits: --db: the address of the database has connections=abc; expected/],
    ['replica=host:notaport', /^mcp-credits: --db: the address of the database has a replica that is not a host; expected replica=host/],
  ])('an address with %s is no valid one', async (option, words) => {
    for (const command of [['grant', '5'], ['credits']]) {
      const { code, stderr, error } = await refused(...command, '--db', `${database.url}?${option}`)
      expect([code, error]).toMatchObject([2, { code: 'invalid_request', retryable: false }])
      expect(stderr).toMatch(words)
    }
  })

  it('an address that is none is refused without its password', async () => {
    const { code, stderr } = await refused('grant', '5', '--db', 'postgres://user:hidden@:bad')
    expect([code, stderr]).toEqual([2, 'mcp-credits: --db: the address of the database is not a URL; expected postgres://user@host/database\n'])
  })
})
