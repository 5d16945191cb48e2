import Database from 'better-sqlite3'
import pg from 'pg'

/** What a ledger keeps, by table, with the columns that order it. */
export const TABLES = {
  accounts: 'id',
  catalogs: 'version',
  grants: 'account, sequence',
  reservations: 'account, sequence',
  records: 'account, kind, id',
  counters: 'account, budget, subject',
  transactions: 'account, sequence',
} as const

/** Counts the writes of a process beside others: it begins anew with a ledger, and SQLite has none. */
export const OF_POSTGRES_ALONE = ['revision'] as const

/** Every row of a ledger, read past the store: integers as texts, bytes in hexadecimal, columns by name. */
export async function rawRows(database: string): Promise<Readonly<Record<string, readonly string[]>>> {
  return database.startsWith('postgres') ? postgresRows(database) : sqliteRows(database)
}

function sqliteRows(file: string): Readonly<Record<string, readonly string[]>> {
  const connection = new Database(file, { readonly: true })
  const rows = Object.entries(TABLES).map(([table, key]) => {
    const all = connection.prepare(`select * from ${table} order by ${key}`).safeIntegers(true).all() as Record<string, unknown>[]
    return [table, all.map(textOf)] as const
  })
  connection.close()
  return Object.fromEntries(rows)
}

async function postgresRows(url: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const rows: [string, readonly string[]][] = []
  for (const [table, key] of Object.entries(TABLES)) {
    const found = await client.query<Record<string, unknown>>(`select * from ${table} order by ${key}`)
    rows.push([table, found.rows.map(({ revision: _revision, ...row }) => textOf(row))])
  }
  await client.end()
  return Object.fromEntries(rows)
}

function textOf(row: Record<string, unknown>): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}
