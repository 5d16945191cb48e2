import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { BIN, EVERYTHING, Home } from '../cli/process.js'
import { type AnyClient, bodyOf } from '../mcp/support.js'

const homes: Home[] = []
afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

function homeWith(variables: Readonly<Record<string, string>> = {}): Home {
  const home = new Home(variables)
  homes.push(home)
  return home
}

/** An agent's server, as its client starts it: the key is in its environment. */
async function agentOf(ledger: string, key: string, ...upstream: readonly string[]): Promise<AnyClient> {
  const { env } = homeWith({ MCP_CREDITS_DB: ledger, MCP_CREDITS_KEY: key })
  const client = new Client({ name: 'agent', version: '1' })
  const command = upstream.length === 0 ? [] : ['--toolsets', 'read,spend,ask', '--', ...upstream]
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [BIN, 'serve', ...command], env }))
  onTestFinished(() => client.close())
  return client as unknown as AnyClient
}

/** A call that is answered within a second, or fails. */
function call(client: AnyClient, name: string, args: Record<string, unknown> = {}) {
  return (client as unknown as { callTool(params: object, options: object): ReturnType<AnyClient['callTool']> }).callTool({ name, arguments: args }, { timeout: 1_000 })
}

type Told = Readonly<Record<string, unknown>>

describe('T37', () => {
  it('T37, AX-03: a sub-agent whose budget trips is answered within a second by a normal result, and its parent goes on', async () => {
    const home = homeWith()
    await home.json('init', '--catalog', 'starter')
    const { key: secret } = await home.json<{ key: string }>('key', 'create', '--id', 'parent')
    const parent = await agentOf(home.ledger, secret)
    await parent.callTool({ name: 'get_credit_balance' })

    const delegated = (await call(parent, 'delegate_budget', { credits: 5, expires_in_seconds: 600, name: 'sub-agent' })).structuredContent as Told
    expect(delegated).toMatchObject({ limit: 5, may_delegate: false, scopes: ['credits:read', 'credits:spend'] })
    const child = await agentOf(home.ledger, String(delegated['key']))
    expect((await child.callTool({ name: 'get_credit_balance' })).structuredContent).toMatchObject({ balance: 5, spendable: 5, plan: null })

    expect((await call(child, 'charge_credits', { operation: 'tool.call', quantity: 4 })).structuredContent).toMatchObject({ charged: 4, balance: 1 })
    const refused = await call(child, 'charge_credits', { operation: 'tool.call', quantity: 4 })
    expect(refused.isError).toBe(true)
    expect(bodyOf(refused)).toMatchObject({ error: { code: 'budget_exceeded', retryable: false, details: { required: 4, available: 1 } } })
    // Whether asked again, or for something else, it is answered: nothing waits.
    expect(bodyOf(await call(child, 'charge_credits', { operation: 'tool.call', quantity: 2 })).error.code).toBe('budget_exceeded')
    expect((await call(child, 'estimate_cost', { operation: 'tool.call', quantity: 2 })).structuredContent).toMatchObject({ affordable: false })
    expect((await call(child, 'charge_credits', { operation: 'tool.call', quantity: 1 })).structuredContent).toMatchObject({ charged: 1, balance: 0 })

    expect((await call(parent, 'charge_credits', { operation: 'tool.call', quantity: 10 })).structuredContent).toMatchObject({ charged: 10, balance: 985 })
    expect((await call(parent, 'get_budget_status')).structuredContent).toMatchObject({ budgets: [{ id: delegated['key_id'], used: 5, remaining: 0 }] })
    expect(await home.json('doctor')).toMatchObject({ ok: true })
  })

  it('T37, AX-03: so is one whose metered call trips, while a call of its parent is under way', async () => {
    const home = homeWith()
    await home.json('init', '--catalog', 'starter')
    const { key: secret } = await home.json<{ key: string }>('key', 'create', '--id', 'parent')
    const { key } = await homeWith({ MCP_CREDITS_DB: home.ledger, MCP_CREDITS_KEY: secret }).json<{ key: string }>('key', 'delegate', '--credits', '1', '--expires-in', '10m')
    const [parent, child] = await Promise.all([agentOf(home.ledger, secret, ...EVERYTHING), agentOf(home.ledger, key, ...EVERYTHING)])
    const longRunning = parent.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 2, steps: 2 } })
    expect((await child.callTool({ name: 'echo', arguments: { message: 'one' } })).isError).toBeFalsy()
    const refused = await call(child, 'echo', { message: 'two' })
    expect(bodyOf(refused)).toMatchObject({ error: { code: 'budget_exceeded' } })
    expect((await call(parent, 'echo', { message: 'on' })).isError).toBeFalsy()
    expect((await longRunning).isError).toBeFalsy()
    expect(await home.json('credits')).toMatchObject({ balance: 997 })
  })
})
