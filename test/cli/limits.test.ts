import { afterEach, describe, expect, it } from 'vitest'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

const homes: Home[] = []
afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

/** A ledger of `starter`, where one unit of the operation `tool.call` costs one credit. */
async function newHome(variables: Readonly<Record<string, string>> = {}, catalog = 'starter'): Promise<Home> {
  const home = new Home(variables)
  homes.push(home)
  await jsonHere(home, 'init', '--catalog', catalog)
  return home
}

/** The same ledger for a process that was started with other variables. */
function elsewhere(home: Home, variables: Readonly<Record<string, string>>): Home {
  const other = new Home({ MCP_CREDITS_DB: home.ledger, ...variables })
  homes.push(other)
  return other
}

const squeezed = (text: string) => text.replaceAll(/ +/g, ' ')
const spend = (home: Home, amount: number, ...more: readonly string[]) => runHere(home, ['charge', 'tool.call', `quantity=${amount}`, '--json', ...more])
const errorOf = ({ stdout }: { readonly stdout: string }) => (JSON.parse(stdout) as { error: Record<string, unknown> }).error

interface Budget {
  readonly id: string
  readonly used: number
  readonly limit: number
  readonly remaining: number
  readonly subject: string | null
}

interface Message {
  readonly id: string
  readonly type: string
  readonly at: string
  readonly text: string
}

describe('budget', () => {
  it('SF-10: a monthly budget is a hard limit, told in full, and raised by exactly the command that the refusal names', async () => {
    const home = await newHome()
    const made = await jsonHere(home, 'budget', 'set', 'monthly', '30', '--name', 'Everything')
    expect(made).toMatchObject({ id: 'monthly', name: 'Everything', scope: {}, window: 'month', limit: 30, enforcement: 'hard', raised_until: null, replayed: false })
    expect(await jsonHere(home, 'budget', 'list')).toMatchObject([{ limit: 30, used: 0, reserved: 0, remaining: 30, percent_used: 0, level: 'ok' }])
    expect((await spend(home, 25)).code).toBe(0)
    const refused = await spend(home, 10)
    expect(refused.code).toBe(4)
    expect(errorOf(refused)).toMatchObject({
      code: 'budget_exceeded',
      retryable: false,
      details: { required: 10, available: 5, shortfall: 5, limited_by: { type: 'budget', id: 'monthly', window: 'month', limit: 30, used: 25 } },
      advice: [expect.stringMatching(/^Raise it: npx mcp-credits budget raise monthly 5 --account default$/), expect.stringMatching(/^Or wait until it resets on /)],
    })
    expect(await jsonHere(home, 'budget', 'raise', 'monthly', '5', '--account', 'default')).toMatchObject({ id: 'monthly', limit: 35, raised_until: null, replayed: false })
    expect(await jsonHere(home, 'budget', 'list')).toMatchObject([{ limit: 35, used: 25, remaining: 10, raised_until: null }])
    expect((await spend(home, 10)).code).toBe(0)
    expect((await spend(home, 1)).code).toBe(4)
  })

  it('is listed as a table and as an array of objects with an id; the one that would stop first is named', async () => {
    const home = await newHome()
    expect((await runHere(home, ['budget', 'list'])).stdout).toBe('There are no budgets.\n')
    expect(await jsonHere(home, 'budget', 'list')).toEqual([])
    await jsonHere(home, 'budget', 'set', 'wide', '500', '--window', 'total')
    await jsonHere(home, 'budget', 'set', 'narrow', '40', '--window', 'rolling:5h', '--threshold', '50', '--threshold', '90')
    await spend(home, 20)
    const { stdout } = await runHere(home, ['budget', 'list'])
    expect(squeezed(stdout)).toMatch(/^Budget Counts Window Used Reserved Limit Left Level At the limit Resets Raised until\n/)
    expect(squeezed(stdout)).toMatch(/\nnarrow everything rolling:5h 20 0 40 20 low stops \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC\n/)
    expect(squeezed(stdout)).toMatch(/\nwide everything total 20 0 500 480 ok stops never\n/)
    expect(stdout).toContain('\nnarrow would stop first.\n')
    expect((await jsonHere<readonly Budget[]>(home, 'budget', 'list')).map(({ id, remaining }) => [id, remaining])).toEqual(expect.arrayContaining([['narrow', 20], ['wide', 480]]))
    expect((await jsonHere<readonly Budget[]>(home, 'budget', 'list')).find(({ id }) => id === 'narrow')).toMatchObject({ thresholds: [50, 90], percent_used: 50 })
  })

  it('says for people what was set, raised and removed', async () => {
    const home = await newHome()
    expect((await runHere(home, ['budget', 'set', 'all', '100', '--window', 'day'])).stdout).toMatch(/^all: 100 of 100 credits left today, resets \d{4}-\d{2}-\d{2} 00:00 UTC; counts everything\n$/)
    expect((await runHere(home, ['budget', 'raise', 'all', '50', '--until', '2999-01-01'])).stdout).toMatch(/^all: 150 of 150 credits left today, .*, raised until 2999-01-01 00:00 UTC; counts everything\n$/)
    expect((await runHere(home, ['budget', 'set', 'soft', '5', '--window', 'total', '--alert'])).stdout).toBe('soft: 5 of 5 credits left in all; counts everything (it tells and does not stop)\n')
    expect((await runHere(home, ['budget', 'remove', 'all'])).stdout).toBe('all is removed\n')
    expect(await jsonHere(home, 'budget', 'remove', 'soft')).toMatchObject({ id: 'soft', replayed: false })
    expect(await jsonHere(home, 'budget', 'list')).toEqual([])
  })

  it('T25: a changed limit keeps what was counted, and a key makes it one change however often it is sent', async () => {
    const home = await newHome()
    await jsonHere(home, 'budget', 'set', 'all', '100')
    await spend(home, 30)
    expect(await jsonHere(home, 'budget', 'set', 'all', '200')).toMatchObject({ limit: 200 })
    expect(await jsonHere(home, 'budget', 'list')).toMatchObject([{ limit: 200, used: 30 }])
    for (const _ of [1, 2]) await jsonHere(home, 'budget', 'raise', 'all', '10', '--idempotency-key', 'raise-1')
    expect(await jsonHere<readonly Budget[]>(home, 'budget', 'list')).toMatchObject([{ limit: 210, used: 30 }])
  })

  it('counts only what its scope names, and each customer apart', async () => {
    const home = await newHome()
    await jsonHere(home, 'budget', 'set', 'c1', '10', '--scope', 'label:customer=c1', '--scope', 'operation=tool.call')
    await jsonHere(home, 'budget', 'set', 'each', '15', '--each', 'label:customer')
    for (const customer of ['c1', 'c2']) expect((await spend(home, 9, '--label', `customer=${customer}`)).code).toBe(0)
    expect((await spend(home, 2, '--label', 'customer=c1')).code).toBe(4)
    expect((await spend(home, 7, '--label', 'customer=c2')).code).toBe(4)
    expect((await spend(home, 6, '--label', 'customer=c2')).code).toBe(0)
    expect((await spend(home, 100)).code).toBe(0)
    const budgets = await jsonHere<readonly Budget[]>(home, 'budget', 'list')
    expect(budgets.map(({ id, subject, used }) => [id, subject, used])).toEqual(expect.arrayContaining([['c1', null, 9], ['each', 'c1', 9], ['each', 'c2', 15]]))
    expect(squeezed((await runHere(home, ['budget', 'list'])).stdout)).toContain('\nc1 operation tool.call, customer=c1 month 9 0 10 1 ')
    expect(squeezed((await runHere(home, ['budget', 'list'])).stdout)).toContain('\neach label:customer c2 month 15 0 15 0 exhausted ')
  })

  it('SN-11: a budget of a run counts each run apart, by MCP_CREDITS_RUN, in every process of the run', async () => {
    const home = await newHome()
    await jsonHere(home, 'budget', 'set', 'a-run', '10', '--window', 'run')
    const [one, again, two] = [elsewhere(home, { MCP_CREDITS_RUN: 'one' }), elsewhere(home, { MCP_CREDITS_RUN: 'one' }), elsewhere(home, { MCP_CREDITS_RUN: 'two' })]
    expect((await spend(one, 7)).code).toBe(0)
    expect((await spend(again, 4)).code).toBe(4)
    expect((await spend(two, 4)).code).toBe(0)
    expect((await spend(home, 100)).code).toBe(0)
    expect(await jsonHere<readonly Budget[]>(home, 'budget', 'list')).toMatchObject([{ subject: 'one', used: 7 }, { subject: 'two', used: 4 }])
  })

  it('T26: a raise until an instant holds until then and no longer, for every kind of window and for the spending cap', async () => {
    const home = await newHome({}, 'social-neuron')
    await jsonHere(home, 'account', 'create', 'trial', '--test', '--plan', 'pro')
    const of = ['--account', 'trial']
    const windows = ['day', 'week', 'month', 'billing_period', 'total', 'run', 'rolling:5h']
    for (const window of windows) await jsonHere(home, 'budget', 'set', window.replace(':', '-'), '100', '--window', window, ...of)
    const limits = async () => Object.fromEntries((await jsonHere<readonly Budget[]>(home, 'budget', 'list', ...of)).map(({ id, limit }) => [id, limit]))
    const before = await limits()
    expect(Object.keys(before)).toContain('spending_cap')
    expect(Object.keys(before)).toHaveLength(windows.length + 1)
    const until = new Date(Date.now() + 3_600_000).toISOString()
    for (const id of Object.keys(before)) await jsonHere(home, 'budget', 'raise', id, '7', '--until', until, ...of)
    expect(await limits()).toEqual(Object.fromEntries(Object.entries(before).map(([id, limit]) => [id, limit + 7])))
    await jsonHere(home, 'clock', 'advance', '61m', ...of)
    expect(await limits()).toEqual(before)
  })

  it.each([
    [['budget', 'set', 'x', 'ten'], 'invalid_amount', '<credits>'],
    [['budget', 'set', 'x', '-1'], 'invalid_amount', '<credits>'],
    [['budget', 'set', 'x', '5', '--window', 'year'], 'invalid_request', '--window: expected one of day, week, month, billing_period, total, run or rolling:'],
    [['budget', 'set', 'x', '5', '--window', 'rolling:0h'], 'invalid_request', '--window'],
    [['budget', 'set', 'x', '5', '--window', 'rolling:9999h'], 'invalid_request', '--window'],
    [['budget', 'set', 'x', '5', '--scope', 'colour=red'], 'invalid_request', '--scope: expected one of key, member, tool, operation, category, environment, run or label:<name>, found "colour"'],
    [['budget', 'set', 'x', '5', '--scope', 'each=key'], 'invalid_request', '--scope: expected one of'],
    [['budget', 'set', 'x', '5', '--scope', 'tool'], 'invalid_request', '--scope: expected name=value'],
    [['budget', 'set', 'x', '5', '--scope', 'label:a=1', '--scope', 'label:b=2'], 'invalid_request', '--scope: a budget counts by one label at most'],
    [['budget', 'set', 'x', '5', '--each', 'colour'], 'invalid_request', '--scope.each: expected key, member, tool'],
    [['budget', 'set', 'x', '5', '--threshold', 'half'], 'invalid_request', '--threshold: expected a number'],
    [['budget', 'set', 'x', '5', '--threshold', '0'], 'invalid_request', '--threshold'],
    [['budget', 'set', 'spending_cap', '5'], 'invalid_request', 'comes with the plan'],
    [['budget', 'raise', 'nothing', '5'], 'unknown_budget', '"nothing"'],
    [['budget', 'raise', 'there', '0'], 'invalid_amount', '<credits>'],
    [['budget', 'raise', 'there', '5', '--until', 'tomorrow'], 'invalid_request', '--until is "tomorrow"'],
    [['budget', 'raise', 'there', '5', '--until', '2020-01-01'], 'invalid_request', '--until is 2020-01-01'],
    [['budget', 'remove', 'nothing'], 'unknown_budget', 'npx mcp-credits budget list --account default'],
  ] as const)('%j is refused as %s in words of the command line', async (words, code, said) => {
    const home = await newHome()
    await jsonHere(home, 'budget', 'set', 'there', '5')
    const refused = await runHere(home, [...words, '--json'])
    expect(errorOf(refused)).toMatchObject({ code })
    expect(refused.stderr).toContain(said)
    expect(await jsonHere<readonly Budget[]>(home, 'budget', 'list')).toMatchObject([{ id: 'there', limit: 5 }])
  })
})

describe('credits', () => {
  it('shows the cap with its reset and the budget that is tighter than the balance; a looser one is not shown', async () => {
    const home = await newHome({}, 'social-neuron')
    await jsonHere(home, 'account', 'create', 'pro', '--plan', 'pro')
    const card = async () => squeezed((await runHere(home, ['credits', '--account', 'pro'])).stdout)
    expect(await card()).toMatch(/\nSpending cap 0 of [\d,]+ credits used, resets \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC\n/)
    expect(await card()).not.toContain('\nBudget ')
    await jsonHere(home, 'budget', 'set', 'daily', '12', '--window', 'day', '--account', 'pro')
    expect(await card()).toMatch(/\nBudget daily: 12 of 12 credits left today, resets \d{4}-\d{2}-\d{2} 00:00 UTC\n/)
    expect(await card()).toMatch(/\nSpendable 12 credits\n/)
    await jsonHere(home, 'budget', 'set', 'daily', '1000000', '--window', 'day', '--account', 'pro')
    expect(await card()).not.toContain('\nBudget daily')
  })

  it('tells of the next plan, and of no further grant once the plan is ended', async () => {
    const home = await newHome({}, 'neural-draft')
    await jsonHere(home, 'subscribe', 'hobby')
    await jsonHere(home, 'subscribe', 'build')
    expect(squeezed((await runHere(home, ['credits'])).stdout)).toContain('\nNext plan build\n')
    await jsonHere(home, 'unsubscribe')
    expect(squeezed((await runHere(home, ['credits'])).stdout)).toMatch(/\nPlan Hobby, .*, without a further grant\nNext plan none\n/)
    expect(await jsonHere(home, 'credits')).toMatchObject({ plan: { id: 'hobby', renews_at: null, next_plan: 'none' } })
  })
})

describe('alert and messages', () => {
  it('SF-09: a burn alert tells once when so much was spent in the month and stops nothing; a change arms it again', async () => {
    const home = await newHome()
    expect(await jsonHere(home, 'alert', 'set', 'burn', '--burn', '50')).toMatchObject({ id: 'burn', type: 'burn', enforcement: 'alert', window: 'month', limit: 50 })
    const told = async () => (await jsonHere<readonly Message[]>(home, 'messages')).filter(({ type }) => type === 'budget_threshold')
    await spend(home, 49)
    expect(await told()).toEqual([])
    await spend(home, 1)
    await spend(home, 10)
    expect(await told()).toMatchObject([{ text: expect.stringMatching(/^Budget burn: 50 of 50 credits used \(100 %, told of at 100 %\), 0 remain, resets /) as unknown }])
    await jsonHere(home, 'alert', 'set', 'burn', '--burn', '70', '--window', 'month')
    await spend(home, 10)
    expect(await told()).toHaveLength(2)
  })

  it('are listed with both kinds, set for people and removed by their id', async () => {
    const home = await newHome()
    expect((await runHere(home, ['alert', 'list'])).stdout).toBe("There are none but the catalog's own.\n")
    expect((await runHere(home, ['alert', 'set', 'few', '--below', '100', '--level', 'critical'])).stdout).toBe('few: when fewer than 100 credits remain (critical)\n')
    expect((await runHere(home, ['alert', 'set', 'half', '--remaining', '50'])).stdout).toBe("half: when 50 % of the period's credits remain or fewer (low)\n")
    expect((await runHere(home, ['alert', 'set', 'fast', '--burn', '20', '--window', 'day'])).stdout).toMatch(/^fast: when 20 credits are spent: 20 of 20 credits left today, resets /)
    expect(await jsonHere(home, 'alert', 'list')).toMatchObject([
      { type: 'balance', id: 'few', level: 'critical', when: 'below', credits: 100, percent: null },
      { type: 'balance', id: 'half', level: 'low', when: 'at_or_below', credits: null, percent: 50 },
      { type: 'burn', id: 'fast', limit: 20 },
    ])
    expect(squeezed((await runHere(home, ['alert', 'list'])).stdout)).toContain('\nfew balance when fewer than 100 credits remain (critical)\n')
    for (const id of ['few', 'fast']) expect((await runHere(home, ['alert', 'remove', id])).stdout).toBe(`${id} is removed\n`)
    expect(await jsonHere<readonly Message[]>(home, 'alert', 'list')).toMatchObject([{ id: 'half' }])
    expect(await jsonHere(home, 'alert', 'remove', 'half')).toMatchObject({ id: 'half', replayed: false })
  })

  it('WC-08: below 100 a balance is low, at 10 it is critical, each told once, and what exceeds it is refused before it starts', async () => {
    const home = await newHome({}, 'workspace-credits')
    await jsonHere(home, 'grant', '101')
    const told = async () => (await jsonHere<readonly Message[]>(home, 'messages')).map(({ type }) => type).filter((type) => type.startsWith('balance_'))
    const level = async () => (await jsonHere<{ level: string }>(home, 'credits')).level
    const down = async (to: number) => {
      const { balance } = await jsonHere<{ balance: number }>(home, 'credits')
      await jsonHere(home, 'charge', 'assistant.complex_analysis', `quantity=${balance - to}`, '--actual', String(balance - to))
    }
    await down(100)
    expect([await level(), await told()]).toEqual(['ok', []])
    await down(99)
    expect([await level(), await told()]).toEqual(['low', ['balance_low']])
    await down(11)
    expect([await level(), await told()]).toEqual(['low', ['balance_low']])
    await down(9)
    expect([await level(), await told()]).toEqual(['critical', ['balance_critical', 'balance_low']])
    expect(await jsonHere(home, 'estimate', 'assistant.complex_analysis', 'quantity=10')).toMatchObject({ affordable: false, blocked_by: [{ code: 'out_of_credits' }] })
    expect((await runHere(home, ['charge', 'assistant.complex_analysis', 'quantity=10', '--actual', '10'])).code).toBe(3)
  })

  it('messages are alerts and the last charges in one list, newest first, at most as many as asked for', async () => {
    const home = await newHome()
    expect((await runHere(home, ['messages'])).stdout).toBe('There is nothing to tell.\n')
    await jsonHere(home, 'alert', 'set', 'fast', '--burn', '5')
    for (const amount of [3, 2, 1]) await spend(home, amount)
    const all = await jsonHere<readonly Message[]>(home, 'messages')
    expect(all.map(({ type }) => type).sort()).toEqual(['budget_threshold', 'charge', 'charge', 'charge'])
    expect([...all].sort((a, b) => (a.at < b.at ? 1 : -1)).map(({ at }) => at)).toEqual(all.map(({ at }) => at))
    expect(all[0]).toMatchObject({ type: 'charge', text: '1 credit charged for tool.call; 994 left' })
    expect(await jsonHere<readonly Message[]>(home, 'messages', '--limit', '2')).toEqual(all.slice(0, 2))
    expect(squeezed((await runHere(home, ['messages', '--limit', '1'])).stdout)).toMatch(/^At \(UTC\) Type Message\n\S+ \S+ charge 1 credit charged for tool\.call; 994 left\n$/)
  })

  it.each([
    [['alert', 'set', 'x'], 'give one of --below, --remaining and --burn'],
    [['alert', 'set', 'x', '--below', '5', '--burn', '5'], 'give one of --below, --remaining and --burn'],
    [['alert', 'set', 'x', '--below', '0'], '--below'],
    [['alert', 'set', 'x', '--below', 'few'], '--below'],
    [['alert', 'set', 'x', '--remaining', '101'], '--remaining: expected a percentage, more than 0 and at most 100'],
    [['alert', 'set', 'x', '--remaining', 'half'], '--remaining: expected a number'],
    [['alert', 'set', 'x', '--below', '5', '--level', 'mild'], '--level: expected one of low, critical, found "mild"'],
    [['alert', 'set', 'x', '--below', '5', '--window', 'day'], '--window goes with --burn only'],
    [['alert', 'set', 'x', '--burn', '5', '--level', 'low'], '--level goes with --below and --remaining only'],
    [['alert', 'set', 'x', '--burn', 'much'], '--burn'],
    [['alert', 'set', 'hard', '--burn', '5'], 'there is a budget "hard" already'],
    [['alert', 'set', 'soft', '--below', '5'], 'there is another alert "soft" already'],
    [['alert', 'remove', 'nothing'], '"nothing"'],
    [['alert', 'remove', 'hard'], '"hard"'],
    [['messages', '--limit', '0'], '--limit'],
    [['messages', '--limit', 'all'], '--limit: expected a number'],
  ] as const)('%j is refused: %s', async (words, said) => {
    const home = await newHome()
    await jsonHere(home, 'budget', 'set', 'hard', '5')
    await jsonHere(home, 'alert', 'set', 'soft', '--burn', '5')
    const { code, stderr } = await runHere(home, words)
    expect(code).toBe(2)
    expect(stderr).toContain(said)
    expect(await jsonHere<readonly Budget[]>(home, 'budget', 'list')).toHaveLength(2)
    expect(await jsonHere(home, 'alert', 'list')).toHaveLength(1)
  })
})
