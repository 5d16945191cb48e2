import type { Mutant } from './mutant.js'

/** What operations cost, and what would be cheaper. */
export const PRICES: readonly Mutant[] = [
  {
    name: 'a price is rounded down',
    file: 'src/money/rate.ts',
    find: '(numerator + denominator - 1n) / denominator',
    replace: 'numerator / denominator',
    tests: ['test/money/rate.test.ts'],
  },
  {
    name: 'a quantity is priced by its whole part',
    file: 'src/money/rate.ts',
    find: "BigInt((match[2] ?? '').padEnd(6, '0'))",
    replace: '0n',
    tests: ['test/money/rate.test.ts'],
  },
  {
    name: 'a started unit is not counted whole',
    file: 'src/money/rate.ts',
    find: 'const steps = divideUp(scaled(quantity), scaled(increment))',
    replace: 'const steps = scaled(quantity) / scaled(increment)',
    tests: ['test/money/rate.test.ts'],
  },
  {
    name: 'of equal variants the last is picked',
    file: 'src/catalog/pick-variant.ts',
    find: 'one.priced.maximum < least.priced.maximum',
    replace: 'one.priced.maximum <= least.priced.maximum',
    tests: ['test/catalog/pick-variant.test.ts'],
  },
  {
    name: 'a variant is picked whatever the plan allows',
    file: 'src/catalog/pick-variant.ts',
    find: 'cheapest(allowed) ?? cheapest(usable)',
    replace: 'cheapest(usable)',
    tests: ['test/catalog/pick-variant.test.ts'],
  },
  {
    name: 'a variant is picked that can do just less than what is asked',
    file: 'src/catalog/requirement.ts',
    find: 'value <= offered',
    replace: 'value <= offered * 2',
    tests: ['test/catalog/pick-variant.test.ts'],
  },
  {
    name: 'every variant costs what the default one does',
    file: 'src/catalog/quote-price.ts',
    find: 'const offer = offerOf(operation, variant)',
    replace: 'const offer = offerOf(operation, operation.defaultVariant)',
    tests: ['test/catalog/neural-draft.test.ts'],
  },
  {
    name: 'a campaign counts its posts on one platform',
    file: 'src/catalog/campaign.ts',
    find: 'const posts = platforms * weeks * postsPerWeek',
    replace: 'const posts = weeks * postsPerWeek',
    tests: ['test/catalog/campaign.test.ts'],
  },
  {
    name: 'calls at a flat price are put together',
    file: 'src/catalog/batching.ts',
    find: 'offer !== undefined && countsQuantity(offer.price)',
    replace: 'offer !== undefined',
    tests: ['test/catalog/batching.test.ts'],
  },
  {
    name: 'a recurring item is dearer when it is cheaper',
    file: 'src/catalog/difference.ts',
    find: 'isHigherRate(former.pricePerUnitHour, pricePerUnitHour)',
    replace: 'isHigherRate(pricePerUnitHour, former.pricePerUnitHour)',
    tests: ['test/catalog/notice.test.ts'],
  },
  {
    name: 'a dearer price holds at once',
    file: 'src/facade/change-catalog.ts',
    find: 'return raisesPrice ? now + live.priceIncreaseNoticeDays * DAY_MS : now',
    replace: 'return raisesPrice ? now : now',
    tests: ['test/catalog/notice.test.ts'],
  },
  {
    name: 'an announced increase is lost when another price is lowered',
    file: 'src/facade/change-catalog.ts',
    find: 'filter((instant) => instant > at)',
    replace: 'filter((instant) => instant < at)',
    tests: ['test/facade/announced-prices.test.ts'],
  },
]
