import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCredits } from '../../dist/src/index.js'
import { interleaved, medianMs, printTable } from './measure.mjs'

const FEW = 1_000
const MANY = 1_000_000
const AT_ONCE = 1_000
const READS = 500

/**
 * The balance of an account with few transactions and of one with many: a read must not grow with the ledger.
 *
 * @param {number} rounds
 */
export async function benchReads(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const few = await ledgerOf(join(folder, 'few.db'), FEW)
  const many = await ledgerOf(join(folder, 'many.db'), MANY)
  const medians = await interleaved(
    [
      { name: 'few', run: () => medianMs(READS, () => few.balance({ account: 'a' })) },
      { name: 'many', run: () => medianMs(READS, () => many.balance({ account: 'a' })) },
    ],
    rounds,
  )
  await few.close()
  await many.close()
  rmSync(folder, { recursive: true })
  const ratio = (medians.get('many') ?? 0) / (medians.get('few') ?? 1)
  printTable('Balance, milliseconds (median)', [
    { what: `${FEW} transactions`, figure: (medians.get('few') ?? 0).toFixed(3) },
    { what: `${MANY} transactions`, figure: (medians.get('many') ?? 0).toFixed(3) },
    { what: 'growth', figure: `×${ratio.toFixed(2)}`, bar: '≤ 1.5', isMet: ratio <= 1.5 },
  ])
}

/**
 * @param {string} database
 * @param {number} transactions
 */
async function ledgerOf(database, transactions) {
  const credits = await openCredits({ database, catalog: 'starter' })
  await credits.createAccount({ id: 'a', plan: 'none' })
  await credits.grant({ account: 'a', credits: 2_000_000 })
  for (let made = 0; made < transactions; made += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => credits.charge({ account: 'a', operation: 'tool.call' })))
  }
  return credits
}
