import { describe, expect, it } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import type { Credits, OperationResult } from '../../src/index.js'
import { expectWhole, sharedLedger } from './support.js'

const ACCOUNT = 'acme'

interface Offered {
  readonly operation: string
  readonly variant?: string
  /** Its price in words. */
  readonly price: string
}

function offersOf({ id, price, variants }: OperationResult): readonly Offered[] {
  if (variants.length === 0) return [{ operation: id, price: price as string }]
  return variants.map((variant) => ({ operation: id, variant: variant.id, price: variant.price }))
}

/** The numbers in a text of prices. */
function numbersIn(text: string): readonly number[] {
  return (text.replaceAll(/(?<=\d),(?=\d{3})/g, '').match(/\d+(?:\.\d+)?/g) ?? []).map(Number)
}

async function customerOf(credits: Credits): Promise<Credits> {
  const agent = credits.as({ account: ACCOUNT })
  await agent.grant({ credits: 100_000_000 })
  return agent
}

/** The highest plan of a catalog that includes everything, so that no price is hidden behind one. */
async function open(catalog: string): Promise<Credits> {
  const ledger = await sharedLedger('SQLite', catalog)
  const credits = await ledger.open()
  const plans = await credits.plans()
  await credits.createAccount({ id: ACCOUNT, ...(plans.length === 0 ? { plan: 'none' } : { plan: plans.at(-1)?.id as string }) })
  const { spendingCap } = await credits.balance({ account: ACCOUNT })
  if (spendingCap !== null) await credits.raiseBudget({ account: ACCOUNT, id: 'spending_cap', credits: 100_000_000 })
  return customerOf(credits)
}

describe('T42: what is charged', () => {
  it.each(Object.keys(bundledCatalogs))('by the catalog %s is what was quoted, for every operation and variant, and what its price in words says', async (name) => {
    const credits = await open(name)
    const { operations } = await credits.operations()
    const offers = operations.flatMap(offersOf)
    expect(offers.length).toBeGreaterThan(0)
    for (const { price, ...call } of offers) {
      for (const quantity of [1, 3]) {
        const label = JSON.stringify({ ...call, quantity })
        const quoted = await credits.estimate({ ...call, quantity })
        const before = (await credits.balance()).balance
        const { reservation, reserved } = await credits.reserve({ ...call, quantity })
        expect(reserved, label).toBe(quoted.maximum)
        if (reservation !== null) expect(await credits.settle({ reservation }), label).toMatchObject({ charged: quoted.maximum, uncollected: 0 })
        expect(Number((before - (await credits.balance()).balance).toFixed(6)), label).toBe(quoted.maximum)
        if (quoted.minimum === quoted.maximum) expect(await credits.charge({ ...call, quantity }), label).toMatchObject({ charged: quoted.minimum })
        if (quantity === 1 && quoted.maximum === 0) expect(price, label).toBe('free')
        if (quantity === 1 && quoted.maximum > 0 && quoted.lines.length === 1) expect(numbersIn(price), `${label}: ${price}`).toContain(quoted.maximum)
      }
    }
    await expectWhole(credits)
  })
})
