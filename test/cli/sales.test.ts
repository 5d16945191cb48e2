import { beforeEach, describe, expect, it, vi } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/time/instant.js'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

let home: Home

beforeEach(() => {
  home = new Home()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-15T10:00:00Z') })
  return () => {
    vi.useRealTimers()
    home.remove()
  }
})

const wait = (ms: number) => vi.setSystemTime(Date.now() + ms)
const json = <T = Record<string, unknown>>(...words: readonly string[]) => jsonHere<T>(home, ...words)
/** What is printed for people, a blank where columns are apart. */
const text = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await runHere(home, words)
  expect({ code, stderr }, words.join(' ')).toEqual({ code: 0, stderr: '' })
  return stdout.replaceAll(/ +/g, ' ')
}
const refused = async (...words: readonly string[]) => {
  const { code, stdout } = await runHere(home, [...words, '--json'])
  return { code, ...(JSON.parse(stdout) as { error: Record<string, unknown> }).error }
}

interface Pack {
  readonly id: string
  readonly credits: number
  readonly price_usd: number
  readonly price_per_credit: number
}

const packsOf = async () => (await json<readonly Pack[]>('packs')).map(({ id, credits, price_usd, price_per_credit }) => [id, credits, price_usd, price_per_credit])

describe('packs', () => {
  it('SN-08, SN-09: of social-neuron, with bonus parts and the price per credit as the document rounds it', async () => {
    await json('init', '--catalog', 'social-neuron')
    const anyRate: unknown = expect.any(Number)
    expect(await packsOf()).toEqual([
      ['api-pack', 1_000, 9.99, 0.01],
      ['credit-boost', 250, 9.99, anyRate],
      ['credit-pack', 550, 9.99, anyRate],
      ['credit-bundle', 1_700, 24.99, anyRate],
      ['api-pack-pro', 5_000, 39.99, 0.008],
      ['credit-mega', 6_000, 69.99, anyRate],
      ['api-pack-enterprise', 20_000, 199.99, 0.01],
    ])
    const table = await text('packs')
    expect(table).toContain('credit-mega Credit Mega 6,000 5,000 paid + 1,000 bonus $69.99 ')
    expect(table).toContain('api-pack-pro API Pack Pro 5,000 $39.99 $0.008 ')
  })

  it.each([
    ['credit-boost', 200, 50],
    ['credit-pack', 500, 50],
    ['credit-bundle', 1_500, 200],
    ['credit-mega', 5_000, 1_000],
  ])('SN-08: %s is %d and a bonus of %d, each a grant of its own', async (pack, paid, bonus) => {
    await json('init', '--catalog', 'social-neuron')
    expect(await json('topup', pack)).toMatchObject({ pack, state: 'settled', granted: paid + bonus, balance: 100 + paid + bonus, replayed: false })
    const { grants } = await json<{ grants: readonly { source: string; remaining: number }[] }>('credits')
    const bought = grants.filter(({ source }) => source.startsWith('purchase')).map(({ source, remaining }) => [source, remaining])
    expect(bought).toEqual(expect.arrayContaining([['purchase', paid], ['purchase_bonus', bonus]]))
    expect(bought).toHaveLength(2)
  })

  it('WC-15: of workspace-credits, with the price per credit', async () => {
    await json('init', '--catalog', 'workspace-credits')
    expect(await packsOf()).toEqual([
      ['starter', 100, 10, 0.1],
      ['basic', 250, 25, 0.1],
      ['popular', 550, 50, 0.091],
      ['pro', 1_100, 100, 0.091],
      ['max', 2_350, 200, 0.085],
    ])
    expect(await text('packs')).toContain('popular Popular 550 $50.00 $0.091 12 months ')
  })

  it('ND-07: top-ups of neural-draft, on the free plan as well; they do not expire while the allowance does', async () => {
    await json('init', '--catalog', 'neural-draft')
    expect(await packsOf()).toEqual([
      ['usd-20', 4_000, 20, 0.005],
      ['usd-100', 20_000, 100, 0.005],
      ['usd-500', 100_000, 500, 0.005],
    ])
    expect(await text('packs')).toContain('usd-20 $20 top-up 4,000 $20.00 $0.005 no expiry what is unused within 30 days, at most 25 % used\n')
    expect(await text('topup', 'usd-20')).toMatch(/^4,000 credits of the pack usd-20 for \$20\.00 granted; the balance is 4,250 \(pu_\w+\)\n$/)
    wait(730 * DAY_MS)
    expect(await json('credits')).toMatchObject({ balance: 4_250, grants: [{ remaining: 250 }, { source: 'purchase', remaining: 4_000, expires_at: null }] })
  })

  it('a pack that is not there is refused with those that are, and one key is one purchase', async () => {
    await json('init', '--catalog', 'neural-draft')
    expect(await refused('topup', 'usd-30')).toMatchObject({ code: 'unknown_pack', advice: ['The catalog has the packs: usd-20, usd-100, usd-500'] })
    const first = await json('topup', 'usd-20', '--idempotency-key', 'k')
    expect(await json('topup', 'usd-20', '--idempotency-key', 'k')).toEqual({ ...first, replayed: true })
    expect(await json('purchase', 'list')).toHaveLength(1)
  })
})

describe('plans', () => {
  it('ND-06, ND-09: of neural-draft, with price per credit, discount, rollover and the badge of the free one', async () => {
    await json('init', '--catalog', 'neural-draft')
    const plans = await json<readonly Record<string, unknown>[]>('plans')
    expect(plans.map((plan) => [plan['id'], plan['monthly_credits'], plan['price_usd'], plan['price_per_credit'], plan['discount_percent'], plan['rollover']])).toEqual([
      ['free', 250, 0, null, null, 'none'],
      ['hobby', 5_000, 25, 0.005, 0, 'none'],
      ['build', 25_000, 119, 0.00476, 5, 'none'],
      ['scale', 100_000, 399, 0.00399, 20, 'none'],
      ['enterprise', null, null, null, null, 'none'],
    ])
    expect(plans.map(({ id, entitlements }) => [id, entitlements])).toEqual([
      ['free', { badge: true }],
      ...['hobby', 'build', 'scale', 'enterprise'].map((id) => [id, { badge: false }]),
    ])
    const table = await text('plans')
    expect(table).toContain('free Free 250 $0.00 none badge: true\n')
    expect(table).toContain('hobby Hobby 5,000 $25.00 $0.005 base none badge: false\n')
    expect(table).toContain('build Build 25,000 $119.00 $0.00476 5 % off none ')
    expect(table).toContain('scale Scale 100,000 $399.00 $0.00399 20 % off none ')
    expect(table).toContain('enterprise Enterprise agreed none ')
  })

  it('show a spending cap, and what is given only once', async () => {
    await json('init', '--catalog', 'social-neuron')
    const table = await text('plans')
    expect(table).toContain('trial Trial 500 once ')
    expect(table).toMatch(/^starter Starter 800 .*2,000 a period/m)
  })
})

describe('a purchase', () => {
  it('WC-17: that is not paid yet is seen in the balance, in the list and among the messages, and the ledger adds up all along', async () => {
    await json('init', '--catalog', 'workspace-credits')
    await json('topup', 'starter')
    await json('charge', 'content.rss', 'quantity=40')
    const ordered = await json<{ purchase: string }>('topup', 'basic', '--pending', '--reference', 'invoice-7')
    expect(ordered).toMatchObject({ state: 'pending', credits: 250, granted: 0, price_usd: 25, balance: 60 })
    expect(await text('credits')).toContain('Pending 250 credits of purchases that are not paid yet\n')
    expect(await text('purchase', 'list')).toContain(`2026-01-15 10:00 Basic 250 $25.00 pending invoice-7 ${ordered.purchase}\n`)
    expect(await text('history')).toContain(' charge 40 60 content.rss ')
    const { transactions } = await json<{ transactions: readonly { id: string; type: string }[] }>('history', '--type', 'charge')
    expect(await json('explain', String(transactions[0]?.id))).toMatchObject({ outcome: 'charged', charged: 40, grants: [{ source: 'purchase', credits: 40 }] })
    expect((await json<{ rows: readonly object[] }>('usage', '--by', 'operation')).rows).toMatchObject([{ key: 'content.rss', credits: 40 }])
    expect(await json('doctor')).toMatchObject({ ok: true, problems: [] })
    wait(HOUR_MS)
    expect(await text('purchase', 'settle', ordered.purchase)).toBe(`250 credits of the pack basic for $25.00 granted; the balance is 310 (${ordered.purchase})\n`)
    expect(await json('purchase', 'settle', ordered.purchase)).toMatchObject({ balance: 310, replayed: true })
    expect(await text('topup', 'basic', '--reference', 'invoice-7')).toContain(' granted before; the balance is 310 ')
    expect(await json('purchase', 'list')).toMatchObject([
      { id: ordered.purchase, state: 'settled', reference: 'invoice-7', ordered_at: '2026-01-15T10:00:00.000Z', settled_at: '2026-01-15T11:00:00.000Z' },
      { pack: 'starter', state: 'settled', reference: null },
    ])
    expect(await json('credits')).toMatchObject({ balance: 310, pending: 0 })
    expect(await json('doctor')).toMatchObject({ ok: true, problems: [] })
  })

  it('says how to settle it while it is pending, and is cancelled but once it is settled no more', async () => {
    await json('init', '--catalog', 'neural-draft')
    const said = await text('topup', 'usd-20', '--pending')
    const id = /\((pu_\w+)\)/.exec(said)?.[1] ?? ''
    expect(said).toBe(`4,000 credits of the pack usd-20 for $20.00 ordered; the balance is 250 (${id})\nOnce it is paid: npx mcp-credits purchase settle ${id}\n`)
    expect(await refused('purchase', 'refund', id)).toMatchObject({ code: 'purchase_pending' })
    expect(await text('purchase', 'cancel', id)).toBe(`4,000 credits of the pack usd-20 for $20.00 not bought: the order is cancelled; the balance is 250 (${id})\n`)
    const paid = await json<{ purchase: string }>('topup', 'usd-20')
    expect(await refused('purchase', 'cancel', paid.purchase)).toMatchObject({ code: 'invalid_request' })
    expect(await refused('purchase', 'settle', 'pu_0')).toMatchObject({ code: 'unknown_purchase' })
  })

  it('raises the budget that it is for', async () => {
    await json('init', '--catalog', 'neural-draft')
    await json('budget', 'set', 'preview', '100', '--window', 'total')
    await json('topup', 'usd-20', '--budget', 'preview')
    expect(await json('budget', 'list')).toMatchObject([{ id: 'preview', limit: 4_100 }])
    expect(await refused('topup', 'usd-20', '--budget', 'none')).toMatchObject({ code: 'unknown_budget' })
  })
})

describe('the refund of a purchase', () => {
  /** Buys 4,000 credits for $20 and spends so many of them, after the allowance of 250. */
  async function boughtAndUsed(used: number): Promise<string> {
    await json('init', '--catalog', 'neural-draft')
    const { purchase } = await json<{ purchase: string }>('topup', 'usd-20')
    await json('charge', 'chat.message', `quantity=${250 + used}`)
    return purchase
  }

  it('ND-15: pays the unused share of the price back within 30 days and up to 25 % used', async () => {
    const purchase = await boughtAndUsed(1_000)
    wait(30 * DAY_MS)
    expect(await text('purchase', 'refund', purchase, '--reason', 'moved away')).toMatch(/^\$15\.00 to be paid back for 3,000 credits; the balance is 0 \(tx_\w+\)\n$/)
    expect(await json('purchase', 'list')).toMatchObject([{ state: 'refunded', refunded_usd: 15 }])
    expect(await refused('purchase', 'refund', purchase)).toMatchObject({ code: 'refund_not_allowed' })
    expect(await json('doctor')).toMatchObject({ ok: true })
  })

  it('ND-15: is screened by the share that is used, and an operator may refund what is unused all the same', async () => {
    const purchase = await boughtAndUsed(1_001)
    const { code, stderr } = await runHere(home, ['purchase', 'refund', purchase])
    expect(code).toBe(1)
    expect(stderr).toContain('1001 of 4000 credits are used or reserved, more than 25 %\n')
    expect(stderr).toContain(`Refund what is unused all the same: npx mcp-credits purchase refund ${purchase} --force\n`)
    expect(await json('purchase', 'refund', purchase, '--force')).toMatchObject({ revoked: 2_999, refunded_usd: 14.99, balance: 0 })
  })

  it('ND-15: is screened by age and by the standing of the account; credits of a plan are never refunded', async () => {
    const purchase = await boughtAndUsed(0)
    const { grants } = await json<{ grants: readonly { id: string }[] }>('credits')
    expect(await refused('purchase', 'refund', String(grants[0]?.id))).toMatchObject({ code: 'unknown_purchase' })
    await json('account', 'suspend', 'default')
    expect(await refused('purchase', 'refund', purchase)).toMatchObject({ code: 'refund_not_allowed', details: { rule: 'standing' } })
    await json('account', 'resume', 'default')
    wait(31 * DAY_MS)
    expect(await refused('purchase', 'refund', purchase)).toMatchObject({ code: 'refund_not_allowed', details: { rule: 'age', days: 30 } })
    expect(await json('purchase', 'refund', purchase, '--force')).toMatchObject({ revoked: 4_000, refunded_usd: 20, balance: 250 })
  })

  it('SF-15: purchased credits do not expire, and what is unused of them is refunded by an operator', async () => {
    await json('init', '--catalog', 'synfluencer', '--plan', 'none')
    const { purchase } = await json<{ purchase: string }>('topup', 'usd-25')
    wait(1_000 * DAY_MS)
    const before = await json<{ balance: number; grants: readonly object[] }>('credits')
    expect(before.grants).toContainEqual(expect.objectContaining({ source: 'purchase', remaining: 25, expires_at: null }))
    await json('charge', 'video.generate', 'variant=talking-head', 'quantity=30')
    const { revoked, refunded_usd: refundedUsd } = await json<{ revoked: number; refunded_usd: number }>('purchase', 'refund', purchase)
    expect(revoked).toBe(refundedUsd)
    expect(revoked).toBe(Math.min(25, before.balance - 3))
  })
})

describe('who sees that credits can be bought', () => {
  it('SF-11, SF-12: nobody but operators, packs and payment history, until one of them enables it, and again after', async () => {
    await json('init', '--catalog', 'synfluencer')
    await json('topup', 'usd-10')
    const { key } = await json<{ key: string }>('key', 'create')
    for (const words of [['packs'], ['purchase', 'list']]) {
      expect(await refused(...words, '--key', key)).toMatchObject({ code: 'purchases_unavailable', details: { self_service: 'hidden' } })
    }
    expect((await runHere(home, ['packs', '--key', key])).code).toBe(4)
    expect(await text('self-service', 'on')).toBe('Buying credits is shown to the customers of default.\n')
    expect((await json<readonly { id: string }[]>('packs', '--key', key)).map(({ id }) => id)).toEqual(['usd-10', 'usd-25', 'usd-50', 'usd-100'])
    expect(await json('purchase', 'list', '--key', key)).toMatchObject([{ pack: 'usd-10', state: 'settled', price_usd: 10 }])
    expect(await json('self-service', 'off')).toMatchObject({ enabled: false })
    expect(await refused('packs', '--key', key)).toMatchObject({ code: 'purchases_unavailable' })
    expect(await json('packs')).toHaveLength(4)
    expect(await refused('self-service', 'maybe')).toMatchObject({ code: 'invalid_request', message: '<on|off>: expected on or off, found "maybe"' })
  })

  it('AX-16: a key that may spend cannot top up, settle or refund', async () => {
    await json('init', '--catalog', 'synfluencer')
    await json('self-service', 'on')
    const { key } = await json<{ key: string }>('key', 'create')
    for (const words of [['topup', 'usd-10'], ['purchase', 'settle', 'pu_1'], ['purchase', 'refund', 'pu_1'], ['self-service', 'on'], ['item', 'set', 'x', '1']]) {
      expect(await refused(...words, '--key', key), words.join(' ')).toMatchObject({ code: 'forbidden' })
    }
  })

  it('SK-07: where nothing is sold, asking to buy says so, with the next grant and the higher plans', async () => {
    await json('init', '--catalog', 'soku')
    await json('subscribe', 'starter')
    const { code, stderr } = await runHere(home, ['topup', 'usd-20'])
    expect(code).toBe(4)
    expect(stderr).toContain('Wait for the next grant on 2026-02-15T10:00:00.000Z\n')
    expect(stderr).toContain('Choose a higher plan: Agency, Pro\n')
    expect(await refused('self-service', 'on')).toMatchObject({ code: 'purchases_unavailable', details: { self_service: 'none' } })
    expect(await text('packs')).toBe('The catalog sells no packs.\n')
  })
})

describe('recurring items', () => {
  it('ND-21: are metered by the hour and charged once at the end of the month, from the allowance and then from top-ups', async () => {
    await json('init', '--catalog', 'neural-draft')
    await json('topup', 'usd-20')
    vi.setSystemTime(Date.parse('2026-01-30T00:00:00Z'))
    await json('charge', 'chat.message', 'quantity=240')
    expect(await text('item', 'set', 'custom-domain', '2')).toBe('2 of custom-domain from now on\n')
    wait(10 * HOUR_MS)
    expect(await json('item', 'list')).toMatchObject([{ id: 'custom-domain', quantity: 2, unit_hours: 20, accrued: 5, charged_at: '2026-01-31T23:59:59.999Z' }])
    expect(await text('item', 'list')).toContain('custom-domain Custom domain 2 20 5 2026-01-31 23:59 UTC\n')
    vi.setSystemTime(Date.parse('2026-02-02T00:00:00Z'))
    // Two domains for two days at 0.25 an hour: 24 credits, of which the allowance has 10.
    await json('item', 'set', 'custom-domain', '0')
    const { transactions } = await json<{ transactions: readonly { id: string }[] }>('history', '--type', 'charge', '--since', '2026-01-31T00:00:00Z')
    expect(transactions).toMatchObject([{ credits: 24, at: '2026-01-31T23:59:59.999Z' }])
    const { grants } = await json<{ grants: readonly { source: string; credits: number }[] }>('explain', String(transactions[0]?.id))
    expect(grants.map(({ source, credits }) => [source, credits])).toEqual([['allowance', 10], ['purchase', 14]])
    expect(await json('credits')).toMatchObject({ balance: 3_986 })
    expect(await json('doctor')).toMatchObject({ ok: true })
  })

  it('a thing that the catalog does not know and a quantity that is none are refused', async () => {
    await json('init', '--catalog', 'neural-draft')
    expect(await text('item', 'list')).toBe('The account keeps no recurring items.\n')
    expect(await refused('item', 'set', 'yacht', '1')).toMatchObject({ code: 'unknown_item' })
    expect(await refused('item', 'set', 'storage', 'lots')).toMatchObject({ code: 'invalid_request', message: '<quantity>: expected a number, found "lots"' })
  })
})
