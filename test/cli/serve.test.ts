import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { jsonHere } from './in-process.js'
import { BIN, EVERYTHING, FILESYSTEM, Home, MODERN } from './process.js'
import { RawClient } from './raw-client.js'

const PRICE = 'io.github.mcp-credits/price'
const RECEIPT = 'io.github.mcp-credits/receipt'
const REFUSAL = 'io.github.mcp-credits/refusal'
const KEY = 'io.github.mcp-credits/idempotency_key'

/** What an SDK's client offers, as far as these tests use it, whichever SDK it is from. */
interface AnyClient {
  listTools(): Promise<{ readonly tools: readonly { readonly name: string; readonly description?: string | undefined; readonly _meta?: unknown }[] }>
  callTool(call: { name: string; arguments: Record<string, unknown>; _meta?: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

interface Called {
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly structuredContent?: Record<string, unknown>
  readonly isError?: boolean
  readonly _meta?: Record<string, Record<string, unknown>>
}

const opened: { close(): Promise<void> }[] = []
const homes: Home[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
  for (const home of homes.splice(0)) home.remove()
})

function newHome(variables?: Readonly<Record<string, string>>): Home {
  const home = new Home(variables)
  homes.push(home)
  return home
}

const launched = (home: Home, words: readonly string[]) => {
  const args: string[] = [BIN, 'serve', ...words]
  return { command: process.execPath, args, env: home.env, cwd: home.folder, stderr: 'ignore' as const }
}

const clients: Readonly<Record<string, (home: Home, words: readonly string[]) => Promise<AnyClient>>> = {
  'the v1 client': async (home, words) => {
    const client = new OldClient({ name: 'old', version: '1' })
    await client.connect(new OldTransport(launched(home, words)))
    opened.push(client)
    return client as AnyClient
  },
  'the v2 client in the legacy era': (home, words) => newClient(home, words, 'legacy'),
  'the v2 client in the era that it finds': (home, words) => newClient(home, words, 'auto'),
}

async function newClient(home: Home, words: readonly string[], mode: 'legacy' | 'auto' | { pin: '2026-07-28' }): Promise<AnyClient> {
  const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new StdioClientTransport(launched(home, words)))
  opened.push(client)
  return client as AnyClient
}

const call = async (client: AnyClient, name: string, args: Record<string, unknown> = {}, key?: string) =>
  (await client.callTool({ name, arguments: args, ...(key === undefined ? {} : { _meta: { [KEY]: key } }) })) as Called

async function library(home: Home, clock?: { now(): number }): Promise<Credits> {
  const credits = await openCredits({ database: home.ledger, ...(clock === undefined ? {} : { clock }) })
  opened.push(credits)
  return credits.as({ account: 'default' })
}

describe.each(Object.entries(clients))('server-everything behind the meter, through %s', (_name, connect) => {
  it('lists prices, charges with a receipt, charges a key once, and refuses what cannot be paid', async () => {
    const home = newHome()
    const client = await connect(home, ['--', ...EVERYTHING])
    const { tools } = await client.listTools()
    const echo = tools.find(({ name }) => name === 'echo')
    expect(echo?.description).toMatch(/\. Price: 1 credit \(\$0\.01\)\.$|input string\. Price: 1 credit/)
    expect(echo?._meta).toMatchObject({ [PRICE]: { credits: { minimum: 1, maximum: 1 }, unit: 'call', usd: { minimum: 0.01 } } })
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['get-sum', 'get_credit_balance', 'explain_charge']))
    expect(tools.map(({ name }) => name)).not.toContain('charge_credits')

    const said = await call(client, 'echo', { message: 'hi' })
    expect(said).toMatchObject({ content: [{ type: 'text', text: 'Echo: hi' }], _meta: { [RECEIPT]: { charged: 1, balance: 999, spendable: 999, budget_level: 'ok', replayed: false } } })

    const first = await call(client, 'get-sum', { a: 2, b: 3 }, 'sum-1')
    const again = await call(client, 'get-sum', { a: 2, b: 3 }, 'sum-1')
    expect([first, again].map(({ _meta }) => _meta?.[RECEIPT])).toMatchObject([
      { charged: 1, balance: 998, replayed: false },
      { charged: 1, replayed: true, transaction: first._meta?.[RECEIPT]?.['transaction'] },
    ])
    const other = await call(client, 'get-sum', { a: 2, b: 4 }, 'sum-1')
    expect(other).toMatchObject({ isError: true, _meta: { [REFUSAL]: { error: { code: 'idempotency_conflict' } } } })

    const balance = await call(client, 'get_credit_balance')
    expect(balance.structuredContent).toMatchObject({ account: 'default', balance: 998, reserved: 0, lifetime_used: 2 })

    await (await library(home)).adjust({ credits: -998 })
    const refused = await call(client, 'echo', { message: 'hi' })
    expect(refused.isError).toBe(true)
    expect(refused.structuredContent).toBeUndefined()
    const body = JSON.parse(refused.content[0]?.text ?? '') as object
    expect(body).toEqual(refused._meta?.[REFUSAL])
    expect(body).toMatchObject({ error: { code: 'out_of_credits', retryable: false, details: { required: 1, available: 0, shortfall: 1 } } })
    expect(await jsonHere(home, 'doctor')).toMatchObject({ ok: true })
  })
})

describe('one ledger behind every door', () => {
  it('AX-17: what the commands print with --json is what the tools answer, and both refuse in the same words', async () => {
    const home = newHome({ MCP_CREDITS_ACCOUNT: 'acme' })
    await jsonHere(home, 'init', '--catalog', 'neural-draft')
    const client = await newClient(home, [], 'legacy')
    await call(client, 'charge_credits', { operation: 'blog.post', labels: { customer_id: 'c1' }, idempotency_key: 'job-1' })
    const { transactions } = await jsonHere<{ transactions: readonly { id: string }[] }>(home, 'history')
    const id = String(transactions[0]?.id)
    const until = '2100-01-01T00:00:00Z'
    const since = '2020-01-01T00:00:00Z'
    const pairs: readonly (readonly [readonly string[], string, Record<string, unknown>])[] = [
      [['credits'], 'get_credit_balance', {}],
      [['estimate', 'translate', 'quantity=3'], 'estimate_cost', { operation: 'translate', quantity: 3 }],
      [['afford', '100', '--category', 'social'], 'what_can_i_afford', { credits: 100, category: 'social' }],
      [['history', '--type', 'charge'], 'list_transactions', { type: 'charge' }],
      [['explain', id], 'explain_charge', { transaction: id }],
      [['charge', 'blog.post', '--label', 'customer_id=c1', '--idempotency-key', 'job-1'], 'charge_credits', { operation: 'blog.post', labels: { customer_id: 'c1' }, idempotency_key: 'job-1' }],
    ]
    for (const [words, tool, args] of pairs) expect(await jsonHere(home, ...words), words[0]).toEqual((await call(client, tool, args)).structuredContent)
    const usage = (await call(client, 'get_mcp_usage', { since, until, group_by: 'operation' })).structuredContent
    const { burn_rate_per_day: _pace, runs_out_at: _end, ...settled } = usage ?? {}
    expect(await jsonHere(home, 'usage', '--since', since, '--until', until, '--by', 'operation')).toMatchObject(settled)
    expect(await jsonHere(home, 'prices')).toEqual((await call(client, 'list_operations')).structuredContent?.['operations'])
    const refused = await call(client, 'charge_credits', { operation: 'website.generate' })
    expect(JSON.parse((await home.run('charge', 'website.generate', '--json')).stdout)).toEqual(refused._meta?.[REFUSAL])
  })
})

describe('other servers behind the meter', () => {
  it('server-filesystem reads a file for its price, and a failed call costs nothing', async () => {
    const home = newHome()
    mkdirSync(home.path('files'))
    writeFileSync(home.path('files', 'note.txt'), 'a note')
    await jsonHere(home, 'price', 'read_text_file', '2.5')
    const client = await newClient(home, ['--', ...FILESYSTEM, home.path('files')], 'legacy')
    const { tools } = await client.listTools()
    expect(tools.find(({ name }) => name === 'read_text_file')?.description).toContain('Price: 2.5 credits ($0.025).')
    const read = await call(client, 'read_text_file', { path: home.path('files', 'note.txt') })
    expect(read).toMatchObject({ structuredContent: { content: 'a note' }, _meta: { [RECEIPT]: { charged: 2.5, balance: 997.5 } } })
    const failed = await call(client, 'read_text_file', { path: '/etc/passwd' })
    expect(failed.isError).toBe(true)
    expect(failed._meta?.[RECEIPT]).toBeUndefined()
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 997.5, reserved: 0 })
  })

  it('a modern server is metered in the modern era, for a client that speaks nothing else', async () => {
    const home = newHome()
    const client = await newClient(home, ['--', ...MODERN], { pin: '2026-07-28' })
    const { tools } = await client.listTools()
    expect(tools.find(({ name }) => name === 'sum')?._meta).toMatchObject({ [PRICE]: { credits: { minimum: 1 } } })
    expect(await call(client, 'sum', { a: 1, b: 2 })).toMatchObject({ structuredContent: { sum: 3 }, _meta: { [RECEIPT]: { charged: 1, balance: 999 } } })
    expect((await call(client, 'get_credit_balance')).structuredContent).toMatchObject({ balance: 999 })
  })

  it('AX-14, T32: a tool without a price says so in the list and is refused with the line to add, never free by accident', async () => {
    const home = newHome()
    await jsonHere(home, 'init', '--catalog', 'neural-draft')
    const client = await newClient(home, ['--', ...EVERYTHING], 'legacy')
    const { tools } = await client.listTools()
    const echo = tools.find(({ name }) => name === 'echo')
    expect(echo?.description).toContain('Price: none is set, so calls are refused.')
    expect((echo?._meta as Record<string, unknown> | undefined)?.[PRICE]).toBeUndefined()
    const refused = await call(client, 'echo', { message: 'free?' })
    const { error } = refused._meta?.[REFUSAL] as { error: { code: string; advice: readonly string[] } }
    expect(error.code).toBe('price_unknown')
    expect(error.advice.join('\n')).toContain('"echo": { "credits": "1" }')
    expect(refused.content).toHaveLength(1)
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 250, lifetime_used: 0 })
    // The line works as it is told: nothing but the price was missing.
    const { document } = await jsonHere<{ document: object }>(home, 'catalog', 'show')
    const priced = home.path('priced.json')
    writeFileSync(priced, JSON.stringify({ ...document, tools: JSON.parse('{ "echo": { "credits": "1" } }') as object }))
    await jsonHere(home, 'catalog', 'apply', priced)
    expect(await call(client, 'echo', { message: 'paid' })).toMatchObject({ content: [{ text: 'Echo: paid' }], _meta: { [RECEIPT]: { charged: 1, balance: 249 } } })
  })

  it('an upstream server learns nothing of our variables', async () => {
    const home = newHome({ MCP_CREDITS_ACCOUNT: 'acme' })
    const client = await newClient(home, ['--', ...EVERYTHING], 'legacy')
    const { content } = await call(client, 'get-env')
    expect(content[0]?.text).toContain('"HOME"')
    expect(content[0]?.text).not.toContain('MCP_CREDITS')
  })

  it.each(['spend', 'read,spend'])('our tools that spend are offered beside a server only on request (%s), and those that read always', async (toolsets) => {
    const home = newHome()
    const client = await newClient(home, ['--toolsets', toolsets, '--', ...MODERN], 'legacy')
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['charge_credits', 'get_credit_balance']))
  })

  it('a price that another process sets stands in the next list, whether or not there was a ledger before', async () => {
    for (const home of [newHome(), await withLedger(newHome())]) {
      const client = await newClient(home, ['--', ...MODERN], 'legacy')
      const priceOfEcho = async () => (await client.listTools()).tools.find(({ name }) => name === 'echo')?.description
      expect(await priceOfEcho()).toContain('Price: 1 credit ')
      await jsonHere(home, 'price', 'echo', '7')
      expect(await priceOfEcho()).toContain('Price: 7 credits ')
      expect((await call(client, 'echo', { text: 'x' }))._meta?.[RECEIPT]).toMatchObject({ charged: 7 })
    }
  })

  it('the line about what is left comes once credits run low, and not with --no-notes', async () => {
    const home = newHome()
    await (await library(await withLedger(home))).adjust({ credits: -950 })
    const noted = await call(await newClient(home, ['--', ...MODERN], 'legacy'), 'echo', { text: 'x' })
    expect(noted.content.map(({ text }) => text)).toEqual(['x', expect.stringMatching(/^Credits: 49 left/)])
    const plain = await call(await newClient(home, ['--no-notes', '--', ...MODERN], 'legacy'), 'echo', { text: 'x' })
    expect(plain.content.map(({ text }) => text)).toEqual(['x'])
    expect(plain._meta?.[RECEIPT]).toMatchObject({ balance: 48, budget_level: 'low' })
  })
})

describe('start-up', () => {
  it('writes nothing: a client that only looks leaves no trace', async () => {
    const home = newHome()
    for (const words of [[], ['--', ...MODERN]]) {
      const client = await newClient(home, words, 'auto')
      expect((await client.listTools()).tools.length).toBeGreaterThan(7)
      await client.close()
    }
    expect(readdirSync(home.folder)).toEqual([])
  })

  it('looking at the tools of a ledger that is there writes nothing either', async () => {
    const home = await withLedger(newHome())
    const before = readFileSync(home.ledger)
    const client = await newClient(home, ['--', ...MODERN], 'legacy')
    await client.listTools()
    await client.close()
    expect(readFileSync(home.ledger).equals(before)).toBe(true)
  })

  it('T19: a ledger that cannot be used costs the prices in the list; calls are refused, each with its reason', async () => {
    const home = newHome()
    mkdirSync(home.path('data', 'mcp-credits'), { recursive: true })
    writeFileSync(home.ledger, 'not a database, and long enough to be recognised as none. '.repeat(20))
    const client = await newClient(home, ['--', ...MODERN], 'legacy')
    expect((await client.listTools()).tools.find(({ name }) => name === 'echo')?.description).toBe('Says it again.')
    for (const [name, args] of [['echo', { text: 'x' }], ['get_credit_balance', {}]] as const) {
      const refused = await call(client, name, args)
      expect(refused).toMatchObject({ isError: true, _meta: { [REFUSAL]: { error: { code: 'ledger_unavailable', retryable: false } } } })
    }
  })

  it('an upstream that cannot be started is said on standard error', async () => {
    const { code, stdout, stderr } = await newHome().run('serve', '--', 'no-such-program')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('no-such-program')
  })

  it.each([['alone', []], ['before a server', ['--', ...MODERN]]] as const)('SIGTERM ends it cleanly, %s', async (_how, words) => {
    const client = await RawClient.start(newHome(), words)
    expect(await client.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  })

  it.each([['alone', []], ['before a server', ['--', ...MODERN]]] as const)('the end of its input ends it cleanly, %s', async (_how, words) => {
    const client = await RawClient.start(newHome(), words)
    expect(await client.end()).toEqual({ code: 0, signal: null })
  })
})

describe('processes that are killed', () => {
  it('a charge that was answered is there after kill -9 right after the answer', async () => {
    const home = newHome()
    const client = await RawClient.start(home, ['--', ...EVERYTHING])
    const answer = await client.request('tools/call', { name: 'echo', arguments: { message: 'x' } })
    // The same turn of the event loop that read the answer: the server gets no time for anything more.
    const killed = client.kill('SIGKILL')
    expect(answer).toMatchObject({ result: { _meta: { [RECEIPT]: { charged: 1, balance: 999 } } } })
    expect(await killed).toEqual({ code: null, signal: 'SIGKILL' })
    const { transactions } = await jsonHere<{ transactions: readonly object[] }>(home, 'history', '--type', 'settle')
    expect(transactions).toMatchObject([{ tool: 'echo', credits: 1, balance_after: 999 }])
    expect(await jsonHere(home, 'doctor')).toMatchObject({ ok: true })
  })

  it('T04, AX-18: what a killed process had reserved is given back within 90 seconds, by whoever comes next', async () => {
    const home = newHome()
    const client = await RawClient.start(home, ['--', ...EVERYTHING])
    const progress = client.notification('notifications/progress')
    client.send('tools/call', { name: 'trigger-long-running-operation', arguments: { duration: 3, steps: 60 }, _meta: { progressToken: 'p' } })
    await progress
    expect(await client.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await (await library(home)).balance()).toMatchObject({ balance: 999, reserved: 1 })

    // No sign of life came after the reservation itself: the process was killed well before it owed one.
    const { transactions } = await (await library(home)).transactions({ type: 'reserve' })
    const reservedAt = Date.parse(transactions[0]?.at ?? '')
    const later = await library(home, { now: () => reservedAt + 75_000 })
    expect(await later.sweep()).toBe(1)
    expect(await later.balance()).toMatchObject({ balance: 1_000, reserved: 0, lifetimeUsed: 0 })
    expect(await later.verify()).toMatchObject({ ok: true })
  })
})

describe('calls that are given up', () => {
  const LONG = { name: 'trigger-long-running-operation', arguments: { duration: 3, steps: 60 }, _meta: { progressToken: 'p' } }

  it('T33: cancelled before the start it is released, after the start it is charged; the journal has both', async () => {
    const home = newHome()
    const client = await RawClient.start(home, ['--', ...EVERYTHING])
    // One write: the cancellation is read before the call has been admitted, so that nothing was started.
    const early = client.nextId
    client.sendAll([
      { id: early, method: 'tools/call', params: { name: 'echo', arguments: { message: 'x' } } },
      { method: 'notifications/cancelled', params: { requestId: early } },
    ])
    const progress = client.notification('notifications/progress')
    const late = client.send('tools/call', LONG)
    await progress
    client.sendAll([{ method: 'notifications/cancelled', params: { requestId: late } }])
    expect(await client.end()).toEqual({ code: 0, signal: null })
    const { transactions } = await jsonHere<{ transactions: readonly { type: string; tool: string | null; credits: number }[] }>(home, 'history')
    const rowsOf = (name: string) => transactions.filter(({ tool }) => tool === name).map(({ type, credits }) => [type, credits])
    expect(rowsOf('echo')).toEqual([['release', 1], ['reserve', 1]])
    expect(rowsOf(LONG.name)).toEqual([['settle', 1], ['reserve', 1]])
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 999, reserved: 0, lifetime_used: 1 })
  })

  it('T33: a server that is told to end finishes, charges and answers what it had started', async () => {
    const home = newHome()
    const client = await RawClient.start(home, ['--', ...EVERYTHING])
    const progress = client.notification('notifications/progress')
    const answer = client.answerTo(client.send('tools/call', LONG))
    await progress
    const ended = client.kill('SIGTERM')
    expect(await answer).toMatchObject({ result: { _meta: { [RECEIPT]: { charged: 1 } } } })
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 999, reserved: 0, lifetime_used: 1 })
  })
})

describe('AX-26: a catalog from a server, and a client\'s configuration around it', () => {
  it('init writes a commented catalog of the tools at the default price and imports it; it is not written over', async () => {
    const home = newHome()
    const made = JSON.parse((await home.run('init', '--json', '--', ...EVERYTHING)).stdout) as object
    expect(made).toMatchObject({ catalog: 'tools', catalog_file: 'mcp-credits.catalog.yaml', tools: 13, account: { balance: 1_000 } })
    const text = readFileSync(home.path('mcp-credits.catalog.yaml'), 'utf8')
    expect(text).toContain('  # Echoes back the input string\n  "echo": { "credits": "1" }\n')
    const again = await home.run('init', '--', ...EVERYTHING)
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('is there already')

    // A person changes a figure and applies the file.
    writeFileSync(home.path('mcp-credits.catalog.yaml'), text.replace('"get-sum": { "credits": "1" }', '"get-sum": { "credits": "7" }'))
    await jsonHere(home, 'catalog', 'apply', home.path('mcp-credits.catalog.yaml'))
    const client = await newClient(home, ['--', ...EVERYTHING], 'legacy')
    expect(await call(client, 'get-sum', { a: 1, b: 2 })).toMatchObject({ _meta: { [RECEIPT]: { charged: 7, balance: 993 } } })
  })

  it('a wrapped configuration starts the same server behind the meter', async () => {
    const home = newHome()
    const configuration = { mcpServers: { all: { command: EVERYTHING[0], args: EVERYTHING.slice(1), env: { LEVEL: '3' } }, web: { url: 'https://example.com/mcp' } } }
    writeFileSync(home.path('mcp.json'), JSON.stringify(configuration))
    const { code, stdout, stderr } = await home.run('wrap', 'mcp.json', '--db', 'own.db')
    expect(code).toBe(0)
    expect(stderr).toBe('web is left as it is: it is reached over HTTP; only servers that a client starts are wrapped\n')
    const { mcpServers } = JSON.parse(stdout) as typeof configuration
    expect(mcpServers.web).toEqual(configuration.mcpServers.web)
    const { command, args, env } = mcpServers.all
    expect({ command, args: args.slice(0, 6) }).toEqual({ command: 'npx', args: ['-y', 'mcp-credits', 'serve', '--db', home.path('own.db'), '--'] })
    // `npx -y mcp-credits` is this package's command; nothing is fetched for a test.
    const client = new OldClient({ name: 'old', version: '1' })
    await client.connect(new OldTransport({ command: process.execPath, args: [BIN, ...args.slice(2)], env: { ...home.env, ...env }, stderr: 'ignore' }))
    opened.push(client)
    const { content, _meta } = await call(client as AnyClient, 'get-env')
    expect(content[0]?.text).toContain('"LEVEL": "3"')
    expect(_meta?.[RECEIPT]).toMatchObject({ charged: 1 })
    expect([existsSync(home.path('own.db')), existsSync(home.ledger)]).toEqual([true, false])
  })
})

async function withLedger(home: Home): Promise<Home> {
  await jsonHere(home, 'init')
  return home
}
