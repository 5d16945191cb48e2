import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RECEIPT } from '../proxy/counting-meter.js'
import { SCRIPTED } from '../proxy/harness.js'
import { answerOf, call, eventsOf, openSession, post, postModern } from '../proxy/http-harness.js'
import { EVERYTHING, Home } from './process.js'

let home: Home
let child: ChildProcessWithoutNullStreams | undefined

beforeEach(() => {
  home = new Home()
})

afterEach(async () => {
  child?.kill('SIGKILL')
  home.remove()
})

interface Running {
  readonly url: URL
  /** The lines of its standard error. */
  readonly lines: string[]
  readonly exit: Promise<unknown>
}

async function serve(upstream: readonly string[], ...options: readonly string[]): Promise<Running> {
  const started = home.start(['serve', '--http', '127.0.0.1:0', ...options, '--', ...upstream])
  child = started
  started.stdin.end()
  const exit = once(started, 'exit').then(([code]) => code as unknown)
  const lines: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    void exit.then((code) => reject(new Error(`ended with ${String(code)}: ${lines.join('\n')}`)))
    createInterface({ input: started.stderr }).on('line', (line) => {
      lines.push(line)
      const address = /listening on (\S+)$/.exec(line)?.[1]
      if (address !== undefined) resolve(address)
    })
  })
  return { url: new URL(url), lines, exit }
}

async function keyOf(account: string): Promise<string> {
  return (await home.json<{ key: string }>('key', 'create', '--account', account)).key
}

async function usedBy(account: string): Promise<{ lifetime_used: number; reserved: number }> {
  return home.json('credits', '--account', account)
}

it('many sessions, each with a process of its own, bring no warning to standard error, and all that these write comes through', async () => {
  const talking = 'process.stderr.write("here is " + process.pid + "\\n"); process.stdin.resume()'
  const served = await serve(['sh', '-c', `${JSON.stringify(process.execPath)} -e '${talking}' < /dev/null; exec ${[process.execPath, ...SCRIPTED].map((word) => JSON.stringify(word)).join(' ')}`], '--no-auth')
  for (let count = 0; count < SESSIONS; count += 1) await openSession(served)
  child?.kill('SIGTERM')
  expect(await served.exit).toBe(0)
  expect(served.lines.filter((line) => line.startsWith('here is '))).toHaveLength(SESSIONS)
  expect(served.lines.filter((line) => line.includes('Warning'))).toEqual([])
})

/** More than the listeners that an emitter takes without a warning. */
const SESSIONS = 14

it('a server that speaks over standard streams is served over HTTP, its calls metered to the keys that make them', async () => {
  await home.run('init')
  await home.run('account', 'create', 'bob')
  const [ada, bob] = [await keyOf('default'), await keyOf('bob')]
  const served = await serve([process.execPath, ...SCRIPTED])
  expect((await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { caller: 'none' })).status).toBe(401)
  const session = await openSession(served, ada)
  const listed = (await answerOf(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { caller: ada, session }))).result
  expect((listed?.['tools'] as { name: string }[]).map(({ name }) => name)).toContain('get_credit_balance')
  const keyed = { caller: ada, headers: { 'idempotency-key': 'job-1' } }
  const meta = (await call(served, session, 2, 'raw_line', {}, keyed)).result?.['_meta'] as { [RECEIPT]: { transaction: string } }
  expect(meta).toMatchObject({ [RECEIPT]: { charged: 1, replayed: false } })
  const { transaction } = meta[RECEIPT]
  expect((await call(served, session, 3, 'raw_line', {}, keyed)).result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1, replayed: true } })
  // A call that only asks is no write, and has no key of its own.
  expect((await call(served, session, 7, 'explain_charge', { arguments: { transaction } }, { caller: ada, headers: { 'idempotency-key': 'job-2' } })).result).toMatchObject({ structuredContent: { outcome: 'charged' } })
  expect((await call(served, session, 4, 'raw_line', {}, { caller: bob }).catch((error: Error) => error.message))).toMatchObject({ error: { message: 'Session not found' } })
  const modern = await answerOf(await postModern(served, 1, 'tools/call', { name: 'raw_line' }, { caller: bob }))
  expect(modern.result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1 } })
  const balance = await answerOf(await postModern(served, 2, 'tools/call', { name: 'get_credit_balance' }, { caller: bob }))
  expect(balance.result?.['structuredContent']).toMatchObject({ account: 'bob', lifetime_used: 1 })

  const revoked = await home.json<{ id: string }[]>('key', 'list')
  await home.run('key', 'revoke', revoked[0]?.id ?? '')
  expect((await post(served, { jsonrpc: '2.0', id: 5, method: 'ping' }, { caller: ada, session })).status).toBe(401)
  expect([await usedBy('default'), await usedBy('bob')]).toMatchObject([{ lifetime_used: 1, reserved: 0 }, { lifetime_used: 1, reserved: 0 }])

  child?.kill('SIGTERM')
  expect(await served.exit).toBe(0)
  const calls = loggedCalls(served)
  expect(calls).toContainEqual({ tool: 'get_credit_balance', outcome: 'ok' })
  expect(calls.filter(({ outcome }) => outcome === 'ok')).toHaveLength(5)
})

/** What the log says of calls, in the order in which their requests ended. */
function loggedCalls({ lines }: Running): readonly { readonly tool: string; readonly outcome: string }[] {
  const logged = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { calls?: { tool: string; outcome: string }[] })
  return logged.flatMap(({ calls }) => calls ?? [])
}

it('T46: each metered call has its line in the log with how it ended: refused by whomever, or done after its client has left', async () => {
  await home.run('init')
  const ada = await keyOf('default')
  const { key: reader } = await home.json<{ key: string }>('key', 'create', '--scope', 'credits:read')
  await home.run('budget', 'set', 'small', '2', '--window', 'total')
  const served = await serve(EVERYTHING)
  const session = await openSession(served, ada)
  await (await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { caller: ada, session })).text()
  const echo = { arguments: { message: 'planted' } }
  await call(served, session, 2, 'echo', echo, { caller: ada })
  const leaving = new AbortController()
  const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 1 } }
  const events = eventsOf(await post(served, { jsonrpc: '2.0', id: 3, method: 'tools/call', params }, { caller: ada, session, signal: leaving.signal }))
  await events.next()
  leaving.abort()
  await expect.poll(() => loggedCalls(served)).toHaveLength(2)
  await call(served, session, 4, 'echo', echo, { caller: ada })
  const other = await openSession(served, reader)
  await call(served, other, 5, 'echo', echo, { caller: reader })
  await call(served, session, 6, 'planted', {}, { caller: ada })
  await call(served, session, 7, 'get_mcp_usage', { arguments: { since: 'planted' } }, { caller: ada })
  child?.kill('SIGTERM')
  expect(await served.exit).toBe(0)
  expect(loggedCalls(served)).toEqual([
    { tool: 'echo', outcome: 'ok' },
    { tool: 'trigger-long-running-operation', outcome: 'ok' },
    { tool: 'echo', outcome: 'budget_exceeded' },
    { tool: 'echo', outcome: 'forbidden' },
    { tool: 'unlisted', outcome: 'budget_exceeded' },
    { tool: 'get_mcp_usage', outcome: 'invalid_request' },
  ])
  expect(served.lines.join()).not.toContain('planted')
})

it('T03: told to end in mid-call, it answers, charges and ends with 0', async () => {
  await home.run('init')
  const served = await serve(EVERYTHING, '--no-auth', '--log', 'off')
  const session = await openSession(served)
  const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 1 } }
  const events = eventsOf(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { session }))
  expect((await events.next()).value?.message).toBeUndefined()
  child?.kill('SIGTERM')
  let message = (await events.next()).value?.message
  // The upstream may tell of other things in between.
  while (message !== undefined && 'method' in message) message = (await events.next()).value?.message
  expect(message).toMatchObject({ id: 1, result: { _meta: { [RECEIPT]: { charged: 1 } } } })
  expect(await served.exit).toBe(0)
  expect(await usedBy('default')).toMatchObject({ lifetime_used: 1, reserved: 0 })
})

it('T03: told to end twice, it waits for no call, and what was set aside for one is given back before the ledger closes', async () => {
  await home.run('init')
  const served = await serve(EVERYTHING, '--no-auth', '--log', 'off')
  const session = await openSession(served)
  const params = { name: 'trigger-long-running-operation', arguments: { duration: 60, steps: 1 } }
  const events = eventsOf(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { session }))
  await events.next()
  expect(await usedBy('default')).toMatchObject({ reserved: 1 })
  child?.kill('SIGTERM')
  child?.kill('SIGINT')
  expect(await served.exit).toBe(0)
  expect(await usedBy('default')).toMatchObject({ lifetime_used: 0, reserved: 0 })
})

it('so many sessions are open at once as were said, and half of them for one caller', async () => {
  await home.run('init')
  const served = await serve([process.execPath, ...SCRIPTED], '--no-auth', '--log', 'off', '--sessions', '2')
  const first = await openSession(served)
  const second = await openSession(served)
  // A session that is at nothing makes room for the next one.
  const ping = (session: string) => post(served, { jsonrpc: '2.0', id: 1, method: 'ping' }, { session })
  expect([(await ping(first)).status, (await ping(second)).status]).toEqual([404, 200])
})
