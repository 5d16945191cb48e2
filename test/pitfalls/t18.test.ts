import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { jsonHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { receiptOf, refusalOf } from '../meter/support.js'
import { DOORS } from './doors.js'
import { startRest } from './rest-client.js'
import { expectWhole } from './support.js'

/** The shell's limit on the size of a file, in kilobytes, stands in for the end of a disk: SQLite's log meets it at a commit. */
const SMALL_DISK = ['bash', '-c', 'ulimit -f 500; exec "$@"', 'limited']

const LANES = 16

async function withLedger(): Promise<Home> {
  const home = new Home()
  onTestFinished(() => home.remove())
  await jsonHere(home, 'init', '--catalog', 'starter')
  await jsonHere(home, 'grant', '1000000')
  return home
}

async function library(home: Home): Promise<Credits> {
  const credits = await openCredits({ database: home.ledger })
  onTestFinished(() => credits.close())
  return credits.as({ account: 'default' })
}

/** Makes room: what fills the log is brought into the ledger by somebody else, and the log begins anew. */
function makeRoom(home: Home): void {
  const file = new Database(home.ledger)
  expect(file.pragma('wal_checkpoint(truncate)')).toMatchObject([{ busy: 0 }])
  file.close()
}

/** Every key that a charge was made under, by the journal. */
async function chargedKeys(credits: Credits): Promise<readonly string[]> {
  const keys: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await credits.transactions({ type: 'charge', limit: 500, ...(cursor === undefined ? {} : { cursor }) })
    keys.push(...page.transactions.flatMap(({ idempotencyKey }) => idempotencyKey ?? []))
    if (page.nextCursor === null) return keys.sort()
    cursor = page.nextCursor
  }
}

describe('T18: a disk that is full at the commit', () => {
  it('T18, T19: charges over HTTP are refused once nothing fits; what was acknowledged is there, the rest is not, and the same server goes on', async () => {
    const home = await withLedger()
    const rest = await startRest(home, { wrapper: SMALL_DISK })
    const acknowledged: string[] = []
    const refused: string[] = []
    let next = 0
    /** Charges one after the other until one is refused. */
    const lane = async (): Promise<void> => {
      for (;;) {
        const key = `k${next++}`
        const { status, retryAfter, body } = await rest.tool('charge_credits', { operation: 'tool.call' }, key)
        if (status === 200) {
          acknowledged.push(key)
          continue
        }
        expect({ status, retryAfter, error: body.error }).toMatchObject({ status: 503, retryAfter: null, error: { code: 'ledger_unavailable', retryable: true, details: { outcome: 'none' } } })
        refused.push(key)
        return
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    expect(acknowledged.length).toBeGreaterThan(LANES)
    // It goes on refusing what is paid, and tells the balance as it is: never zero, never what was refused.
    expect((await rest.tool('reserve_credits', { operation: 'tool.call' })).status).toBe(503)
    expect(await rest.get('/v1/balance')).toMatchObject({ status: 200, body: { lifetime_used: acknowledged.length, reserved: 0 } })
    const credits = await library(home)
    expect(await chargedKeys(credits)).toEqual([...acknowledged].sort())

    makeRoom(home)
    for (const key of refused) {
      expect(await rest.tool('charge_credits', { operation: 'tool.call' }, key)).toMatchObject({ status: 200, body: { charged: 1, replayed: false } })
    }
    expect(await rest.tool('charge_credits', { operation: 'tool.call' }, acknowledged.at(-1))).toMatchObject({ status: 200, body: { replayed: true } })
    await rest.ended('SIGTERM')
    expect(rest.server.exitCode).toBe(0)
    expect(await chargedKeys(credits)).toEqual([...acknowledged, ...refused].sort())
    expect((await credits.balance()).lifetimeUsed).toBe(acknowledged.length + refused.length)
    await expectWhole(credits)
  })

  it.each(['the relay on standard streams', 'the gateway over HTTP, of 2026-07-28', 'a meter in SDK 1', 'a meter in SDK 2'])('T18: through %s no result is answered as charged that is not in the ledger', async (name) => {
    const home = await withLedger()
    const opened = await DOORS[name]?.open(home, SMALL_DISK)
    if (opened === undefined) throw new Error(`no such door: ${name}`)
    const { client } = opened
    const receipts: unknown[] = []
    const call = async () => client.call('done').answer
    for (;;) {
      const answers = await Promise.all(Array.from({ length: LANES }, call))
      const refusals = answers.flatMap((answer) => refusalOf(answer) ?? [])
      receipts.push(...answers.flatMap((answer) => receiptOf(answer)?.['transaction'] ?? []))
      expect(answers).toHaveLength(LANES)
      if (refusals.length === 0) continue
      expect(new Set(refusals)).toEqual(new Set(['ledger_unavailable']))
      break
    }
    expect(receipts.length).toBeGreaterThan(0)
    makeRoom(home)
    const after = receiptOf(await call())
    expect(after).toMatchObject({ charged: 1 })
    receipts.push(after?.['transaction'])
    await client.close()
    await opened.ended('SIGTERM')

    const credits = await library(home)
    const { transactions } = await credits.transactions({ type: 'settle', limit: 500 })
    expect(transactions.map(({ id }) => id).sort()).toEqual(receipts.map(String).sort())
    const later = Date.parse(transactions[0]?.at ?? '') + 90_000
    const swept = await openCredits({ database: home.ledger, clock: { now: () => later } })
    onTestFinished(() => swept.close())
    await swept.sweep()
    expect(await swept.balance({ account: 'default' })).toMatchObject({ reserved: 0, lifetimeUsed: receipts.length })
    await expectWhole(swept)
  })
})
