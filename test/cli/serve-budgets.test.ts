import { expect, it } from 'vitest'
import { ensureBudgets, readServeBudgets } from '../../src/cli/serve-budgets.js'
import { openCredits } from '../../src/credits.js'

it('SN-11: a server that is started again leaves what was raised meanwhile as it is, and another limit takes its place', async () => {
  const ledger = await openCredits({ database: ':memory:', catalog: 'starter', clock: { now: () => Date.UTC(2026, 2, 10) } })
  await ledger.createAccount({ id: 'acme' })
  const credits = ledger.as({ account: 'acme' })
  const limits = async () => (await credits.budgets()).budgets.map(({ id, limit, used }) => [id, limit, used])
  await ensureBudgets(credits, readServeBudgets(['5/day', '50/total']))
  await credits.charge({ operation: 'tool.call' })
  expect(await limits()).toEqual([['serve-day', 5, 1], ['serve-total', 50, 1]])
  await credits.raiseBudget({ id: 'serve-day', credits: 20 })
  await ensureBudgets(credits, readServeBudgets(['5/day', '50/total']))
  expect(await limits()).toEqual([['serve-day', 25, 1], ['serve-total', 50, 1]])
  await ensureBudgets(credits, readServeBudgets(['7/day']))
  expect(await limits()).toEqual([['serve-day', 7, 1], ['serve-total', 50, 1]])
  await ledger.close()
})
