import { expect, it } from 'vitest'
import { MemoryDatabase, openMemoryStore } from '../support/memory-store.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { describeStore } from './conformance.js'
import { catalogVersion, charge, createAccount, doneOf, grant, keyed, reserve, T0 } from './fixtures.js'

const seed = newSeed()

describeStore(`the store in memory (seed ${seed})`, async () => {
  const database = new MemoryDatabase(seededRandom(seed))
  return {
    open: async () => openMemoryStore(database),
    drop: async () => undefined,
    write: async (change) => database.exclusively(async () => database.write([change])),
    storesMax: 2,
  }
})

it(`commands of one batch see each other: what they come to is written at the first try (seed ${seed})`, async () => {
  const database = new MemoryDatabase(seededRandom(seed))
  const store = openMemoryStore(database)
  await store.addCatalogs([catalogVersion()], T0)
  const call = { key: 'call', fingerprint: 'f' }
  const outcomes = await Promise.all(
    [
      createAccount('a', { plan: 'monthly' }),
      grant('a', 5),
      ...Array.from({ length: 5 }, () => charge('a', 1, keyed('same'))),
      ...Array.from({ length: 5 }, () => reserve('a', 1, { call })),
    ].map((command) => store.update(command, T0)),
  )
  expect(outcomes.map(({ kind }) => kind)).toEqual([...Array(8).fill('done'), ...Array(4).fill('refused')])
  expect(doneOf(outcomes[6] as (typeof outcomes)[number]).replayed).toBe(true)
  expect({ writes: database.writes, refusals: database.refusals }).toEqual({ writes: 2, refusals: 0 })
})
