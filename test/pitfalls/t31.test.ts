import { describe, expect, it } from 'vitest'
import { DATABASES, expectWhole, sharedLedger } from './support.js'

const ACCOUNT = 'acme'

describe.each(DATABASES)('T31: what nothing can pay, on %s', (kind) => {
  it('stands in the ledger with its own figure, by itself and in every sum, and is not lost in a zero', async () => {
    const ledger = await sharedLedger(kind)
    const credits = (await ledger.open()).as({ account: ACCOUNT })
    await credits.createAccount({ id: ACCOUNT, plan: 'none' })
    await credits.grant({ credits: 12 })
    const shortfalls = [3, 8.5, 0.000001]
    for (const [index, shortfall] of shortfalls.entries()) {
      if (index > 0) await credits.grant({ credits: 10 })
      const { balance } = await credits.balance()
      const { reservation } = await credits.reserve({ operation: 'work.job' })
      const settled = await credits.settle({ reservation: reservation as string, actual: Number((balance + shortfall).toFixed(6)) })
      expect(settled).toMatchObject({ charged: balance, uncollected: shortfall, balance: 0 })
      expect(await credits.explain({ transaction: settled.transaction as string })).toMatchObject({ charged: balance, uncollected: shortfall })
    }
    // Spent is what was paid, and the two together are what was consumed.
    expect(await credits.statement()).toMatchObject({ granted: 32, spent: 32, uncollected: 11.500001, closing: 0 })
    expect(await credits.usage({ since: 0 })).toMatchObject({ totalCredits: 32 })
    expect(await (await ledger.open()).balance({ account: ACCOUNT })).toMatchObject({ balance: 0, lifetimeUsed: 32 })
    await expectWhole(credits)
  })
})
