import { expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'

/** Its own month is affordable at either price; both together are more credits than there are. */
const QUANTITY = 1_000_000

function catalog(pricePerUnitHour: string): object {
  return {
    id: 'items',
    name: 'Items',
    unit: { name: 'credit', plural: 'credits', credit_usd: null },
    price_increase_notice_days: 0,
    operations: { unit: { name: 'Unit', price: { model: 'per_unit', credits: '1' } } },
    recurring_items: { storage: { name: 'Storage', unit: { name: 'gigabyte', plural: 'gigabytes' }, price_per_unit_hour: pricePerUnitHour } },
  }
}

it('T28: what an item has come to at several prices is told as at most the largest amount there is', async () => {
  let now = Date.parse('2026-03-01T00:00:00Z')
  const credits = await openCredits({ database: ':memory:', catalog: catalog('2.5'), clock: { now: () => now } })
  await credits.createAccount({ id: 'acme' })
  await credits.setItem({ account: 'acme', item: 'storage', quantity: QUANTITY })
  now = Date.parse('2026-03-26T00:00:00Z')
  expect(await credits.items({ account: 'acme' })).toMatchObject([{ unitHours: 600 * QUANTITY, accrued: 1_500 * QUANTITY }])
  await credits.applyCatalog(catalog('25'))
  now = Date.parse('2026-03-27T00:00:00Z')
  expect(await credits.items({ account: 'acme' })).toMatchObject([{ unitHours: 624 * QUANTITY, accrued: 2_000_000_000 }])
  await credits.close()
})
