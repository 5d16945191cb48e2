import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { CreditError, type Credits, openCredits } from '../../src/index.js'
import { createTestDatabase } from '../support/postgres.js'

/** 2026-01-15T10:00Z, a Thursday. */
export const T0 = Date.UTC(2026, 0, 15, 10)

/** A credit a unit, a job of 1 to 10, a tool, and a plan whose cap is a fifth of its credits. */
export const LIMITS = {
  id: 'limits',
  name: 'Limits',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  categories: [{ id: 'work', name: 'Work' }],
  operations: {
    'work.unit': { name: 'Unit', price: { model: 'per_unit', credits: '1' } },
    'work.job': { name: 'Job', price: { model: 'range', minimum: '1', maximum: '10' } },
  },
  tools: { work: { operation: 'work.unit' }, job: { operation: 'work.job' } },
  default_tool_price: null,
  plans: {
    monthly: { name: 'Monthly', monthly_credits: '100', price_usd: '5', rollover: { kind: 'unlimited' } },
    capped: {
      name: 'Capped',
      monthly_credits: '100',
      price_usd: '5',
      rollover: { kind: 'unlimited' },
      spending_cap: { credits: '5', window: 'period' },
    },
    trial: {
      name: 'Trial',
      monthly_credits: '100',
      price_usd: '0',
      rollover: { kind: 'unlimited' },
      spending_cap: { credits: '5', window: 'lifetime' },
    },
  },
}

export const DATABASES = ['SQLite', 'PostgreSQL'] as const
export type DatabaseKind = (typeof DATABASES)[number]

/** A ledger that several stores open, each as a process of its own would, all on one clock that moves by hand. */
export interface SharedLedger {
  readonly database: string
  readonly clock: { at: number; now(): number }
  /** Another store on it: nothing is shared with the others but the database. */
  open(options?: { readonly defaultAccount: { readonly id: string; readonly plan: string } }): Promise<Credits>
  /** Does something behind the product's back. */
  sql(statement: string): Promise<void>
}

/** An empty ledger with a catalog; what was opened is closed and removed at the end of the test. */
export async function sharedLedger(kind: DatabaseKind = 'SQLite', catalog: string | object = LIMITS): Promise<SharedLedger> {
  const clock = { at: T0, now: () => clock.at }
  const { database, remove } = await newDatabase(kind)
  const opened: Credits[] = []
  onTestFinished(async () => {
    for (const credits of opened) await credits.close()
    await remove()
  })
  const open: SharedLedger['open'] = async (options) => {
    const credits = await openCredits({ database, clock, ...options })
    opened.push(credits)
    return credits
  }
  await (await openCredits({ database, catalog, clock })).close()
  return { database, clock, open, sql: (statement) => (kind === 'SQLite' ? inFile(database, statement) : onServer(database, statement)) }
}

async function newDatabase(kind: DatabaseKind): Promise<{ readonly database: string; readonly remove: () => Promise<void> }> {
  if (kind === 'PostgreSQL') {
    const { url, drop } = await createTestDatabase()
    return { database: url, remove: drop }
  }
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-pitfalls-'))
  return { database: join(folder, 'ledger.db'), remove: () => rm(folder, { recursive: true, force: true }) }
}

async function inFile(database: string, statement: string): Promise<void> {
  const file = new Database(database)
  try {
    expect(file.prepare(statement).run().changes, statement).toBeGreaterThan(0)
  } finally {
    file.close()
  }
}

async function onServer(database: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    expect((await client.query(statement)).rowCount, statement).toBeGreaterThan(0)
  } finally {
    await client.end()
  }
}

/** `done`, or the code of the refusal. Whatever else goes wrong is an error of the test. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof CreditError) return error.code
    throw error
  }
}

export async function outcomes(work: readonly Promise<unknown>[]): Promise<readonly string[]> {
  return (await Promise.all(work.map(outcome))).sort()
}

export async function expectWhole(credits: Credits): Promise<void> {
  expect(await credits.verify()).toMatchObject({ ok: true, problems: [] })
}
