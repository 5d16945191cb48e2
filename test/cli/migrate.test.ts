import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CuttingRelay, type Fate, relayThatCuts } from '../support/cut-connection.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { newSeed } from '../support/seeded-random.js'
import { rawRows } from '../storage/raw-rows.js'
import { expectRichLedger, fillRichLedger, type RichFacts } from '../storage/rich-ledger.js'
import { runHere } from './in-process.js'
import { MISWRITTEN } from './miswritten.js'
import { ended, Home } from './process.js'

const seed = newSeed()
const home = new Home()
const source = home.path('source.db')
let database: TestDatabase
let facts: RichFacts

beforeAll(async () => {
  database = await createTestDatabase()
  facts = await fillRichLedger(source, seed, { steps: 60, charges: 2_500 })
})
afterAll(async () => {
  home.remove()
  await database.drop()
})

/** Runs a copy through a relay and kills the process when a statement comes by for the so-manieth time. */
async function killedAt(relay: CuttingRelay, text: string, time: number, fate: Fate): Promise<boolean> {
  const child = home.start(['migrate', '--from', source, '--to', relay.url])
  let seen = 0
  relay.fateOf = (bytes) => {
    if (!bytes.includes(text)) return 'forward'
    seen += 1
    if (seen !== time) return 'forward'
    child.kill('SIGKILL')
    return fate
  }
  child.stdin.end()
  const { code } = await ended(child)
  relay.fateOf = () => 'forward'
  return code === null
}

describe('migrate --from --to', () => {
  it(`T44: a copy that is killed over and over is continued, opened by nothing meanwhile, and comes to the same ledger (seed ${seed})`, async () => {
    const relay = await relayThatCuts(database.url)
    const points: readonly (readonly [text: string, time: number, fate: Fate])[] = [
      ['create table unfinished_copy', 1, 'cut before'],
      ['insert into accounts', 1, 'cut before'],
      ['insert into reservations', 1, 'forward'],
      ['insert into transactions', 1, 'forward'],
      ['insert into transactions', 2, 'cut before'],
      ['analyze', 1, 'forward'],
      ['drop table unfinished_copy', 1, 'cut before'],
    ]
    for (const [text, time, fate] of points) {
      expect([text, await killedAt(relay, text, time, fate)]).toEqual([text, true])
      // Killed before anything was marked, the database is an empty one still, and free for whoever comes.
      if (fate === 'cut before' && text.startsWith('create table')) continue
      const refused = await home.run('credits', '--db', database.url, '--json')
      expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining('is an unfinished copy of') })
      expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'ledger_unavailable', retryable: false } })
    }
    await relay.close()
    const { code, stdout, stderr } = await home.run('migrate', '--from', source, '--to', database.url, '--json')
    expect([code, stderr]).toEqual([0, ''])
    const rows = await rawRows(source)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, continued: true, changed: 0, accounts: rows['accounts']?.length, transactions: rows['transactions']?.length, problems: [] })
    expect(await rawRows(database.url)).toEqual(rows)
    expect((await home.run('doctor', '--db', database.url)).stdout).toMatch(/^The ledger adds up/)
    await expectRichLedger(database.url, facts)
  }, 120_000)

  it('says what was copied, from where to where, and that the source is as it was', async () => {
    const { code, stdout, stderr } = await runHere(home, ['migrate', '--from', source, '--to', home.path('target.db')])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^The copy is whole and adds up: \d+ accounts, [\d,]+ transactions, from .*source\.db to .*target\.db\.\nUse it by --db/)
  })

  it('tells a person who watches how far it is, on standard error', async () => {
    const { code, stdout, stderr } = await runHere(home, ['migrate', '--from', source, '--to', home.path('watched.db'), '--json'], [])
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true }])
    expect(stderr).toMatch(/^copying catalogs: 100% of 1 row\n[^]*copying transactions: [1-9]0% of [\d,]+ rows\n[^]*copying transactions: 100% [^]*\nchecking the copy: [\d,]+ transactions\n$/)
  })

  it.each<readonly [readonly string[], number, string]>([
    [['--from', source], 2, 'give both --from and --to'],
    [['--to', 'x.db'], 2, 'give both --from and --to'],
    [['--from', source, '--to', home.path('y.db'), '--db', source], 2, '--db: the ledgers to copy are named by --from and --to'],
    [['--from', source, '--to', home.path('y.db'), '--key', 'mc_live_x'], 4, 'This concerns the whole ledger'],
    [['--from', home.path('missing.db'), '--to', home.path('y.db')], 2, 'There is no ledger at'],
    [['--from', source, '--to', 'postgres://user:hidden@127.0.0.1:1/db'], 6, 'cannot be reached'],
    [['--from', source, '--to', 'mysql://user:hidden@127.0.0.1/db'], 2, '--to: expected a file'],
    ...MISWRITTEN.map((database) => [['--from', source, '--to', database], 2, '--to: expected a file'] as const),
    ...MISWRITTEN.map((database) => [['--from', database, '--to', home.path('y.db')], 2, '--from: expected a file'] as const),
  ])('refuses %j, makes nothing, prints no password and names no ledger that was not meant', async (words, exit, said) => {
    const { code, stdout, stderr } = await runHere(home, ['migrate', ...words, '--json'])
    expect([code, stderr]).toEqual([exit, expect.stringContaining(said)])
    expect(stdout + stderr).not.toContain('hidden')
    expect(stdout + stderr).not.toContain(home.ledger)
    expect(existsSync(home.path('y.db'))).toBe(false)
  })
})
