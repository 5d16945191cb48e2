import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')
const DAY_MS = 86_400_000

let folder: string
let credits: Credits
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-credits-sweep-'))
})
afterEach(async () => {
  await credits.close()
  await rm(folder, { recursive: true, force: true })
})

it('a sweep that fails on one account goes on with those that have waited less, and then tells of it', async () => {
  let now = T0
  const database = join(folder, 'ledger.db')
  credits = await openCredits({ database, catalog: 'neural-draft', clock: { now: () => now } })
  for (const id of ['first', 'second', 'third']) {
    await credits.createAccount({ id, plan: 'free' })
    now += 1_000
  }
  const file = new Database(database)
  file.exec("update accounts set time_zone = 'Nowhere/At-All' where id in ('first', 'second')")
  now = T0 + 40 * DAY_MS
  await expect(credits.sweep()).rejects.toThrow(/Invalid time zone/)
  const due = file.prepare('select id from accounts where next_due_at <= ? order by id').pluck().all(now)
  file.close()
  expect(due).toEqual(['first', 'second'])
  expect((await credits.transactions({ account: 'third', type: 'grant' })).transactions).toHaveLength(2)
})
