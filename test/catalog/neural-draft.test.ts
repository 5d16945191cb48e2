import { describe, expect, it } from 'vitest'
import { unitsWithin } from '../../src/catalog/afford.js'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { quotePrice } from '../../src/catalog/quote-price.js'
import { toUsd } from '../../src/money/fiat.js'
import { documentedFigures } from './figures.js'
import { bundled, credits, pricedOf, usdPerCredit } from './support.js'

const catalog = bundled('neural-draft')

/** The operations table of the document, typed from it: operation, variant, credits of one. */
const PRICES = [
  ['chat.message', undefined, '1'],
  ['page.edit', undefined, '2'],
  ['social.post', 'text', '5'],
  ['translate', undefined, '7'],
  ['content_plan.create', undefined, '10'],
  ['image.generate', undefined, '32'],
  ['social.post', 'image', '37'],
  ['social.post', 'video', '45'],
  ['video.clip', 'budget', '40'],
  ['blog.post', undefined, '60'],
  ['video.clip', 'premium', '300'],
  ['website.generate', undefined, '240'],
  ['newsletter.subscribe', undefined, '0'],
  ['contact_form.submit', undefined, '0'],
  ['webhook.retry', undefined, '0.02'],
] as const

/** What the document says costs nothing: reads, and its list of light writes. */
const FREE = [
  'content.read',
  'draft.update',
  'tag.attach',
  'social.schedule',
  'component.register',
  'page.create',
  'content_key.upsert',
  'newsletter.subscribe',
  'contact_form.submit',
]

function cost(operation: string, request: { variant?: string; quantity?: number } = {}): bigint {
  const { minimum, maximum, exact } = pricedOf(catalog, { operation, ...request })
  expect({ exact, minimum }).toEqual({ exact: true, minimum: maximum })
  return maximum
}

describe('the operations', () => {
  it.each(PRICES)('ND-01: %s %s costs %s', (operation, variant, expected) => {
    expect(cost(operation, variant === undefined ? {} : { variant })).toBe(credits(expected))
  })

  it('ND-01: there is no operation beside those of the document', () => {
    const listed = [...PRICES.map(([operation]) => operation), ...FREE]
    expect(Object.keys(catalog.operations).sort()).toEqual([...new Set(listed)].sort())
  })

  it('ND-01: there is no variant beside those of the document', () => {
    const variants = Object.values(catalog.operations).flatMap(({ id, variants: known }) =>
      Object.keys(known).map((variant) => `${id}/${variant}`),
    )
    const listed = PRICES.flatMap(([operation, variant]) => (variant === undefined ? [] : [`${operation}/${variant}`]))
    expect(variants.sort()).toEqual(listed.sort())
  })

  it('ND-01: a post with 4 translations is 88', () => {
    expect(cost('blog.post') + cost('translate', { quantity: 4 })).toBe(credits('88'))
  })

  it('ND-01: a landing page with a hero image is 272', () => {
    expect(cost('image.generate') + cost('website.generate')).toBe(credits('272'))
  })

  it('ND-01: what is counted costs as many times', () => {
    expect(cost('image.generate', { quantity: 3 })).toBe(credits('96'))
    expect(cost('social.post', { variant: 'image', quantity: 2 })).toBe(credits('74'))
  })

  it.each(FREE)('ND-04: %s is free', (operation) => {
    expect(cost(operation)).toBe(0n)
  })

  it('ND-05: a post with an image is a line of 5 and a line of 32, with a video 5 and 40 of the budget tier', () => {
    const lines = (variant: string) =>
      pricedOf(catalog, { operation: 'social.post', variant }).lines.map((line) => [
        line.operation,
        line.variant,
        line.maximum,
      ])
    expect(lines('image')).toEqual([
      ['social.post', 'image', credits('5')],
      ['image.generate', null, credits('32')],
    ])
    expect(lines('video')).toEqual([
      ['social.post', 'video', credits('5')],
      ['video.clip', 'budget', credits('40')],
    ])
  })

  it('ND-03: budget is the default clip; premium requires Build or higher', () => {
    const clip = pricedOf(catalog, { operation: 'video.clip' })
    expect([clip.variant, clip.requiresPlan]).toEqual(['budget', []])
    expect(pricedOf(catalog, { operation: 'video.clip', variant: 'premium' }).requiresPlan).toEqual([
      'build',
      'scale',
      'enterprise',
    ])
  })

  it('ND-03: no operation but premium video requires a plan', () => {
    const offers = Object.values(catalog.operations).flatMap(({ id, offer, variants }) => [
      ...(offer === null ? [] : [{ id, variant: null, offer }]),
      ...Object.values(variants).map((variant) => ({ id, variant: variant.id, offer: variant })),
    ])
    expect(offers.filter(({ offer }) => offer.requiresPlan.length > 0).map(({ id, variant }) => [id, variant])).toEqual(
      [['video.clip', 'premium']],
    )
  })

  it("ND-03, ND-05: the product's own arguments choose the variant and count the languages", () => {
    expect(pricedOf(catalog, { operation: 'video.clip', args: { tier: 'premium' } }).variant).toBe('premium')
    expect(pricedOf(catalog, { operation: 'video.clip', args: { prompt: 'x' } }).variant).toBe('budget')
    expect(
      pricedOf(catalog, { operation: 'social.post', args: { media_type: 'image', networks: ['a', 'b', 'c'] } }).maximum,
    ).toBe(credits('37'))
    expect(pricedOf(catalog, { operation: 'translate', args: { languages: ['de', 'fr', 'it', 'el'] } }).maximum).toBe(
      credits('28'),
    )
    expect(quotePrice(catalog, { operation: 'video.clip', args: { tier: 'gold' } })).toMatchObject({
      code: 'unknown_variant',
    })
  })

  it('ND-16: a failure that the caller caused is paid, for all that costs anything but a webhook', () => {
    const paid = Object.values(catalog.operations).filter(({ chargeOnFault }) => chargeOnFault.length > 0)
    expect(paid.every(({ chargeOnFault }) => chargeOnFault.join() === 'caller')).toBe(true)
    const priced = [...new Set(PRICES.filter(([, , price]) => price !== '0').map(([operation]) => operation))]
    expect(paid.map(({ id }) => id).sort()).toEqual(priced.filter((id) => id !== 'webhook.retry').sort())
  })

  it('ND-13: an increase has to be announced 30 days before', () => {
    expect(catalog.priceIncreaseNoticeDays).toBe(30)
  })

  it('AX-14: a tool that is not mapped has no price', () => {
    expect(catalog.defaultToolPrice).toBeNull()
  })
})

describe('what 250 credits buy', () => {
  it.each([
    ['chat.message', undefined, 250],
    ['social.post', 'text', 50],
    ['image.generate', undefined, 7],
    ['blog.post', undefined, 4],
    ['video.clip', 'budget', 6],
    ['website.generate', undefined, 1],
  ] as const)('ND-08: %s %s: %i', (operation, variant, units) => {
    expect(unitsWithin(catalog, { operation, variant, budget: credits('250') })).toBe(units)
  })

  it('ND-08: nothing counts how often something free can be had', () => {
    expect(unitsWithin(catalog, { operation: 'content.read', budget: credits('250') })).toBeNull()
  })
})

describe('plans and packs', () => {
  it('ND-06: the plans, lowest first, with allowance, price and price per credit', () => {
    expect(
      Object.values(catalog.plans).map(({ id, name, monthlyCredits, price }) => [
        id,
        name,
        monthlyCredits,
        price === null ? null : toUsd(price),
        price === null || monthlyCredits === null ? null : usdPerCredit(price, monthlyCredits),
      ]),
    ).toEqual([
      ['free', 'Free', credits('250'), 0, 0],
      ['hobby', 'Hobby', credits('5000'), 25, 0.005],
      ['build', 'Build', credits('25000'), 119, 0.00476],
      ['scale', 'Scale', credits('100000'), 399, 0.00399],
      ['enterprise', 'Enterprise', null, null, null],
    ])
    expect(catalog.defaultPlan).toBe('free')
  })

  it('ND-06: no allowance rolls over, none is a trial, none is capped', () => {
    for (const plan of Object.values(catalog.plans)) {
      expect(plan).toMatchObject({ rollover: { kind: 'none' }, trial: false, spendingCap: null })
      expect(plan.grants).toEqual({ signUp: 0n, purchase: 0n, renewal: 0n })
    }
  })

  it('ND-09: the badge is shown on Free alone', () => {
    const badges = Object.values(catalog.plans).map(({ id, entitlements }) => [id, entitlements['badge']])
    expect(badges).toEqual([
      ['free', true],
      ['hobby', false],
      ['build', false],
      ['scale', false],
      ['enterprise', false],
    ])
  })

  it('ND-07: the top-ups, all at $0.005 a credit, without expiry while the account is active', () => {
    expect(
      Object.values(catalog.packs).map(({ id, price, parts, credits: sum, expiry }) => [
        id,
        toUsd(price),
        parts,
        usdPerCredit(price, sum),
        expiry,
      ]),
    ).toEqual([
      ['usd-20', 20, [{ kind: 'paid', credits: credits('4000') }], 0.005, { kind: 'while_active' }],
      ['usd-100', 100, [{ kind: 'paid', credits: credits('20000') }], 0.005, { kind: 'while_active' }],
      ['usd-500', 500, [{ kind: 'paid', credits: credits('100000') }], 0.005, { kind: 'while_active' }],
    ])
  })

  it('ND-10: low once 20 % of the period are left, under the name that subscribers know', () => {
    expect(catalog.thresholds).toEqual([
      {
        level: 'low',
        when: 'at_or_below',
        limit: { kind: 'percent_of_period', percent: 20 },
        event: 'project.credits_low',
      },
    ])
  })

  it('a credit has no one value in dollars, because it costs less in a bigger plan', () => {
    expect(catalog.unit).toEqual({ name: 'credit', plural: 'credits', creditUsd: null })
  })

  it('ND-02: running out is told in words of its own', () => {
    expect(catalog.texts.outOfCredits).toMatch(/^Out of credits/)
  })

  it('ND-15: a top-up can be refunded for 30 days, while no more than 25 % of it is used', () => {
    expect(Object.values(catalog.packs).map(({ refund }) => refund)).toEqual(
      Object.keys(catalog.packs).map(() => ({ days: 30, maxUsedPercent: 25 })),
    )
  })

  it('ND-07: top-ups are sold to whoever asks, on any plan', () => {
    expect(catalog.selfService).toBe('enabled')
  })

  it('ND-21: storage, domains and connected accounts are paid by the hour', () => {
    const items = Object.values(catalog.recurringItems).map(({ id, unit, pricePerUnitHour }) => [
      id,
      unit.name,
      pricePerUnitHour.amount > 0n,
    ])
    expect(items).toEqual([
      ['connected-account', 'account', true],
      ['custom-domain', 'domain', true],
      ['storage', 'gigabyte', true],
    ])
  })
})

describe('the figures', () => {
  it('ND-21: what a recurring item costs by the hour is ours, and nothing else is', () => {
    expect([...assumedFigures(catalog)].sort()).toEqual([
      'recurring_items/connected-account',
      'recurring_items/custom-domain',
      'recurring_items/storage',
    ])
  })

  it('ND-01, ND-06, ND-07: every other one is in the document', () => {
    const price = 'price/credits'
    expect(documentedFigures(catalog)).toEqual({
      // A credit costs less in a bigger plan. The document prices no tool that it does not name.
      'unit/credit_usd': null,
      default_tool_price: null,
      price_increase_notice_days: 30,
      [`operations/chat.message/${price}`]: '1',
      [`operations/page.edit/${price}`]: '2',
      [`operations/social.post/${price}`]: '5',
      [`operations/translate/${price}`]: '7',
      [`operations/content_plan.create/${price}`]: '10',
      [`operations/image.generate/${price}`]: '32',
      [`operations/video.clip/variants/budget/${price}`]: '40',
      [`operations/blog.post/${price}`]: '60',
      [`operations/video.clip/variants/premium/${price}`]: '300',
      [`operations/website.generate/${price}`]: '240',
      [`operations/webhook.retry/${price}`]: '0.02',
      ...Object.fromEntries(FREE.map((operation) => [`operations/${operation}/${price}`, '0'])),
      'plans/free/monthly_credits': '250',
      'plans/free/price_usd': '0',
      'plans/hobby/monthly_credits': '5000',
      'plans/hobby/price_usd': '25',
      'plans/build/monthly_credits': '25000',
      'plans/build/price_usd': '119',
      'plans/scale/monthly_credits': '100000',
      'plans/scale/price_usd': '399',
      'plans/enterprise/monthly_credits': null,
      'plans/enterprise/price_usd': null,
      'packs/usd-20/price_usd': '20',
      'packs/usd-20/parts/0/credits': '4000',
      'packs/usd-100/price_usd': '100',
      'packs/usd-100/parts/0/credits': '20000',
      'packs/usd-500/price_usd': '500',
      'packs/usd-500/parts/0/credits': '100000',
      ...Object.fromEntries(
        ['usd-20', 'usd-100', 'usd-500'].flatMap((pack) => [
          [`packs/${pack}/refund/days`, 30],
          [`packs/${pack}/refund/max_used_percent`, 25],
        ]),
      ),
      'thresholds/0/value': '20',
    })
  })
})
