import { expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'

it('a refund and a time-out go through after a plan that began in the millisecond of their charge and reservation', async () => {
  let now = Date.UTC(2026, 0, 1)
  const credits = await openCredits({ database: ':memory:', catalog: 'social-neuron', clock: { now: () => now } })
  const account = 'acme'
  await credits.createAccount({ id: account })
  await credits.charge({ account, operation: 'text.idea' })
  now += 60_000
  const { transaction } = await credits.charge({ account, operation: 'text.script' })
  await credits.reserve({ account, operation: 'text.script', ttlSeconds: 60 })
  await credits.subscribe({ account, plan: 'starter' })
  expect(await credits.refund({ account, transaction: transaction as string })).toMatchObject({ refunded: 2 })
  now += 60_000
  expect(await credits.balance({ account })).toMatchObject({ reserved: 0, spendingCap: { limit: 2_000, used: 0 } })
  await credits.charge({ account, operation: 'text.idea' })
  expect(await credits.balance({ account })).toMatchObject({ spendingCap: { used: 1 } })
  expect((await credits.verify()).problems).toEqual([])
  await credits.close()
})

it('nor does a reservation of that millisecond keep those made after it from ending', async () => {
  let now = Date.UTC(2026, 0, 1)
  const credits = await openCredits({ database: ':memory:', catalog: 'social-neuron', clock: { now: () => now } })
  const account = 'acme'
  await credits.createAccount({ id: account })
  now += 60_000
  const before = await credits.reserve({ account, operation: 'text.script' })
  await credits.subscribe({ account, plan: 'starter' })
  now += 1
  const after = await Promise.all([1, 2].map(() => credits.reserve({ account, operation: 'text.script' })))
  for (const { reservation } of [before, ...after]) await credits.release({ account, reservation: reservation as string })
  expect(await credits.balance({ account })).toMatchObject({ reserved: 0 })
  expect((await credits.budgets({ account })).budgets).toMatchObject([{ id: 'spending_cap', used: 0, reserved: 0 }])
  await credits.close()
})
