import { existsSync, renameSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { RequestLog } from '../../src/cli/request-log.js'
import { jsonHere, runHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { RawClient } from '../cli/raw-client.js'
import { HttpProcess } from './process.js'
import { type Asked, connected, EventReader, HTTP_CLIENT_KINDS, modernRequest } from './support.js'

const homes: Home[] = []
const running: { readonly end: () => Promise<unknown> }[] = []
afterEach(async () => {
  for (const process of running.splice(0)) await process.end()
  for (const home of homes.splice(0)) home.remove()
})

async function withLedger(variables: Readonly<Record<string, string>> = {}): Promise<Home> {
  const home = new Home(variables)
  homes.push(home)
  await jsonHere(home, 'init')
  return home
}

async function start(home: Home, ...words: readonly string[]): Promise<HttpProcess> {
  const process = await HttpProcess.start(home, ...words)
  running.push(process)
  return process
}

async function newKey(home: Home, ...words: readonly string[]): Promise<string> {
  return (await jsonHere<{ key: string }>(home, 'key', 'create', ...words)).key
}

function resultOf({ body }: Asked): Record<string, unknown> {
  return body.result?.['structuredContent'] as Record<string, unknown>
}

function refusalOf({ body }: Asked): { readonly code: string; readonly details: Record<string, unknown> } {
  const [{ text }] = body.result?.['content'] as [{ text: string }]
  return (JSON.parse(text) as { error: { code: string; details: Record<string, unknown> } }).error
}

const spend = (server: HttpProcess, key: string, quantity: number) => server.call('charge_credits', { operation: 'tool.call', quantity }, key)

describe('serve --http', () => {
  it('AX-17: every client spends from the same pool as the other doors, and all see it at once', async () => {
    const home = await withLedger()
    const key = await newKey(home)
    const server = await start(home)
    const stdio = await RawClient.start(home, [])
    running.push(stdio)
    for (const [turn, kind] of HTTP_CLIENT_KINDS.entries()) {
      const client = await connected(kind, server.url, key)
      const charged = { balance: 990 - 15 * turn, lifetime_used: 10 + 15 * turn }
      expect((await client.callTool({ name: 'charge_credits', arguments: { operation: 'tool.call', quantity: 10 } })).structuredContent).toMatchObject({ balance: charged.balance })
      const overStdio = (await stdio.request('tools/call', { name: 'get_credit_balance' })) as { result: { structuredContent: object } }
      expect(overStdio.result.structuredContent).toMatchObject(charged)
      expect(await jsonHere(home, 'credits')).toMatchObject(charged)
      const rest = await fetch(`${server.base}/v1/balance`, { headers: { authorization: `Bearer ${key}` } })
      expect(await rest.json()).toMatchObject(charged)
      // And what the other doors spend is seen here.
      await jsonHere(home, 'charge', 'tool.call', 'quantity=5')
      expect((await client.callTool({ name: 'get_credit_balance' })).structuredContent).toMatchObject({ balance: charged.balance - 5 })
    }
  })

  it('AX-17, WC-07: the same refusal over HTTP, REST, standard streams and the command line; a subscriber hears of what they spend', async () => {
    const home = await withLedger()
    const key = await newKey(home)
    const server = await start(home)
    const stdio = await RawClient.start(home, [])
    running.push(stdio)
    const authorization = `Bearer ${key}`
    const { headers, body } = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: ['credits://balance'] } })
    const news = new EventReader(await fetch(server.url, { method: 'POST', body, headers: { ...headers, authorization } }))
    await news.next()
    const args = { operation: 'tool.call', quantity: 2_000 }
    const overHttp = refusalOf(await spend(server, key, 2_000))
    const overStdio = (await stdio.request('tools/call', { name: 'charge_credits', arguments: args })) as { result: { content: [{ text: string }] } }
    const overRest = await fetch(`${server.base}/v1/tools/charge_credits`, { method: 'POST', body: JSON.stringify(args), headers: { authorization, 'content-type': 'application/json' } })
    const onTheCommandLine = await runHere(home, ['charge', 'tool.call', 'quantity=2000', '--json'])
    const refusals = [
      (JSON.parse(overStdio.result.content[0].text) as { error: object }).error,
      ((await overRest.json()) as { error: object }).error,
      (JSON.parse(onTheCommandLine.stdout) as { error: object }).error,
    ]
    for (const refusal of refusals) expect(refusal).toEqual(overHttp)
    expect([overRest.status, onTheCommandLine.code]).toEqual([402, 3])
    await stdio.request('tools/call', { name: 'charge_credits', arguments: { operation: 'tool.call' } })
    expect(await news.next()).toMatchObject({ method: 'notifications/resources/updated', params: { uri: 'credits://balance' } })
    await news.cancel()
  })

  it('SN-11: a budget of the run, and one of the day, hold across standard streams and HTTP', async () => {
    const home = await withLedger({ MCP_CREDITS_RUN: 'run-7' })
    const key = await newKey(home)
    const server = await start(home, '--budget', '10/run', '--budget', '50/day')
    const stdio = await RawClient.start(home, ['--budget', '10/run', '--budget', '50/day'])
    running.push(stdio)
    expect(resultOf(await spend(server, key, 6))).toMatchObject({ charged: 6 })
    const overStdio = (await stdio.request('tools/call', { name: 'charge_credits', arguments: { operation: 'tool.call', quantity: 5 } })) as { result: { content: [{ text: string }] } }
    expect(JSON.parse(overStdio.result.content[0].text)).toMatchObject({ error: { code: 'budget_exceeded', details: { limited_by: { id: 'serve-run' } } } })
    await stdio.request('tools/call', { name: 'charge_credits', arguments: { operation: 'tool.call', quantity: 4 } })
    expect(refusalOf(await spend(server, key, 1))).toMatchObject({ code: 'budget_exceeded' })
    const status = resultOf(await server.call('get_budget_status', {}, key))
    expect(status).toMatchObject({ run: { id: 'serve-run', subject: 'run-7', used: 10, remaining: 0 }, tightest: { id: 'serve-run' } })
    const told = (await stdio.request('tools/call', { name: 'get_budget_status' })) as { result: { structuredContent: object } }
    expect(told.result.structuredContent).toEqual(status)
    // A server that is started again goes on where the one before it stopped.
    await server.end()
    expect(refusalOf(await spend(await start(home, '--budget', '10/run'), key, 1))).toMatchObject({ code: 'budget_exceeded' })
  })

  it('--budget is set for every account that comes, whatever its keys may', async () => {
    const home = await withLedger()
    await jsonHere(home, 'account', 'create', 'acme')
    const [mine, theirs] = [await newKey(home), await newKey(home, '--account', 'acme')]
    const server = await start(home, '--budget', '10/day')
    for (const key of [mine, theirs]) {
      expect(resultOf(await spend(server, key, 10))).toMatchObject({ charged: 10 })
      expect(refusalOf(await spend(server, key, 1))).toMatchObject({ code: 'budget_exceeded' })
    }
  })

  it('a key that is revoked by another process is refused at the very next request', async () => {
    const home = await withLedger()
    const { id, key } = await jsonHere<{ id: string; key: string }>(home, 'key', 'create')
    const server = await start(home)
    expect((await server.call('get_credit_balance', {}, key)).status).toBe(200)
    await jsonHere(home, 'key', 'revoke', id)
    const refused = await server.call('get_credit_balance', {}, key)
    expect([refused.status, refused.headers.get('www-authenticate'), refused.body.error]).toMatchObject([401, 'Bearer', { code: 'unauthenticated' }])
  })

  it('T46: what it writes on standard error has a line for each request, and no key and nothing of what was asked', async () => {
    const home = await withLedger()
    const key = await newKey(home)
    const server = await start(home)
    await server.call('charge_credits', { operation: 'tool.call', labels: { note: 'planted-4711' } }, key)
    await server.call('charge_credits', { operation: 'planted-4711' }, key)
    await server.call('charge_credits', {}, 'planted-4711')
    expect(await server.end()).toEqual({ code: 0, signal: null })
    const lines = server.stderr.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toMatchObject([
      { method: 'POST', route: '/mcp', status: 200, account: 'default', calls: [{ tool: 'charge_credits', outcome: 'ok' }] },
      { status: 200, calls: [{ tool: 'charge_credits', outcome: 'unknown_operation' }] },
      { status: 401, key: null, account: null },
    ])
    for (const secret of [key, 'planted-4711']) expect(server.stderr).not.toContain(secret)
  })

  it('--log off writes none', async () => {
    const home = await withLedger()
    const server = await start(home, '--log', 'off')
    await server.call('get_credit_balance', {}, await newKey(home))
    await server.end()
    expect(server.stderr).toBe(`mcp-credits: listening on ${server.url}\n`)
  })

  it('tells that the ledger has gone', async () => {
    const home = await withLedger()
    const server = await start(home)
    const health = async () => (await fetch(`${server.base}/healthz`)).status
    expect(await health()).toBe(200)
    renameSync(home.ledger, `${home.ledger}.away`)
    expect(await health()).toBe(503)
    renameSync(`${home.ledger}.away`, home.ledger)
    expect(await health()).toBe(200)
  })

  it('SIGTERM ends it with 0, SIGINT as well, once streams of news have ended', async () => {
    const home = await withLedger()
    const key = await newKey(home)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = await start(home)
      const { headers, body } = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: ['credits://balance'] } })
      const news = new EventReader(await fetch(server.url, { method: 'POST', body, headers: { ...headers, authorization: `Bearer ${key}` } }))
      await news.next()
      expect(await server.end(signal)).toEqual({ code: 0, signal: null })
      expect(await news.next()).toMatchObject({ result: { resultType: 'complete' } })
    }
  })

  it('SIGTERM while charges are on their way loses none: what was answered stands in the ledger, and nothing else', async () => {
    const home = await withLedger()
    const key = await newKey(home)
    const server = await start(home)
    const answers = Array.from({ length: 60 }, () => spend(server, key, 1).catch(() => null))
    await Promise.race(answers)
    expect(await server.end()).toEqual({ code: 0, signal: null })
    const answered = (await Promise.all(answers)).filter((answer) => answer?.status === 200)
    expect(answered.length).toBeGreaterThan(0)
    expect(await jsonHere(home, 'credits')).toMatchObject({ lifetime_used: answered.length, reserved: 0 })
    expect((await runHere(home, ['doctor'])).code).toBe(0)
  })
})

describe('a server in a hurry', () => {
  it('a second signal cuts off what does not end, and the end is still an orderly one', async () => {
    const home = await withLedger()
    const server = await start(home)
    // A body that never comes: the request is under way for as long as the server has patience.
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${await newKey(home)}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`)
    await expect.poll(async () => (await fetch(`${server.base}/healthz`)).status).toBe(200)
    const started = process.hrtime.bigint()
    const ended = server.end()
    // Two that follow each other closely are one: the terminal and whoever started us may both send it.
    const signals = setInterval(() => server.signal('SIGTERM'), 100)
    await new Promise((resolve) => socket.on('close', resolve).resume())
    clearInterval(signals)
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(9)
  })
})

describe('the log of a server that nobody reads', () => {
  it('leaves lines out rather than keep them, and says how many', () => {
    const lines: string[] = []
    let backlog = 0
    const log = new RequestLog((line) => void lines.push(line), () => backlog)
    log.write('first')
    backlog = 2 * 1024 * 1024
    log.write('second')
    log.write('third')
    backlog = 0
    log.write('fourth')
    expect(lines).toEqual(['first', '{"left_out":2}', 'fourth'])
  })
})

describe('serve --http --no-auth', () => {
  it('lets everybody on this machine see and spend, says so, and makes the ledger when it is first used', async () => {
    const home = new Home()
    homes.push(home)
    const server = await start(home, '--no-auth')
    expect(server.stderr).toContain('no key is asked for')
    expect((await fetch(`${server.base}/healthz`)).status).toBe(200)
    expect(existsSync(home.ledger)).toBe(false)
    expect(resultOf(await server.call('charge_credits', { operation: 'tool.call' }))).toMatchObject({ charged: 1 })
    expect((await fetch(`${server.base}/metrics`)).status).toBe(200)
    const admin = await fetch(`${server.base}/v1/admin/grants`, { method: 'POST', body: '{"credits":5}', headers: { 'content-type': 'application/json' } })
    expect([403, 404]).toContain(admin.status)
    expect(await jsonHere(home, 'credits')).toMatchObject({ lifetime_used: 1 })
  })
})

describe('serve --http is refused', () => {
  it.each([
    [['--http', '0.0.0.0:0', '--no-auth'], 'reached from other machines'],
    [['--http', '[::]:0', '--no-auth'], 'reached from other machines'],
    [['--http', 'example.com:0', '--no-auth'], 'reached from other machines'],
    [['--http', 'localhost'], 'expected [host:]port'],
    [['--http', '127.0.0.1:99999'], 'expected [host:]port'],
    [['--http', 'http://127.0.0.1:80'], 'expected [host:]port'],
    [['--http', '203.0.113.7:0'], 'no address of this machine'],
    [['--http', '0', '--body-limit', '4GB'], '--body-limit: expected bytes'],
    [['--http', '0', '--body-limit', '0'], '--body-limit: expected bytes'],
    [['--http', '0', '--rate-limit', '0'], '--rate-limit: expected a number'],
    [['--http', '0', '--sessions', 'many'], '--sessions: expected a number of sessions'],
    [['--sessions', '3'], '--sessions: only with --http'],
    [['--http', '0', '--log', 'yes'], '--log: expected json or off'],
    [['--http', '0', '--allowed-host', 'https://a'], '--allowed-host: expected'],
    [['--http', '0', '--allowed-origin', '*'], '--allowed-origin: expected'],
    [['--http', '0', '--oauth-issuer', 'https://login.example.com'], '--oauth-issuer takes --oauth-audience'],
    [['--http', '0', '--oauth-issuer', 'http://login.example.com', '--oauth-audience', 'https://a.example.com/mcp'], '--oauth-issuer: expected an https'],
    [['--http', '0', '--key', 'mc_x'], 'every caller brings a key'],
    [['--http', '0', '--toolsets', 'all'], '--toolsets: "all" is none of'],
    [['--http', '0', '--account', 'nosuch'], 'npx mcp-credits account create nosuch'],
    [['--http', '0', '--account', 'nosuch', '--no-auth'], 'npx mcp-credits account create nosuch'],
    [['--no-auth'], '--no-auth: only with --http'],
    [['--allowed-host', 'a.example.com'], '--allowed-host: only with --http'],
  ])('%j', async (words, message) => {
    const home = await withLedger()
    const { code, stderr } = await runHere(home, ['serve', ...words])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })

  it('without a ledger of which callers could have a key, and says how to make one', async () => {
    const home = new Home()
    homes.push(home)
    const { code, stderr } = await runHere(home, ['serve', '--http', '0'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('npx mcp-credits init')])
    expect(existsSync(home.ledger)).toBe(false)
  })

  it('on a port that another program has', async () => {
    const home = await withLedger()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await runHere(home, ['serve', '--http', String(port)])
    expect([code, stderr]).toEqual([2, expect.stringContaining(`127.0.0.1:${port} is in use`)])
    await new Promise((resolve) => other.close(resolve))
  })
})
