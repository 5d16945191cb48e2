import { beforeEach, describe, expect, it, vi } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/time/instant.js'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

let home: Home

beforeEach(() => {
  home = new Home()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-10-05T08:00:00Z') })
  return () => {
    vi.useRealTimers()
    home.remove()
  }
})

const json = <T = Record<string, unknown>>(...words: readonly string[]) => jsonHere<T>(home, ...words)
/** What is printed as it is: CSV and pages. */
const printed = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await runHere(home, words)
  expect({ code, stderr }, words.join(' ')).toEqual({ code: 0, stderr: '' })
  return stdout
}
const text = async (...words: readonly string[]) => (await printed(...words)).replaceAll(/ +/g, ' ')
const refusal = async (...words: readonly string[]) => {
  const { code, stderr } = await runHere(home, words)
  return { code, stderr: stderr.trimEnd() }
}

/** A master account with two projects, and what happened to them in October and November. */
async function agency(): Promise<void> {
  await json('init', '--catalog', 'neural-draft', '--plan', 'none')
  await json('account', 'create', 'agency', '--plan', 'none')
  for (const project of ['alpha', 'beta']) await json('account', 'create', project, '--plan', 'none', '--parent', 'agency')
  await json('topup', 'usd-20', '--account', 'alpha')
  await json('charge', 'blog.post', 'quantity=2', '--account', 'alpha')
  vi.setSystemTime(Date.parse('2026-11-10T08:00:00Z'))
  await json('topup', 'usd-20', '--account', 'beta')
  await json('grant', '10', '--account', 'agency')
  await json('charge', 'blog.post', '--account', 'alpha')
  const { transaction } = await json<{ transaction: string }>('charge', 'image.generate', '--account', 'beta')
  await json('refund', transaction, '2', '--account', 'beta')
  await json('charge', 'blog.post', '--account', 'beta')
}

describe('statement', () => {
  it('ND-19: of a master account has its projects one by one and all together, a month at a time', async () => {
    await agency()
    const november = await json('statement', '--account', 'agency', '--month', '2026-11')
    expect(november).toMatchObject({
      account: 'agency',
      period: { month: '2026-11', since: '2026-11-01T00:00:00.000Z', until: '2026-12-01T00:00:00.000Z', time_zone: 'UTC' },
      opening: 0, granted: 10, closing: 10,
      children: [
        { account: 'alpha', opening: 3_880, granted: 0, spent: 60, closing: 3_820, head: expect.stringMatching(/^[\da-f]{64}$/) as unknown },
        { account: 'beta', opening: 0, granted: 4_000, spent: 92, refunded: 2, closing: 3_910 },
      ],
      total: {
        opening: 3_880, granted: 4_010, spent: 152, refunded: 2, closing: 7_740,
        spent_by: [{ operation: 'blog.post', calls: 2, credits: 120 }, { operation: 'image.generate', calls: 1, credits: 32 }],
      },
    })
    expect(await json('statement', '--account', 'agency', '--month', '2026-10')).toMatchObject({ total: { opening: 0, granted: 4_000, spent: 120, closing: 3_880 } })
    expect(await json('statement', '--account', 'alpha')).toMatchObject({ period: { month: '2026-11' }, children: [], total: null, closing: 3_820 })
    expect((await json('doctor', '--head', '--account', 'alpha'))['head']).toBe((november['children'] as readonly { head: string }[])[0]?.head)
  })

  it('ND-19: for people is a table an account, as CSV a line an entry, as HTML a page', async () => {
    await agency()
    const words = ['statement', '--account', 'agency', '--month', '2026-11']
    const table = await text(...words)
    expect(table).toMatch(/^Statement 2026-11\n2026-11-01 00:00 UTC to 2026-12-01 00:00 UTC\n\nagency\nLine Of Calls Credits\nopening 0\ngranted adjustment 10\nclosing 10\n/)
    expect(table).toMatch(/\nbeta\nLine Of Calls Credits\nopening 0\ngranted purchase 4,000\nspent blog\.post 1 -60\nspent image\.generate 1 -32\nrefunded 2\nclosing 3,910\ntransactions \d+ to \d+, head [\da-f]{64}\n/)
    expect(table).toMatch(/\nAll accounts together\nLine Of Calls Credits\nopening 3,880\n[^]*closing 7,740\n$/)
    const rows = (await printed(...words, '--csv')).split('\r\n')
    expect(rows[0]).toBe('month,account,line,of,calls,credits')
    expect(rows).toContain('2026-11,beta,spent,image.generate,1,-32')
    expect(rows).toContain('2026-11,total,closing,,,7740')
    const page = await printed(...words, '--html')
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).toContain('<h1>Statement 2026-11: agency</h1>')
    expect(page).toContain('<h2>beta</h2>')
  })

  it('SF-14: counts the month in the zone that is told', async () => {
    await json('init', '--catalog', 'neural-draft', '--plan', 'none')
    vi.setSystemTime(Date.parse('2026-10-31T20:00:00Z'))
    await json('grant', '7')
    vi.setSystemTime(Date.parse('2026-11-02T00:00:00Z'))
    expect(await json('statement', '--month', '2026-11')).toMatchObject({ granted: 0, opening: 7 })
    expect(await json('statement', '--month', '2026-11', '--tz', 'Asia/Kolkata')).toMatchObject({ granted: 7, opening: 0, period: { since: '2026-10-31T18:30:00.000Z' } })
  })

  it('refuses a month that is none or has not begun, and two forms at once', async () => {
    await json('init')
    expect(await refusal('statement', '--month', '2026-13')).toEqual({ code: 2, stderr: expect.stringContaining('--month: expected a month such as 2026-11') as unknown })
    expect(await refusal('statement', '--month', '2026-11')).toEqual({ code: 2, stderr: 'mcp-credits: The month 2026-11 has not begun' })
    expect(await refusal('statement', '--csv', '--html')).toEqual({ code: 2, stderr: 'mcp-credits: give one of --csv, --html and --json' })
  })

  it('says of a test account that it is one, and the list of accounts says so too, and who reports to whom', async () => {
    await json('init', '--catalog', 'neural-draft', '--plan', 'none')
    expect(await text('account', 'list')).toMatch(/^Account State Plan Balance Time zone\n/)
    await json('account', 'create', 'agency', '--plan', 'none')
    expect(await json('account', 'create', 'alpha', '--plan', 'none', '--parent', 'agency')).toMatchObject({ parent: 'agency', test: false })
    expect(await json('account', 'create', 'trial', '--plan', 'none', '--test')).toMatchObject({ parent: null, test: true })
    expect(await text('statement', '--account', 'trial')).toMatch(/^Statement 2026-10 of a test account\n/)
    expect(await text('account', 'list')).toMatch(/^Account State Plan Balance Time zone Reports to Kind\n[^]*\nalpha active 0 UTC agency live\n[^]*\ntrial active 0 UTC for tests\n$/)
    const accounts = await json<readonly { id: string; parent: string | null; test: boolean }[]>('account', 'list')
    expect(accounts.map(({ id, parent, test }) => [id, parent, test])).toEqual([['agency', null, false], ['alpha', 'agency', false], ['default', null, false], ['trial', null, true]])
    expect(await refusal('account', 'create', 'other', '--parent', 'agency', '--test')).toMatchObject({ code: 2 })
  })
})

describe('usage and history of one persona', () => {
  const charge = (operation: string, persona: string, ...more: readonly string[]) =>
    json('charge', operation, '--label', `persona=${persona}`, ...more)

  /** Three days of two personas; a second of a talking head is 0.1. */
  async function personas(): Promise<void> {
    await json('init', '--catalog', 'synfluencer', '--plan', 'none')
    await json('topup', 'usd-100')
    await charge('video.generate', 'mia', 'variant=talking-head', 'quantity=30', '--label', 'platform=tiktok', '--label', 'automation=daily')
    vi.setSystemTime(Date.now() + DAY_MS)
    await charge('video.generate', 'mia', 'variant=talking-head', 'quantity=10', '--label', 'platform=instagram')
    await charge('video.generate', 'leo', 'variant=talking-head', 'quantity=50', '--label', 'platform=tiktok')
    vi.setSystemTime(Date.now() + 7 * DAY_MS)
    await charge('text.trend_discovery', 'mia', '--actual', '0.15', '--label', 'platform=tiktok', '--label', 'automation=daily')
  }

  interface Usage {
    readonly rows: readonly { readonly key: string | null; readonly credits: number }[]
    readonly total_credits: number
    readonly total_calls: number
  }
  const rowsOf = ({ rows }: Usage) => rows.map(({ key, credits }) => [key, credits])
  const MIA = ['--label', 'persona=mia'] as const

  it.each([
    ['day', [['2026-10-05', 3], ['2026-10-06', 1], ['2026-10-13', 0.15]]],
    ['week', [['2026-10-05', 4], ['2026-10-12', 0.15]]],
    ['month', [['2026-10', 4.15]]],
    ['operation', [['video.generate', 4], ['text.trend_discovery', 0.15]]],
    ['label:platform', [['tiktok', 3.15], ['instagram', 1]]],
    ['label:automation', [['daily', 3.15], [null, 1]]],
  ])('SF-06: usage by %s, scoped to one persona', async (by, rows) => {
    await personas()
    const usage = await json<Usage>('usage', '--by', by, ...MIA)
    expect(usage.total_credits).toBe(4.15)
    expect(rowsOf(usage).map(([key, credits]) => [by === 'week' ? String(key).slice(0, 10) : key, credits])).toEqual(rows)
  })

  it('SF-06, SF-07: the same selection governs summary and history, and without one both show all', async () => {
    await personas()
    const period = ['--since', '2026-10-05T00:00:00Z', '--until', '2026-10-07T00:00:00Z'] as const
    const charges = async (...words: readonly string[]) =>
      (await json<{ transactions: readonly { type: string; credits: number }[] }>('history', ...words)).transactions.filter(({ type }) => type === 'charge' || type === 'settle')
    for (const selection of [[], MIA, period, [...MIA, ...period]]) {
      const usage = await json<Usage>('usage', ...selection)
      const listed = await charges(...selection)
      expect(listed, selection.join(' ')).toHaveLength(usage.total_calls)
      expect(listed.reduce((sum, { credits }) => sum + Math.round(credits * 1e6), 0), selection.join(' ')).toBe(Math.round(usage.total_credits * 1e6))
    }
    expect((await json<Usage>('usage', ...MIA)).total_credits).toBe(4.15)
    expect((await json<Usage>('usage')).total_credits).toBe(9.15)
  })

  it('SF-07: history is every transaction, a refund and what was bought among them, as CSV too', async () => {
    await personas()
    const { transactions } = await json<{ transactions: readonly { id: string }[] }>('history', ...MIA, '--type', 'charge')
    await json('refund', String(transactions[0]?.id))
    const all = await json<{ transactions: readonly { type: string }[] }>('history')
    const types = all.transactions.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['refund', 'charge', 'grant']))
    expect(types.filter((type) => type === 'charge')).toHaveLength(4)
    const rows = (await printed('history', '--csv', ...MIA)).trimEnd().split('\r\n')
    expect(rows.slice(1).map((row) => row.split(',')[1])).toEqual(['refund', 'charge', 'charge', 'charge'])
    expect(rows[2]).toMatch(/^tx_\w+,charge,2026-10-13T08:00:00\.000Z,text\.trend_discovery,,,0\.15,[\d.]+,"\{""persona"":""mia"",""platform"":""tiktok"",""automation"":""daily""\}",,$/)
  })

  it('SF-08: the balance is the same whatever the selection', async () => {
    await personas()
    const { balance, lifetime_used: used } = await json<{ balance: number; lifetime_used: number }>('credits')
    expect(used).toBe(9.15)
    expect(balance).toBeCloseTo(100 - 9.15, 6)
  })

  it('WC-16: usage says how much was spent in the time of the same length before it', async () => {
    await json('init', '--catalog', 'neural-draft')
    await json('charge', 'image.generate')
    vi.setSystemTime(Date.parse('2026-10-06T08:00:00Z'))
    await json('charge', 'blog.post')
    const words = ['usage', '--since', '2026-10-06T00:00:00Z', '--until', '2026-10-06T12:00:00Z']
    vi.setSystemTime(Date.parse('2026-10-06T12:00:00Z'))
    expect(await json(...words)).toMatchObject({ total_credits: 60, previous: null, change: null })
    expect(await text(...words)).not.toContain('same length')
    const days = ['usage', '--since', '2026-10-06T00:00:00Z', '--until', '2026-10-07T00:00:00Z']
    vi.setSystemTime(Date.parse('2026-10-07T12:00:00Z'))
    expect(await json(...days)).toMatchObject({ previous: { calls: 1, credits: 32 }, change: 0.875 })
    expect(await text(...days)).toContain('In the time of the same length before it: 32 credits in 1 call (+87.5 %)\n')
  })

  it('AX-24: the last days of a test account are those of its own clock', async () => {
    await json('init', '--catalog', 'neural-draft', '--plan', 'none')
    await json('account', 'create', 'trial', '--plan', 'none', '--test')
    await json('clock', 'advance', '30d', '--account', 'trial')
    const { period } = await json<{ period: object }>('usage', '--last', '2', '--account', 'trial')
    expect(period).toMatchObject({ since: '2026-11-03T00:00:00.000Z' })
    expect((await json('usage', '--last', '2'))['period']).toMatchObject({ since: '2026-10-04T00:00:00.000Z' })
  })
})

describe('usage for those who pass it on', () => {
  it('ND-11: as CSV grouped by a label, as RFC 4180 has it, with a line for what carries none', async () => {
    await json('init', '--catalog', 'neural-draft')
    const customers = ['acme', 'Müller, Söhne & "Co"', '=cmd()', 'acme']
    for (const customer of customers) await json('charge', 'social.post', '--label', `customer_id=${customer}`)
    await json('charge', 'chat.message', 'quantity=5')
    vi.setSystemTime(Date.now() + HOUR_MS)
    expect(await printed('usage', '--by', 'label:customer_id', '--csv')).toBe(
      [
        'key,calls,credits,usd,share',
        'acme,2,10,,0.4',
        "'=cmd(),1,5,,0.2",
        '"Müller, Söhne & ""Co""",1,5,,0.2',
        ',1,5,,0.2',
        '',
      ].join('\r\n'),
    )
  })
})
