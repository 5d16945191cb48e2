import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { jsonHere, runHere } from './in-process.js'
import { Home, MODERN } from './process.js'
import { RawClient } from './raw-client.js'

const RECEIPT = 'io.github.mcp-credits/receipt'

const homes: Home[] = []
const opened: Credits[] = []
const clients: RawClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end()
  for (const credits of opened.splice(0)) await credits.close()
  for (const home of homes.splice(0)) home.remove()
})

function newHome(): Home {
  const home = new Home()
  homes.push(home)
  return home
}

async function withLedger(): Promise<Home> {
  const home = newHome()
  await jsonHere(home, 'init')
  return home
}

/** The same ledger for a process that is started with other variables. */
function elsewhere(home: Home, variables: Readonly<Record<string, string>>): Home {
  const other = new Home({ MCP_CREDITS_DB: home.ledger, ...variables })
  homes.push(other)
  return other
}

async function start(home: Home, ...words: readonly string[]): Promise<RawClient> {
  const client = await RawClient.start(home, words)
  clients.push(client)
  return client
}

/** The ledger in the hands of another process: this one. */
async function library(home: Home): Promise<Credits> {
  const credits = await openCredits({ database: home.ledger })
  opened.push(credits)
  return credits.as({ account: 'default' })
}

interface Result {
  readonly content: readonly { readonly text: string }[]
  readonly structuredContent?: Readonly<Record<string, unknown>>
  readonly isError?: boolean
  readonly _meta?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

async function call(client: RawClient, name: string, args: object = {}): Promise<Result> {
  const { result } = (await client.request('tools/call', { name, arguments: args })) as { readonly result: Result }
  return result
}

const echo = (client: RawClient) => call(client, 'echo', { text: 'x' })
const spend = (client: RawClient, quantity: number) => call(client, 'charge_credits', { operation: 'tool.call', quantity })

function outcomeOf({ isError, content }: Result): string {
  return isError === true ? (JSON.parse(content[0]?.text ?? '') as { error: { code: string } }).error.code : 'done'
}

const status = async (client: RawClient) => (await call(client, 'get_budget_status')).structuredContent

interface Budget {
  readonly id: string
  readonly [field: string]: unknown
}

describe('serve --budget', () => {
  it('SN-11: holds over two processes of one run, and another run has its own', async () => {
    const home = await withLedger()
    const [one, again, other] = [elsewhere(home, { MCP_CREDITS_RUN: 'one' }), elsewhere(home, { MCP_CREDITS_RUN: 'one' }), elsewhere(home, { MCP_CREDITS_RUN: 'two' })]
    const [first, second, third] = [await start(one, '--budget', '10/run'), await start(again, '--budget', '10/run', '--', ...MODERN), await start(other, '--budget', '10/run')]
    expect(outcomeOf(await spend(first, 8))).toBe('done')
    expect([outcomeOf(await echo(second)), outcomeOf(await echo(second)), outcomeOf(await echo(second))]).toEqual(['done', 'done', 'budget_exceeded'])
    expect(outcomeOf(await spend(third, 8))).toBe('done')
    const own = { id: 'serve-run', subject: 'one', window: 'run', limit: 10, used: 10, remaining: 0, percent_used: 100, level: 'exhausted' }
    for (const client of [first, second]) expect(await status(client)).toMatchObject({ budgets: [own], tightest: own, run: own })
    expect(await status(third)).toMatchObject({ budgets: [{ subject: 'two', used: 8 }], run: { remaining: 2 } })
  })

  it('SN-11: a server without MCP_CREDITS_RUN is a run of its own', async () => {
    const home = await withLedger()
    for (const _ of [1, 2]) {
      const client = await start(home, '--budget', '5/run')
      expect([outcomeOf(await spend(client, 5)), outcomeOf(await spend(client, 1))]).toEqual(['done', 'budget_exceeded'])
    }
    const budgets = await jsonHere<readonly Budget[]>(home, 'budget', 'list')
    expect(budgets.map(({ used }) => used)).toEqual([5, 5])
    expect(new Set(budgets.map(({ subject }) => subject)).size).toBe(2)
  })

  it('T16, SN-11: the budget of a day holds over a restart, and every process and door tells the same of it', async () => {
    const home = await withLedger()
    const before = await start(home, '--budget', '10/day', '--', ...MODERN)
    for (let calls = 0; calls < 6; calls += 1) await echo(before)
    const told = await status(before)
    expect(told).toMatchObject({ budgets: [{ id: 'serve-day', name: 'serve --budget 10/day', used: 6, reserved: 0, remaining: 4, percent_used: 60 }], tightest: { id: 'serve-day' } })
    expect(await before.end()).toMatchObject({ code: 0 })

    const [meter, alone] = [await start(home, '--budget', '10/day', '--', ...MODERN), await start(home, '--budget', '10/day')]
    expect([await status(meter), await status(alone)]).toEqual([told, told])
    expect(await jsonHere(home, 'budget', 'list')).toEqual(told?.['budgets'])
    expect(JSON.parse(JSON.stringify((await (await library(home)).budgets()).budgets))).toMatchObject([{ id: 'serve-day', used: 6, remaining: 4 }])
    expect(outcomeOf(await spend(alone, 4))).toBe('done')
    expect(outcomeOf(await echo(meter))).toBe('budget_exceeded')
    expect((await jsonHere<{ transactions: readonly object[] }>(home, 'history', '--type', 'amend')).transactions).toHaveLength(1)
  })

  it('starting writes nothing; the first call sets it, and a later start with another limit changes it and keeps what was counted', async () => {
    const home = newHome()
    const looking = await start(home, '--budget', '10/day')
    await looking.request('tools/list', {})
    expect(existsSync(home.ledger)).toBe(false)
    await looking.end()

    await jsonHere(home, 'init')
    const bytes = readFileSync(home.ledger)
    const client = await start(home, '--budget', '10/day', '--budget', '100/total', '--', ...MODERN)
    await client.request('tools/list', {})
    expect(readFileSync(home.ledger).equals(bytes)).toBe(true)
    await echo(client)
    expect(await jsonHere<readonly Budget[]>(home, 'budget', 'list')).toMatchObject([{ id: 'serve-day', limit: 10, used: 1 }, { id: 'serve-total', limit: 100, used: 1 }])

    expect(await status(await start(home, '--budget', '50/day'))).toMatchObject({ budgets: expect.arrayContaining([expect.objectContaining({ id: 'serve-day', limit: 50, used: 1 })]) as unknown })
  })

  it('removed by an operator it limits no more, also in a server that runs', async () => {
    const home = await withLedger()
    const client = await start(home, '--budget', '1/day', '--', ...MODERN)
    expect([outcomeOf(await echo(client)), outcomeOf(await echo(client))]).toEqual(['done', 'budget_exceeded'])
    expect((await runHere(home, ['budget', 'remove', 'serve-day'])).code).toBe(0)
    expect(outcomeOf(await echo(client))).toBe('done')
  })

  it('a key that may set no limits starts no server without them, and spends within what is set', async () => {
    const home = await withLedger()
    const { id, key } = await jsonHere<{ id: string; key: string }>(home, 'key', 'create')
    const holder = elsewhere(home, { MCP_CREDITS_KEY: key })
    const bytes = readFileSync(home.ledger)
    for (const command of [[], ['--', 'no-such-program']]) {
      const refused = await runHere(holder, ['serve', '--budget', '5/day', ...command])
      expect([refused.code, refused.stdout]).toEqual([4, ''])
      expect(refused.stderr).toMatch(new RegExp(`^mcp-credits: serve --budget 5/day: The key ${id} may not do this; it takes the scope admin\n`))
      expect(refused.stderr).toContain('npx mcp-credits budget set serve-day 5 --window day')
    }
    expect(readFileSync(home.ledger).equals(bytes)).toBe(true)
    await jsonHere(home, 'budget', 'set', 'serve-day', '5', '--window', 'day')
    const [client, before] = [await start(holder, '--budget', '5/day'), readFileSync(home.ledger)]
    await client.request('tools/list', {})
    expect(readFileSync(home.ledger).equals(before)).toBe(true)
    expect([outcomeOf(await spend(client, 5)), outcomeOf(await spend(client, 1))]).toEqual(['done', 'budget_exceeded'])
  })

  it.each([
    ['5', 'expected <credits>/<run|day|week|month|total>, found "5"'],
    ['5/year', 'expected <credits>/<run|day|week|month|total>, found "5/year"'],
    ['5/day/run', 'expected <credits>/<run|day|week|month|total>'],
    ['ten/day', 'expected a number of credits'],
    ['/day', 'expected a number of credits'],
    ['-5/day', 'expected zero or more credits'],
    ['0.0000001/day', 'at most six decimals'],
    ['3000000000/day', 'at most 2000000000 credits'],
  ])('--budget %s is refused before anything starts', async (budget, said) => {
    const { code, stderr } = await runHere(newHome(), ['serve', `--budget=${budget}`, '--', 'no-such-program'])
    expect(code).toBe(2)
    expect(stderr).toContain('--budget')
    expect(stderr).toContain(said)
  })

  it('two limits for one window are refused', async () => {
    const { code, stderr } = await runHere(newHome(), ['serve', '--budget', '5/day', '--budget', '6/day'])
    expect([code, stderr]).toEqual([2, 'mcp-credits: --budget: a limit for day is given twice\n'])
  })
})

describe('keys of a server', () => {
  it('a key that is revoked while the server runs is refused at its next call, whether it reads, spends or is free', async () => {
    const home = await withLedger()
    const { id, key } = await jsonHere<{ id: string; key: string }>(home, 'key', 'create', '--environment', 'preview')
    const holder = elsewhere(home, { MCP_CREDITS_KEY: key })
    const [alone, meter] = [await start(holder), await start(holder, '--', ...MODERN)]
    expect([outcomeOf(await call(alone, 'get_credit_balance')), outcomeOf(await spend(alone, 1)), outcomeOf(await echo(meter)), outcomeOf(await call(meter, 'list_operations'))]).toEqual(Array(4).fill('done'))
    expect(await jsonHere(home, 'usage', '--by', 'key')).toMatchObject({ rows: [{ key: id, calls: 2, credits: 2 }] })
    await (await library(home)).revokeKey({ id })
    expect([outcomeOf(await call(alone, 'get_credit_balance')), outcomeOf(await spend(alone, 1)), outcomeOf(await echo(meter)), outcomeOf(await call(meter, 'list_operations'))]).toEqual(
      Array(4).fill('unauthenticated'),
    )
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 998, reserved: 0 })
  })

  it('the scopes of a key hold for every tool: a reading key spends nothing, by our tools and through the meter', async () => {
    const home = await withLedger()
    const { key } = await jsonHere<{ key: string }>(home, 'key', 'create', '--scope', 'credits:read')
    const holder = elsewhere(home, { MCP_CREDITS_KEY: key })
    const [alone, meter] = [await start(holder), await start(holder, '--', ...MODERN)]
    expect([outcomeOf(await call(alone, 'get_credit_balance')), outcomeOf(await spend(alone, 1)), outcomeOf(await echo(meter))]).toEqual(['done', 'forbidden', 'forbidden'])
    const { key: spending } = await jsonHere<{ key: string }>(home, 'key', 'create', '--scope', 'credits:spend')
    const spender = await start(elsewhere(home, { MCP_CREDITS_KEY: spending }))
    expect([outcomeOf(await call(spender, 'get_credit_balance')), outcomeOf(await spend(spender, 1))]).toEqual(['forbidden', 'done'])
  })

  it('a key that never was one is told so by every call, and the server starts all the same', async () => {
    const client = await start(elsewhere(await withLedger(), { MCP_CREDITS_KEY: 'mc_nobody' }), '--', ...MODERN)
    expect([outcomeOf(await echo(client)), outcomeOf(await call(client, 'get_credit_balance'))]).toEqual(['unauthenticated', 'unauthenticated'])
  })
})

describe('what an operator does acts at the very next call of another process, while its client hammers', () => {
  /** Calls without a pause until told to stop. */
  function hammer(client: RawClient): { readonly stop: () => Promise<readonly string[]> } {
    let isOver = false
    const outcomes: string[] = []
    const lanes = [1, 2, 3].map(async () => {
      while (!isOver) outcomes.push(outcomeOf(await echo(client)))
    })
    return {
      stop: async () => {
        isOver = true
        await Promise.all(lanes)
        return outcomes
      },
    }
  }

  const cases: readonly (readonly [string, readonly string[], string, (ledger: Credits) => Promise<unknown>])[] = [
    ['T15: a raise', ['--budget', '3/day'], 'budget_exceeded', (ledger) => ledger.raiseBudget({ id: 'serve-day', credits: 100_000 })],
    ['T15: a reset, by a budget that is made anew', ['--budget', '3/day'], 'budget_exceeded', (ledger) => ledger.setBudget({ id: 'serve-day', window: 'week', limit: 900 })],
    ['T15: the end of a limit', ['--budget', '3/total'], 'budget_exceeded', (ledger) => ledger.removeBudget({ id: 'serve-total' })],
    ['T14, T15: a top-up', [], 'out_of_credits', (ledger) => ledger.grant({ credits: 100_000 })],
    ['AX-25: the stop switch, when it is switched back', [], 'account_suspended', (ledger) => ledger.setAccountState({ state: 'active' })],
  ]

  it.each(cases)('%s', async (what, words, refusal, act) => {
    const home = await withLedger()
    const ledger = await library(home)
    if (refusal === 'out_of_credits') await ledger.adjust({ credits: -997 })
    const client = await start(home, ...words, '--', ...MODERN)
    if (refusal === 'account_suspended') {
      expect(outcomeOf(await echo(client))).toBe('done')
      await jsonHere(home, 'account', 'suspend')
    } else for (let calls = 0; calls < 3; calls += 1) expect(outcomeOf(await echo(client))).toBe('done')
    expect(outcomeOf(await echo(client)), what).toBe(refusal)

    const hammering = hammer(client)
    for (let calls = 0; calls < 20; calls += 1) expect(outcomeOf(await echo(client))).toBe(refusal)
    await act(ledger)
    expect(outcomeOf(await echo(client))).toBe('done')
    const outcomes = await hammering.stop()
    expect(new Set(outcomes)).toEqual(new Set([refusal, 'done']))
    // Each other lane may have had one refusal on its way when the first call was let through; none came after.
    expect(outcomes.slice(outcomes.indexOf('done')).filter((outcome) => outcome !== 'done').length).toBeLessThanOrEqual(2)
    expect(await ledger.verify()).toMatchObject({ ok: true })
  })

  it('AX-25: suspended by one command, every server refuses from its very next call on and nothing is spent', async () => {
    const home = await withLedger()
    const servers = [await start(home, '--', ...MODERN), await start(home, '--', ...MODERN)]
    for (const client of servers) expect(outcomeOf(await echo(client))).toBe('done')
    await jsonHere(home, 'account', 'suspend')
    for (const client of servers) expect(outcomeOf(await echo(client))).toBe('account_suspended')
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 998, reserved: 0, state: 'suspended', spendable: 0 })
  })
})

describe('budget pressure', () => {
  it('AX-09: every receipt tells the tightest budget, and once it is low so does a line of text, with the reset in the account\'s own time', async () => {
    const home = await withLedger()
    await jsonHere(home, 'account', 'time-zone', 'Europe/Berlin')
    await jsonHere(home, 'budget', 'set', 'daily', '100', '--window', 'day')
    const client = await start(home, '--', ...MODERN)
    const calm = await echo(client)
    expect(calm.content).toHaveLength(1)
    expect(calm._meta?.[RECEIPT]).toMatchObject({ charged: 1, balance: 999, spendable: 99, budget_level: 'ok', budget_remaining: 99, resets_at: expect.stringMatching(/T2[23]:00:00\.000Z$/) as unknown })

    await jsonHere(home, 'charge', 'tool.call', 'quantity=86')
    const low = await echo(client)
    expect(low.content.map(({ text }) => text)).toEqual(['x', 'Credits: 12 left of 100 today, resets 00:00 Europe/Berlin'])
    expect(low._meta?.[RECEIPT]).toMatchObject({ budget_level: 'low', budget_remaining: 12, spendable: 12 })

    await jsonHere(home, 'charge', 'tool.call', 'quantity=11')
    const last = await echo(client)
    expect(last.content[1]?.text).toBe('Credits: 0 left of 100 today, resets 00:00 Europe/Berlin')
    expect(last._meta?.[RECEIPT]).toMatchObject({ budget_level: 'exhausted', budget_remaining: 0, spendable: 0 })
    expect(outcomeOf(await echo(client))).toBe('budget_exceeded')
    expect(await status(client)).toMatchObject({ tightest: { id: 'daily', level: 'exhausted' } })
  })

  it.each([
    ['week', /^Credits: 1 left of 5 this week, resets \d{4}-\d{2}-\d{2} 00:00 Europe\/Berlin$/],
    ['month', /^Credits: 1 left of 5 this month, resets \d{4}-\d{2}-01 00:00 Europe\/Berlin$/],
    ['total', /^Credits: 1 left of 5 in all$/],
    ['run', /^Credits: 1 left of 5 in this run$/],
    ['rolling:5h', /^Credits: 1 left of 5 in any 5h, resets \d{4}-\d{2}-\d{2} \d{2}:\d{2} Europe\/Berlin$/],
  ])('AX-09: in the words of the window %s', async (window, words) => {
    const home = await withLedger()
    await jsonHere(home, 'account', 'time-zone', 'Europe/Berlin')
    await jsonHere(home, 'budget', 'set', 'tight', '5', '--window', window)
    const client = await start(home, '--', ...MODERN)
    for (let calls = 0; calls < 3; calls += 1) expect((await echo(client)).content).toHaveLength(1)
    expect((await echo(client)).content[1]?.text).toMatch(words)
  })
})
