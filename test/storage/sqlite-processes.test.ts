import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { audit, journalOf } from './audit.js'
import { acknowledged, startCharger, tally } from './chargers.js'
import { catalogVersion, createAccount, doneOf, grant, T0 } from './fixtures.js'
import { sharesOneBalance, type SharedLedger, survivesKills } from './processes.js'

const seed = newSeed()
let folder: string
let ledgers = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-credits-processes-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function newLedger(): Promise<SharedLedger> {
  const name = join(folder, `${(ledgers += 1)}.db`)
  return { name, open: () => openSqliteStore(name) }
}

describe('several processes on one file', () => {
  it('T01: 200 charges of 1 on a balance of 50 from four processes: exactly 50 are done', async () => {
    await sharesOneBalance(await newLedger())
  })

  it(`T04, T17: what was acknowledged is there after kill -9 in mid-write, exactly once (seed ${seed})`, async () => {
    await survivesKills(await newLedger(), 3, seededRandom(seed))
  })

  it('T18: on a disk that is full nothing is acknowledged that was not kept, and nothing kept that was refused', async () => {
    const ledger = await newLedger()
    const store = await ledger.open()
    await store.addCatalogs([catalogVersion()], T0)
    doneOf(await store.update(createAccount('a'), T0))
    doneOf(await store.update(grant('a', 1_000_000), T0))
    await store.close()
    // The shell's limit on the size of files, in kilobytes, stands in for the end of a disk.
    const small = ['bash', '-c', 'ulimit -f 400; exec "$@"', 'limited']
    const charger = await startCharger({ ledger: ledger.name, account: 'a', prefix: 'k', count: 3_000, atOnce: 20 }, small)
    const lines = await charger.run()
    const counts = tally(lines)
    expect(Object.keys(counts).sort()).toEqual(['ack', 'failed LedgerUnavailable none'])

    const reopened = await ledger.open()
    const keys = (await journalOf(reopened, 'a')).flatMap((row) => row.idempotencyKey ?? [])
    expect(keys.sort()).toEqual([...acknowledged(lines)].sort())
    expect(await audit(reopened, 'a')).toEqual([])
    await reopened.close()
  })
})
