import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCredits } from '../../dist/src/index.js'
import { interleaved, printTable } from './measure.mjs'

const BUDGETS = 100
const CALLERS = [1, 16, 256]
const WINDOWS = /** @type {const} */ (['day', 'week', 'month', 'total'])

/**
 * What a charge costs on an account with a hundred budgets against one with none: budgets that all count the charge, and
 * budgets of other tools, which do not. The three are written in turn, by one caller and by several at once.
 *
 * @param {number} rounds
 */
export async function benchBudgets(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const credits = await openCredits({ database: join(folder, 'ledger.db'), catalog: 'starter' })
  await account(credits, 'none', () => null)
  await account(credits, 'counting', () => ({}))
  await account(credits, 'others', (number) => ({ tool: `tool-${number}` }))
  for (const callers of CALLERS) {
    const leg = (/** @type {string} */ name) => ({ name, run: () => microsecondsACharge(credits, name, callers) })
    const medians = await interleaved([leg('none'), leg('counting'), leg('others')], rounds)
    const none = medians.get('none') ?? 1
    const counting = (medians.get('counting') ?? 0) / none
    const others = (medians.get('others') ?? 0) / none
    printTable(`A charge with ${BUDGETS} budgets, ${callers} at once, microseconds`, [
      { what: 'no budget', figure: none.toFixed(0) },
      { what: 'all count it', figure: `×${counting.toFixed(2)}`, bar: '≤ 2', isMet: counting <= 2 },
      { what: 'none counts it', figure: `×${others.toFixed(2)}`, bar: '≤ 2', isMet: others <= 2 },
    ])
  }
  await credits.close()
  rmSync(folder, { recursive: true })
}

/**
 * @param {import('../../dist/src/index.js').Credits} credits
 * @param {string} id
 * @param {(number: number) => object | null} scopeOf
 */
async function account(credits, id, scopeOf) {
  await credits.createAccount({ id, plan: 'none' })
  await credits.grant({ account: id, credits: 2_000_000 })
  for (let number = 0; number < BUDGETS; number += 1) {
    const scope = scopeOf(number)
    if (scope === null) continue
    const window = WINDOWS[number % WINDOWS.length] ?? 'total'
    await credits.setBudget({ account: id, id: `budget-${number}`, window, limit: 1_500_000 + number, scope })
  }
}

/**
 * @param {import('../../dist/src/index.js').Credits} credits
 * @param {string} id
 * @param {number} callers
 */
async function microsecondsACharge(credits, id, callers) {
  const batches = callers === 1 ? 500 : Math.ceil(4_096 / callers)
  const began = process.hrtime.bigint()
  for (let batch = 0; batch < batches; batch += 1) {
    await Promise.all(Array.from({ length: callers }, () => credits.charge({ account: id, operation: 'tool.call' })))
  }
  return Number(process.hrtime.bigint() - began) / 1e3 / (batches * callers)
}
