import { describe, expect, it, onTestFinished } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { documentWith } from './support.js'

const OPENED_AT = Date.parse('2026-03-10T12:00:00Z')

function catalogAt(storage: string): object {
  return documentWith({
    price_increase_notice_days: 30,
    recurring_items: {
      storage: { name: 'Storage', unit: { name: 'gigabyte', plural: 'gigabytes' }, price_per_unit_hour: storage },
    },
  })
}

describe('the notice of a dearer recurring item', () => {
  it('ND-13: a dearer one waits for the notice period, a cheaper one takes effect at once', async () => {
    const clock = { now: () => OPENED_AT }
    const credits = await openCredits({ database: ':memory:', catalog: catalogAt('0.01'), clock })
    onTestFinished(() => credits.close())
    expect(await credits.applyCatalog(catalogAt('0.009'))).toMatchObject({ effectiveAt: '2026-03-10T12:00:00.000Z' })
    expect(await credits.applyCatalog(catalogAt('0.009000001'))).toMatchObject({
      effectiveAt: '2026-04-09T12:00:00.000Z',
      differences: [{ path: 'recurring_items/storage/price_per_unit_hour', increase: true }],
    })
  })
})
