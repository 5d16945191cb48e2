import { afterAll, beforeAll, it } from 'vitest'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { sharesOneBalance, type SharedLedger, survivesKills } from './processes.js'

const seed = newSeed()
const databases: TestDatabase[] = []
beforeAll(async () => {
  databases.push(await createTestDatabase(), await createTestDatabase())
})
afterAll(async () => {
  for (const database of databases) await database.drop()
})

function ledgerOn(index: number): SharedLedger {
  const { url } = databases[index] as TestDatabase
  return { name: url, open: () => openPostgresStore(url) }
}

it('T01: 200 charges of 1 on a balance of 50 from four processes on PostgreSQL: exactly 50 are done', async () => {
  await sharesOneBalance(ledgerOn(0))
})

it(`T04: what was acknowledged is there after kill -9 of a client of PostgreSQL, exactly once (seed ${seed})`, async () => {
  await survivesKills(ledgerOn(1), 3, seededRandom(seed))
})
