import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { LedgerUnavailable, type Store } from '../../src/storage/port.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import { startPostgres } from '../support/postgres-server.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { audit, journalOf } from './audit.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, keyed, T0 } from './fixtures.js'

const seed = newSeed()
const STORES = 4
const CALLERS = 16
const CHARGES = 400
const CRASHES = 5

it(`T04, T18: a server that crashes over and over in mid-load keeps what was acknowledged, charges nothing twice, and serves again by itself (seed ${seed})`, async () => {
  const random = seededRandom(seed)
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const stores = await Promise.all(Array.from({ length: STORES }, () => openPostgresStore(server.url)))
  const [first] = stores as [Store]
  await first.addCatalogs([catalogVersion()], T0)
  doneOf(await first.update(createAccount('a'), T0))
  doneOf(await first.update(grant('a', 1_000_000), T0))

  const failures = { none: 0, unknown: 0 }
  const total = STORES * CHARGES
  const crashAt = Array.from({ length: CRASHES }, (_, index) => Math.floor((total * (index + 0.5)) / CRASHES) + random.below(40))
  let acknowledged = 0
  let crashes = 0
  let crashing = Promise.resolve()

  /** A caller that hears nothing certain asks again with its key, as often as it takes. */
  async function chargeUntilDone(store: Store, key: string): Promise<void> {
    for (;;) {
      try {
        doneOf(await store.update(charge('a', 1, keyed(key)), T0))
        acknowledged += 1
        if (acknowledged === crashAt[crashes]) {
          crashes += 1
          crashing = crash()
        }
        return
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error
        failures[error.outcome] += 1
      }
    }
  }

  /** A process of the server that is killed takes all the others with it: the server recovers as after a power cut. */
  async function crash(): Promise<void> {
    const client = new pg.Client({ connectionString: server.url })
    client.on('error', () => undefined)
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
    await client.end().catch(() => undefined)
  }

  async function caller(store: Store, name: string): Promise<void> {
    for (let count = 0; count < CHARGES / CALLERS; count += 1) await chargeUntilDone(store, `${name}-${count}`)
  }
  await Promise.all(stores.flatMap((store, index) => Array.from({ length: CALLERS }, (_, one) => caller(store, `${index}-${one}`))))

  await crashing
  expect(crashes).toBe(CRASHES)
  expect(failures.none + failures.unknown).toBeGreaterThan(0)
  const keys = (await journalOf(first, 'a')).flatMap(({ kind, idempotencyKey }) => (kind === 'charge' ? [idempotencyKey] : []))
  expect({ rows: keys.length, keys: new Set(keys).size }).toEqual({ rows: total, keys: total })
  expect(await first.read('a', T0, ({ account }) => account.books.spent)).toBe(credits(total))
  expect(await audit(first, 'a')).toEqual([])
  for (const store of stores) await store.close()
})
