import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import { jsonHere, runHere } from '../cli/in-process.js'
import { BIN, Home } from '../cli/process.js'
import { modernRequest } from '../http/support.js'
import { createTestDatabase } from '../support/postgres.js'
import { type ListeningProcess, startListening } from './doors.js'

const WAYS_OUT = [process.execPath, fileURLToPath(new URL('fixtures/ways-out.mjs', import.meta.url)), 'stdio']

/** What an argument, a header or a body may hold that is nobody's business; no other text in a ledger looks like it. */
const PLANTED = 'Planted-Secret-4711-Zebra'

/** A label's value is kept by its very purpose: that it is found shows that a search finds what is there. */
const KEPT = 'kept-as-a-label-0815'

/** However a secret may have been written down: as it is, in another case, or packed. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  const packed = bytes.toString('base64').replace(/=+$/, '')
  // Packed behind something else the ends differ; the middle of one of three shifts is always there.
  const shifted = [1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift, 32), bytes]).toString('base64').slice(4, -4))
  return [secret, secret.toLowerCase(), secret.toUpperCase(), encodeURIComponent(secret), bytes.toString('hex'), packed.slice(0, -1), ...shifted, Buffer.from(secret, 'utf16le').toString('latin1')]
}

/** The part of a key that makes it a secret. */
function withoutPrefix(key: string): string {
  return key.replace(/^[a-z]+_/, '')
}

function expectNowhere(place: string, text: string, secrets: readonly string[]): void {
  const found = secrets.flatMap(formsOf).filter((form) => text.includes(form))
  expect({ place, found }).toEqual({ place, found: [] })
}

/** The bytes of every file that the ledger is made of, beside each other. */
function bytesOf(home: Home, name: string): string {
  const files = readdirSync(home.folder, { recursive: true, encoding: 'utf8' }).map((file) => home.path(file)).filter((file) => statSync(file).isFile())
  const own = files.filter((file) => file.includes(name))
  expect(own).not.toEqual([])
  return own.map((file) => readFileSync(file, 'latin1')).join('\n')
}

interface Served extends ListeningProcess {
  readonly keys: readonly string[]
}

/** Asks a server for everything that takes words of a caller, with a secret wherever one could stand. */
async function plantEverywhere(served: ListeningProcess, key: string): Promise<Served> {
  const authorization = `Bearer ${key}`
  const odd = { 'x-note': PLANTED, cookie: `session=${PLANTED}`, 'user-agent': PLANTED, referer: `http://localhost/${PLANTED}` }
  const mcp = (method: string, params: Record<string, unknown>, headers: Record<string, string> = {}) =>
    fetch(served.url, { method: 'POST', ...modernRequest(method, params, { authorization, ...odd, ...headers }) }).then((response) => response.text())
  const tool = (name: string, args: object, meta: object = {}) => mcp('tools/call', { name, arguments: args, _meta: { note: PLANTED, ...meta } })
  const rest = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(new URL(path, served.url), { method: 'POST', body: JSON.stringify(body), headers: { authorization, 'content-type': 'application/json', ...odd, ...headers } }).then((response) => response.text())
  const args = { prompt: PLANTED, [PLANTED]: { deep: [PLANTED] } }
  const keyed = (name: string) => ({ 'io.github.mcp-credits/idempotency_key': name })

  // Calls of an upstream's tools: done, failed, refused, repeated until they are stopped, and such as wait for a person.
  for (const name of ['done', 'fails', 'throws']) await tool(name, args, keyed(`key of ${name}`))
  await tool('done', args, keyed('key of done'))
  await tool('done', { ...args, more: 1 }, keyed('key of done'))
  for (let again = 0; again < 5; again += 1) await tool('done', args)
  // Ours, over either door, and with what no tool takes.
  const spends = { operation: 'tool.call', args, labels: { customer: KEPT } }
  for (const ask of [(name: string, input: object) => tool(name, input), (name: string, input: object) => rest(`/v1/tools/${name}`, input)]) {
    for (let again = 0; again < 4; again += 1) await ask('charge_credits', spends)
    await ask('charge_credits', { ...spends, quantity: 90 })
    await ask('reserve_credits', { operation: 'tool.call', args, ttl_seconds: 600 })
    await ask('reserve_credits', { calls: [{ operation: 'tool.call', args }, { tool: 'done', args }] })
    await ask('estimate_cost', { operation: 'tool.call', args, quote: true })
    await ask('estimate_cost', { calls: [{ tool: 'done', args }], quote: true })
    await ask('charge_credits', { operation: 'tool.call', [PLANTED]: PLANTED })
    await ask('charge_credits', { operation: 'tool.call', quantity: PLANTED })
    await ask('list_transactions', { cursor: PLANTED })
    await ask('explain_charge', { transaction: PLANTED })
    await ask('get_mcp_usage', { time_zone: PLANTED })
  }
  const delegated = JSON.parse(await rest('/v1/tools/delegate_budget', { credits: 5, expires_in_seconds: 600, may_delegate: true })) as { readonly key: string }
  expect(delegated.key).toMatch(/^mc/)
  await rest('/v1/tools/charge_credits', spends, { authorization: `Bearer ${delegated.key}` })
  // What is no request of anybody: wrong keys, wrong paths, wrong bodies.
  for (const credential of [`Bearer ${PLANTED}`, `Basic ${Buffer.from(`${PLANTED}:${PLANTED}`).toString('base64')}`, PLANTED]) await rest('/v1/tools/charge_credits', spends, { authorization: credential })
  for (const path of [`/v1/${PLANTED}`, `/v1/balance?note=${PLANTED}`, `/${PLANTED}`, `/v1/tools/${PLANTED}`]) await rest(path, { note: PLANTED })
  for (const body of [PLANTED, `{"jsonrpc":"2.0","id":"${PLANTED}","method":"${PLANTED}"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5,"arguments":"${PLANTED}"}}`]) {
    await fetch(served.url, { method: 'POST', body, headers: { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' } }).then((response) => response.text())
  }
  await mcp('resources/read', { uri: `credits://transactions/${PLANTED}` })
  await mcp('prompts/get', { name: PLANTED })
  return { ...served, keys: [key, delegated.key] }
}

/** A product that asks a person about what is dear, and stops what runs away. */
async function furnish(home: Home): Promise<string> {
  const catalog = home.path('catalog.json')
  writeFileSync(catalog, JSON.stringify({ ...(starter as object), tools: {} }))
  await jsonHere(home, 'init', '--catalog', catalog)
  await jsonHere(home, 'guard', 'set', 'approval', '--above', '50')
  await jsonHere(home, 'guard', 'set', 'runaway', '--identical', '3')
  const { key } = await jsonHere<{ key: string }>(home, 'key', 'create')
  return key
}

const DOORS: Readonly<Record<string, readonly string[]>> = {
  'our own server': [],
  'the relay': ['--toolsets', 'read,spend,ask', '--', ...WAYS_OUT],
}

describe('T46: a secret in what is asked', () => {
  it.each(Object.entries(DOORS))('T46: is in no file of the ledger and in no line of the log, and neither is a key, of %s', async (_name, words) => {
    const home = new Home()
    onTestFinished(() => home.remove())
    const key = await furnish(home)
    const served = await startListening(home, [BIN, 'serve', '--http', '0', ...words])
    const { keys, stderr, ended } = await plantEverywhere(served, key)
    // The log of what was written last is there as a server leaves it that was killed.
    await ended('SIGKILL')
    const bytes = bytesOf(home, 'ledger.db')
    expect(bytes).toContain(KEPT)
    const log = stderr()
    expect(log.split('\n').filter((line) => line.startsWith('{')).length).toBeGreaterThan(40)
    expect(log).not.toContain('went wrong')
    for (const [place, text] of [['ledger', bytes], ['log', log]] as const) {
      expectNowhere(place, text, [PLANTED, ...keys, ...keys.map(withoutPrefix)])
    }
    // The questions and the stop are there, so that it was their digests that were searched as well.
    const { transactions } = await jsonHere<{ transactions: readonly { type: string }[] }>(home, 'history', '--limit', '200')
    expect(transactions.length).toBeGreaterThan(5)
    const { stdout } = await runHere(home, ['messages', '--json'])
    for (const told of ['approval_requested', 'runaway']) expect(stdout).toContain(told)
    expectNowhere('messages', stdout, [PLANTED, ...keys])
  })

  it('T46: is in no row on PostgreSQL either', async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.drop())
    const home = new Home({ MCP_CREDITS_DB: database.url })
    onTestFinished(() => home.remove())
    const key = await furnish(home)
    const served = await startListening(home, [BIN, 'serve', '--http', '0', ...(DOORS['the relay'] ?? [])])
    const { keys, stderr, ended } = await plantEverywhere(served, key)
    await ended('SIGTERM')
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows: tables } = await client.query<{ tablename: string }>('select tablename from pg_tables where schemaname = current_schema()')
    let text = ''
    for (const { tablename } of tables) text += JSON.stringify((await client.query(`select t::text from ${tablename} t`)).rows)
    await client.end()
    expect(text).toContain(KEPT)
    for (const [place, told] of [['rows', text], ['log', stderr()]] as const) expectNowhere(place, told, [PLANTED, ...keys, ...keys.map(withoutPrefix)])
  })

  it('T46: stands in no line that a gateway writes of its servers, whose addresses and headers it is', async () => {
    const home = new Home()
    onTestFinished(() => home.remove())
    const key = await furnish(home)
    const file = home.path('upstreams.json')
    const [command, ...args] = WAYS_OUT
    const mcpServers = {
      away: { url: `http://127.0.0.1:9/mcp?token=${PLANTED}`, headers: { authorization: `Bearer ${PLANTED}` } },
      gone: { command: '/nowhere/at/all', args: [PLANTED], env: { TOKEN: PLANTED } },
      there: { command, args, env: { TOKEN: PLANTED } },
    }
    writeFileSync(file, JSON.stringify({ mcpServers }))
    const served = await startListening(home, [BIN, 'serve', '--http', '0', '--upstreams', file])
    const answer = await fetch(served.url, { method: 'POST', ...modernRequest('tools/call', { name: 'done', arguments: { prompt: PLANTED } }, { authorization: `Bearer ${key}` }) })
    expect(await answer.text()).toContain('io.github.mcp-credits/receipt')
    await served.ended('SIGTERM')
    expect(served.stderr()).toMatch(/away: .*\n/)
    expectNowhere('log', served.stderr(), [PLANTED, key])
    expectNowhere('ledger', bytesOf(home, 'data'), [PLANTED, key])
  })
})
