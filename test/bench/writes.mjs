import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCredits } from '../../dist/src/index.js'
import { openFloor } from './floor.mjs'
import { interleaved, printTable, ratePerSecond } from './measure.mjs'

const ROUND_MS = 1_000
const ACCOUNTS = 1_000

/**
 * Full-semantics charges (priced, idempotency key, grants, entries, chain) beside the floor: the least that any durable
 * debit on this file system does, one guarded update and one insert in a transaction of its own.
 *
 * @param {number} rounds
 */
export async function benchWrites(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const floor = openFloor(join(folder, 'floor.db'))
  const credits = await openCredits({ database: join(folder, 'ledger.db'), catalog: 'starter' })
  for (let number = 0; number < ACCOUNTS; number += 1) {
    await credits.createAccount({ id: `a${number}`, plan: 'none' })
    await credits.grant({ account: `a${number}`, credits: 1_000_000 })
  }
  let serial = 0
  const charge = (/** @type {string} */ account) =>
    credits.charge({ account, operation: 'tool.call', idempotencyKey: `bench-${(serial += 1)}` })
  const leg = (/** @type {string} */ name, /** @type {number} */ callers, /** @type {(caller: number) => string} */ accountOf) => ({
    name,
    run: () => ratePerSecond(callers, ROUND_MS, (caller) => charge(accountOf(caller))),
  })
  const some = () => `a${Math.floor(Math.random() * ACCOUNTS)}`
  const medians = await interleaved(
    [
      { name: 'floor', run: () => ratePerSecond(1, ROUND_MS, async () => floor.debit()) },
      leg('1 caller, one account', 1, () => 'a0'),
      leg('16 callers, one account', 16, () => 'a0'),
      leg('256 callers, one account', 256, () => 'a0'),
      leg('1 caller, 1,000 accounts', 1, some),
      leg('16 callers, 1,000 accounts', 16, some),
      leg('256 callers, 1,000 accounts', 256, some),
    ],
    rounds,
  )
  await credits.close()
  floor.close()
  rmSync(folder, { recursive: true })
  printWrites(medians)
}

/** @param {ReadonlyMap<string, number>} medians */
function printWrites(medians) {
  const floor = medians.get('floor') ?? 1
  /** @type {Readonly<Record<string, number>>} */
  const bars = { '1 caller, one account': 0.5, '16 callers, one account': 1.4, '256 callers, one account': 2.5 }
  const rows = [...medians].map(([what, rate]) => {
    const bar = bars[what]
    const figure = `${Math.round(rate)}/s ×${(rate / floor).toFixed(2)}`
    return bar === undefined ? { what, figure } : { what, figure, bar: `≥ ${bar}`, isMet: rate / floor >= bar }
  })
  printTable('Charges a second, and as a multiple of the floor', rows)
}
