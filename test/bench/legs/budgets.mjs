import { openCredits } from '../../../dist/src/index.js'
import { wordsOf } from '../forms/form.mjs'
import { makeFolder } from '../support/folder.mjs'
import { interleaved, pace } from '../support/measure.mjs'
import { atMost, figureOf } from '../support/report.mjs'

const BUDGETS = 100
const LOADS = [1, 16, 256].map((callers) => ({ callers, accounts: 1 }))
const ROUND_MS = 700
const WINDOWS = /** @type {const} */ (['day', 'week', 'month', 'total'])
const [NONE, COUNTING, OTHERS] = /** @type {const} */ (['none', 'all-count', 'none-counts'])

/**
 * What a charge costs on an account with a hundred budgets against one with none: budgets that all count the charge, and
 * budgets of other tools, which do not. The three are written in turn, by one caller and by several at once.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* budgets({ rounds }) {
  const folder = makeFolder()
  const credits = await openCredits({ database: folder.file('ledger.db'), catalog: 'starter' })
  try {
    await makeAccount(credits, NONE, () => null)
    await makeAccount(credits, COUNTING, () => ({}))
    await makeAccount(credits, OTHERS, (number) => ({ tool: `tool-${number}` }))
    const table = await interleaved({
      rows: LOADS.map((load) => [wordsOf(load), load.callers]),
      columns: [NONE, COUNTING, OTHERS].map((account) => [account, account]),
      rounds,
      figure: async (callers, account) => {
        const { rate } = await pace(callers, ROUND_MS, () => credits.charge({ account, operation: 'tool.call' }))
        return 1e6 / rate
      },
    })
    const by = (/** @type {string} */ row, /** @type {string} */ column) =>
      atMost(`${row}: ${column}, by ${NONE}`, figureOf(table, row, column) / figureOf(table, row, NONE), 2)
    const findings = table.rows.flatMap(({ what }) => [by(what, COUNTING), by(what, OTHERS)])
    yield { name: 'budgets', title: `A charge on an account with ${BUDGETS} budgets`, unit: 'µs', ...table, findings }
  } finally {
    await credits.close()
    folder.remove()
  }
}

/**
 * @param {import('../../../dist/src/index.js').Credits} credits
 * @param {string} id
 * @param {(number: number) => object | null} scopeOf
 */
async function makeAccount(credits, id, scopeOf) {
  await credits.createAccount({ id, plan: 'none' })
  await credits.grant({ account: id, credits: 20_000_000 })
  for (let number = 0; number < BUDGETS; number += 1) {
    const scope = scopeOf(number)
    if (scope === null) continue
    const window = WINDOWS[number % WINDOWS.length] ?? 'total'
    await credits.setBudget({ account: id, id: `budget-${number}`, window, limit: 15_000_000 + number, scope })
  }
}
