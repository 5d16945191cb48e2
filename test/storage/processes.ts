import { expect } from 'vitest'
import type { Store } from '../../src/storage/port.js'
import type { SeededRandom } from '../support/seeded-random.js'
import { audit, journalOf } from './audit.js'
import { acknowledged, startCharger, tally } from './chargers.js'
import { catalogVersion, createAccount, credits, doneOf, grant, sweep, T0 } from './fixtures.js'

/** A ledger that several processes can open by its name. */
export interface SharedLedger {
  readonly name: string
  open(): Promise<Store>
}

export interface Load {
  readonly processes: number
  readonly atOnce: number
  readonly count: number
}

async function withAccount(ledger: SharedLedger, balance: number): Promise<void> {
  const store = await ledger.open()
  await store.addCatalogs([catalogVersion()], T0)
  doneOf(await store.update(createAccount('a'), T0))
  doneOf(await store.update(grant('a', balance), T0))
  await store.close()
}

async function charging(ledger: SharedLedger, { processes, atOnce, count }: Load): Promise<readonly string[]> {
  const chargers = await Promise.all(
    Array.from({ length: processes }, (_, index) => startCharger({ ledger: ledger.name, account: 'a', prefix: `p${index}`, count, atOnce })),
  )
  return (await Promise.all(chargers.map((charger) => charger.run()))).flat()
}

/** 200 charges of 1 on a balance of 50, from four processes: exactly 50 are done. */
export async function sharesOneBalance(ledger: SharedLedger): Promise<void> {
  await withAccount(ledger, 50)
  const lines = await charging(ledger, { processes: 4, atOnce: 50, count: 50 })
  expect(tally(lines)).toEqual({ ack: 50, 'refused out_of_credits': 150 })
  const store = await ledger.open()
  expect(await store.read('a', T0, ({ account }) => account.books.available)).toBe(0n)
  expect(await audit(store, 'a')).toEqual([])
  await store.close()
}

/** Many writers for long: every one is served, and no lock comes to light. */
export async function servesEveryWriter(ledger: SharedLedger, load: Load): Promise<void> {
  const total = load.processes * load.count
  await withAccount(ledger, total)
  expect(tally(await charging(ledger, load))).toEqual({ ack: total })
  const store = await ledger.open()
  expect(await store.read('a', T0, ({ account }) => account.books.spent)).toBe(credits(total))
  expect(await audit(store, 'a')).toEqual([])
  await store.close()
}

/** Killed over and over in mid-write: what was acknowledged is there, once, and the ledger is whole. */
export async function survivesKills(ledger: SharedLedger, rounds: number, random: SeededRandom): Promise<void> {
  await withAccount(ledger, 1_000_000)
  const acks: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    const work = { ledger: ledger.name, account: 'a', prefix: `r${round}`, count: 1_000_000, atOnce: 1 + random.below(64) }
    const charger = await startCharger(work)
    acks.push(...acknowledged(await charger.runAndKillAfter(1 + random.below(300))))
    const store = await ledger.open()
    // A server may still be at what a killed client had sent; a write waits for it.
    doneOf(await store.update(sweep('a'), T0))
    const times = new Map<string | null, number>()
    for (const { idempotencyKey } of await journalOf(store, 'a')) times.set(idempotencyKey, (times.get(idempotencyKey) ?? 0) + 1)
    expect(acks.filter((key) => times.get(key) !== 1)).toEqual([])
    expect(await audit(store, 'a')).toEqual([])
    await store.close()
  }
  expect(acks.length).toBeGreaterThanOrEqual(rounds)
}
