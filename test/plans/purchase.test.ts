import { describe, expect, it } from 'vitest'
import { parseUsd, shareOfUsd, toUsd, usdPerCredit } from '../../src/money/fiat.js'
import {
  packExpiry,
  paymentLookup,
  type Purchase,
  PROVIDER_NAME,
  purchaseDocument,
  purchaseOf,
  refundObstacle,
  usedPercent,
} from '../../src/plans/purchase.js'
import { DAY_MS, NEVER } from '../../src/time/instant.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'

const usd = (text: string) => parseUsd(text, 'usd')
const credits = (whole: number) => BigInt(whole) * 1_000_000n

describe('the price of a credit', () => {
  it.each([
    ['SN-09', '9.99', 1_000, 0.01],
    ['SN-09', '39.99', 5_000, 0.008],
    ['SN-09', '199.99', 20_000, 0.01],
    ['WC-15', '10', 100, 0.1],
    ['WC-15', '50', 550, 0.091],
    ['WC-15', '200', 2_350, 0.085],
    ['ND-06', '25', 5_000, 0.005],
    ['ND-06', '119', 25_000, 0.00476],
    ['ND-06', '399', 100_000, 0.00399],
    ['ND-07', '500', 100_000, 0.005],
    ['SF-01', '100', 100, 1],
  ])('%s: at $%s for %i credits is $%d, as the documents write it', (_row, price, count, each) => {
    expect(usdPerCredit(usd(price), credits(count))).toBe(each)
  })

  it('is there for the smallest, and null where there is no price or nothing for it', () => {
    expect(usdPerCredit(usd('0.01'), credits(2_000_000_000))).toBe(5e-12)
    expect(usdPerCredit(usd('2000000000'), 1n)).toBe(2e15)
    expect(usdPerCredit(usd('0'), credits(1))).toBeNull()
    expect(usdPerCredit(usd('1'), 0n)).toBeNull()
  })

  it('is within two thousandths of the exact one, whatever pack there may be', () => {
    const random = seededRandom(newSeed())
    for (let round = 0; round < 2_000; round += 1) {
      const [cents, count] = [1 + random.below(1_000_000), 1 + random.below(1_000_000)]
      const exact = cents / 100 / count
      const shown = usdPerCredit({ currency: 'USD', millionths: cents * 10_000 }, credits(count)) ?? 0
      expect(Math.abs(shown - exact) / exact, `seed ${random.seed}: ${cents} cents for ${count}`).toBeLessThanOrEqual(0.002_000_001)
    }
  })
})

describe('a share of a price', () => {
  it('ND-15: is exact and rounded down to the cent', () => {
    expect(toUsd(shareOfUsd(usd('9.99'), { part: credits(250), whole: credits(250) }))).toBe(9.99)
    expect(toUsd(shareOfUsd(usd('9.99'), { part: credits(190), whole: credits(250) }))).toBe(7.59)
    expect(toUsd(shareOfUsd(usd('20'), { part: credits(3_000), whole: credits(4_000) }))).toBe(15)
    expect(toUsd(shareOfUsd(usd('20'), { part: credits(3_000) - 1n, whole: credits(4_000) }))).toBe(14.99)
    expect(toUsd(shareOfUsd(usd('0.01'), { part: credits(1) - 1n, whole: credits(1) }))).toBe(0)
  })
})

const PURCHASE: Purchase = {
  id: 'pu_1_0123456789',
  state: 'settled',
  pack: 'boost',
  name: 'Boost',
  price: usd('9.99'),
  credits: credits(250),
  priceVersion: 3,
  orderedAt: 0,
  orderedBy: 1,
  settledAt: 5,
  settledBy: 4,
  grants: [2, 3],
  provider: 'manual',
  reference: null,
  refunded: usd('1.50'),
  budget: 'preview',
  raised: credits(250),
  isSelfService: true,
}

describe('a purchase', () => {
  it('is read from its document as it was written, amounts exact to two billion credits', () => {
    for (const purchase of [PURCHASE, { ...PURCHASE, credits: 2_000_000_000_000_000n - 1n, refunded: null, reference: 'r' }]) {
      const document = JSON.parse(JSON.stringify(purchaseDocument(purchase))) as Record<string, unknown>
      expect(document['priceUsd']).toBe('9.99')
      expect(purchaseOf({ kind: 'purchase', id: purchase.id, sequence: 4, isOpen: false, lookup: null, document })).toEqual(purchase)
    }
  })

  it('I6: is found by a name of its payment that has one reading, for providers are named without a colon', () => {
    expect(paymentLookup('stripe', 'a:b')).toBe('payment:stripe:a:b')
    expect(['stripe', 'manual', 'pay-2', 'a_b'].every((name) => PROVIDER_NAME.test(name))).toBe(true)
    expect(['stripe:a', '', 'A', '-a', 'x'.repeat(64)].some((name) => PROVIDER_NAME.test(name))).toBe(false)
  })

  it('WC-02: expires by the months of its pack, clamped, or never', () => {
    const at = Date.parse('2028-02-29T12:00:00Z')
    expect(new Date(packExpiry({ expiry: { kind: 'months', months: 12 } }, at, 'UTC')).toISOString()).toBe('2029-02-28T12:00:00.000Z')
    expect(new Date(packExpiry({ expiry: { kind: 'months', months: 48 } }, at, 'UTC')).toISOString()).toBe('2032-02-29T12:00:00.000Z')
    expect(packExpiry({ expiry: { kind: 'never' } }, at, 'UTC')).toBe(NEVER)
    expect(packExpiry({ expiry: { kind: 'while_active' } }, at, 'UTC')).toBe(NEVER)
  })
})

describe('the rule on refunds', () => {
  const good = { at: 5 + 30 * DAY_MS, left: credits(250), isInGoodStanding: true }
  const rule = { days: 30, maxUsedPercent: 25 }
  const broken = (given: object, of: typeof rule | { days: null; maxUsedPercent: number | null } | null = rule) =>
    refundObstacle(PURCHASE, of, { ...good, ...given })?.rule ?? null

  it('ND-15: asks for age, share used and standing, each to its last instant and credit', () => {
    expect(broken({})).toBeNull()
    expect(broken({ at: good.at + 1 })).toBe('age')
    expect(broken({ left: 187_500_000n })).toBeNull()
    expect(broken({ left: 187_500_000n - 1n })).toBe('used')
    expect(broken({ isInGoodStanding: false })).toBe('standing')
    expect(broken({}, null)).toBe('no_refunds')
  })

  it('SF-15: where it says nothing of age and share, neither matters', () => {
    expect(broken({ at: NEVER, left: 1n }, { days: null, maxUsedPercent: null })).toBeNull()
  })

  it('of no percent is for packs that nobody touched, and a percentage may have decimals', () => {
    expect(broken({}, { days: null, maxUsedPercent: 0 })).toBeNull()
    expect(broken({ left: credits(250) - 1n }, { days: null, maxUsedPercent: 0 })).toBe('used')
    expect(broken({ left: credits(249) }, { days: null, maxUsedPercent: 0.4 })).toBeNull()
    expect(broken({ left: credits(249) - 1n }, { days: null, maxUsedPercent: 0.4 })).toBe('used')
    expect(usedPercent(PURCHASE, credits(249))).toBe(0.4)
  })
})
