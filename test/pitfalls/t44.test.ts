import { randomUUID } from 'node:crypto'
import { copyFileSync, existsSync, readdirSync, renameSync } from 'node:fs'
import Database from 'better-sqlite3'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { migrationsOf } from '../../src/storage/migrations.js'
import { DAY_MS } from '../../src/time/instant.js'
import { jsonHere, runHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { ROOT } from '../support/files.js'
import { createTestDatabase } from '../support/postgres.js'
import { startRest } from './rest-client.js'
import { DATABASES, type DatabaseKind, expectWhole, LIMITS, outcome, sharedLedger, type SharedLedger } from './support.js'

const ACCOUNT = 'acme'
const CATALOG = { ...LIMITS, packs: { small: { name: 'Small', price_usd: '10', parts: [{ kind: 'paid', credits: '100' }], expiry: { kind: 'never' } } } }

/** A copy of a ledger as somebody makes it who restores one: a name under which it can be opened. */
async function copyOf(ledger: SharedLedger, kind: DatabaseKind): Promise<string> {
  if (kind === 'SQLite') {
    const copy = `${ledger.database}.copy-${randomUUID()}`
    const file = new Database(ledger.database, { readonly: true })
    await file.backup(copy)
    file.close()
    return copy
  }
  const desk = await createTestDatabase()
  const client = new pg.Client({ connectionString: desk.url })
  await client.connect()
  const name = `copy_${randomUUID().replaceAll('-', '')}`
  await client.query(`create database ${name} template ${new URL(ledger.database).pathname.slice(1)}`)
  onTestFinished(async () => {
    await client.query(`drop database ${name} with (force)`)
    await client.end()
    await desk.drop()
  })
  const url = new URL(ledger.database)
  url.pathname = name
  return url.href
}

async function opened(database: string, clock: { now(): number }): Promise<Credits> {
  const credits = await openCredits({ database, clock })
  onTestFinished(() => credits.close())
  return credits.as({ account: ACCOUNT })
}

/** All that is told to a ledger under a key of its own, or by the payment that it is about; told again it is the same. */
const TOLD: readonly ((credits: Credits, known: { reservation: string; charge: string }) => Promise<{ readonly replayed: boolean }>)[] = [
  (credits) => credits.grant({ credits: 50, source: 'adjustment', idempotencyKey: 'gift' }),
  (credits) => credits.purchase({ pack: 'small', reference: 'invoice-1' }),
  (credits) => credits.purchase({ pack: 'small', idempotencyKey: 'order-2' }),
  (credits) => credits.charge({ operation: 'work.unit', quantity: 4, idempotencyKey: 'job-1' }),
  async (credits, known) => {
    const held = await credits.reserve({ operation: 'work.job', idempotencyKey: 'hold-1' })
    known.reservation = String(held.reservation)
    return held
  },
  (credits, { reservation }) => credits.settle({ reservation, actual: 7, idempotencyKey: 'end-1' }),
  async (credits, known) => {
    const charged = await credits.charge({ operation: 'work.unit', quantity: 2, idempotencyKey: 'job-2' })
    known.charge = String(charged.transaction)
    return charged
  },
  (credits, { charge }) => credits.refund({ transaction: charge, credits: 1, reason: 'half of it', idempotencyKey: 'back-1' }),
]

async function tellAll(credits: Credits, from = 0, known = { reservation: '', charge: '' }): Promise<readonly boolean[]> {
  const replayed: boolean[] = []
  for (const tell of TOLD.slice(from)) replayed.push((await tell(credits, known)).replayed)
  return replayed
}

async function sums(credits: Credits): Promise<readonly number[]> {
  const { balance, reserved, lifetimeUsed } = await credits.balance()
  return [balance, reserved, lifetimeUsed]
}

describe.each(DATABASES)('T44: a ledger that was copied or restored, on %s', (kind) => {
  it('T44: answers all that it was told before again: no key and no payment counts twice', async () => {
    const ledger = await sharedLedger(kind, CATALOG)
    const original = (await ledger.open()).as({ account: ACCOUNT })
    await original.createAccount({ id: ACCOUNT, plan: 'none' })
    expect(await tellAll(original)).toEqual(TOLD.map(() => false))
    const before = await sums(original)
    const { head } = await original.verify()
    await original.close()

    const copy = await opened(await copyOf(ledger, kind), ledger.clock)
    expect(await tellAll(copy)).toEqual(TOLD.map(() => true))
    expect(await sums(copy)).toEqual(before)
    // What was for one thing is not for another, whichever copy is asked.
    expect(await outcome(copy.charge({ operation: 'work.unit', quantity: 5, idempotencyKey: 'job-1' }))).toBe('idempotency_conflict')
    expect(await copy.verify({ since: String(head) })).toMatchObject({ ok: true, problems: [] })
  })

  it('T44: from before something was told takes what is told again once, and comes to the same sums; the cut is found by a later head', async () => {
    const ledger = await sharedLedger(kind, CATALOG)
    const first = (await ledger.open()).as({ account: ACCOUNT })
    await first.createAccount({ id: ACCOUNT, plan: 'none' })
    for (const tell of TOLD.slice(0, 3)) await tell(first, { reservation: '', charge: '' })
    await first.close()
    const backup = await copyOf(ledger, kind)

    const original = await opened(ledger.database, ledger.clock)
    ledger.clock.at += DAY_MS
    await tellAll(original, 3)
    const [after, { head }] = [await sums(original), await original.verify()]

    const restored = await opened(backup, ledger.clock)
    expect((await restored.verify({ since: String(head) })).ok).toBe(false)
    expect(await tellAll(restored)).toEqual(TOLD.map((_, index) => index < 3))
    expect(await tellAll(restored)).toEqual(TOLD.map(() => true))
    expect(await sums(restored)).toEqual(after)
    await expectWhole(restored)
  })

  it('T44: makes what time has made due once, in the copy as in the original, whoever comes first', async () => {
    const ledger = await sharedLedger(kind, CATALOG)
    const original = (await ledger.open()).as({ account: ACCOUNT })
    await original.createAccount({ id: ACCOUNT, plan: 'monthly' })
    await original.close()
    const copy = await copyOf(ledger, kind)
    ledger.clock.at += 62 * DAY_MS
    for (const database of [ledger.database, copy]) {
      const stores = await Promise.all([opened(database, ledger.clock), opened(database, ledger.clock)])
      await Promise.all(stores.map((store) => store.sweep()))
      const { transactions } = await (stores[0] as Credits).transactions({ type: 'grant' })
      expect(transactions.map(({ credits }) => credits)).toEqual([100, 100, 100])
      expect((await (stores[1] as Credits).balance()).balance).toBe(300)
    }
  })
})

describe('T44: a ledger file that is copied with its log, beside a server', () => {
  it('T44: whoever opens the copy goes on from there; charges and payments that were told before are told back', async () => {
    const home = new Home()
    onTestFinished(() => home.remove())
    await jsonHere(home, 'init', '--catalog', 'neural-draft')
    await jsonHere(home, 'topup', 'usd-20', '--reference', 'invoice-1')
    const rest = await startRest(home)
    const charged = await rest.tool('charge_credits', { operation: 'blog.post' }, 'job-1')
    expect(charged).toMatchObject({ status: 200, body: { charged: 60, replayed: false } })
    await rest.ended('SIGKILL')
    // The log is part of the ledger until it has been brought in: both are copied, as a folder is.
    const copy = home.path('restored.db')
    for (const end of ['', '-wal']) if (existsSync(home.ledger + end)) copyFileSync(home.ledger + end, copy + end)

    const restored = await startRest(home, { words: ['--db', copy] })
    expect(await restored.tool('charge_credits', { operation: 'blog.post' }, 'job-1')).toMatchObject({ status: 200, body: { ...charged.body, replayed: true } })
    const bought = await jsonHere(home, 'topup', 'usd-20', '--reference', 'invoice-1', '--db', copy)
    expect(bought).toMatchObject({ replayed: true })
    expect(await restored.get('/v1/balance')).toMatchObject({ body: { balance: 250 + 4_000 - 60, lifetime_used: 60 } })
    expect(await jsonHere(home, 'doctor', '--db', copy)).toMatchObject({ ok: true })
    // And the original knows nothing of the copy.
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 4_190 })
  })
})

describe('T44: the list of migrations', () => {
  it.each(['sqlite', 'postgres'] as const)('T44: of %s is every file of its folder, numbered from one without a gap, and the same as of the other', (database) => {
    const files = readdirSync(`${ROOT}schema/${database}`).sort()
    const migrations = migrationsOf(database)
    expect(migrations.map(({ number }) => number)).toEqual(files.map((_, index) => index + 1))
    expect(files).toEqual(readdirSync(`${ROOT}schema/${database === 'sqlite' ? 'postgres' : 'sqlite'}`).sort())
    for (const { sql } of migrations) expect(sql.trim()).not.toBe('')
  })

  it('T44: a copy of an older ledger is brought up to date by whoever opens it, once, and one of a newer is left as it is', async () => {
    const home = new Home()
    onTestFinished(() => home.remove())
    const [first] = migrationsOf('sqlite')
    const file = home.path('older.db')
    const raw = new Database(file)
    raw.exec(first?.sql ?? '')
    raw.pragma('user_version = 1')
    raw.close()
    const opening = await Promise.all(Array.from({ length: 4 }, () => openCredits({ database: file, catalog: LIMITS })))
    expect(opening.map(({ schema }) => schema.to)).toEqual(opening.map(() => migrationsOf('sqlite').length))
    expect(opening.some(({ schema }) => schema.from === 1)).toBe(true)
    for (const credits of opening) await credits.close()

    const newer = home.path('newer.db')
    renameSync(file, newer)
    const changed = new Database(newer)
    changed.pragma(`user_version = ${migrationsOf('sqlite').length + 1}`)
    changed.close()
    const { code, stderr } = await runHere(home, ['credits', '--db', newer])
    expect([code, stderr]).toEqual([2, expect.stringContaining('Use a newer mcp-credits')])
    const { code: served, stderr: told } = await home.run('serve', '--http', '0', '--db', newer)
    expect([served, told]).toEqual([2, expect.stringContaining('Use a newer mcp-credits')])
  })
})
