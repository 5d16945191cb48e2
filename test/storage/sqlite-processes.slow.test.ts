import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, it } from 'vitest'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { servesEveryWriter, type SharedLedger, survivesKills } from './processes.js'

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

it('T20: fifty writers in two processes are all served, and no lock comes to light', async () => {
  await servesEveryWriter(await newLedger(), { processes: 2, atOnce: 25, count: 15_000 })
})

it('T20: eight processes with one writer each are all served, and no lock comes to light', async () => {
  await servesEveryWriter(await newLedger(), { processes: 8, atOnce: 1, count: 300 })
})

it(`what was acknowledged is there after forty times kill -9 in mid-write, exactly once (seed ${seed})`, async () => {
  await survivesKills(await newLedger(), 40, seededRandom(seed))
})
