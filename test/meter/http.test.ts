import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type CallContext, meter } from '../../src/index.js'
import { type AnyClient, type MeterLedger, openLedger, receiptOf, refusalOf, says, spent } from './support.js'

const INFO = { name: 'studio', version: '1' }

interface Served extends MeterLedger {
  readonly client: AnyClient
  /** Resolves once the tool runs. */
  readonly started: Promise<void>
  /** Lets the tool end. */
  finish(): void
}

/** A server that is made for each request, with a tool that ends when it is told to, and a client of the era over HTTP. */
async function served(mode: 'legacy' | { pin: string }, account: string | ((context: CallContext<unknown>) => string | null) = 'acme'): Promise<Served> {
  const ledger = await openLedger()
  let begin!: () => void
  let finish!: () => void
  const started = new Promise<void>((resolve) => (begin = resolve))
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const handler = createMcpHandler(() => {
    const server = meter(new McpServer(INFO), { credits: ledger.credits, account })
    server.registerTool('draw', {}, async () => (begin(), await finished, says('drawn')))
    return server
  }, { responseMode: 'sse' })
  const client = new Client(INFO, { versionNegotiation: { mode } })
  const authInfo = { token: 't', clientId: 'acme', scopes: [] }
  await client.connect(new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch: (url, init) => handler.fetch(new Request(url, init), { authInfo }) }))
  onTestFinished(async () => {
    await client.close()
    await handler.close()
  })
  return { ...ledger, client: client as never, started, finish }
}

describe.each([
  ['of 2026-07-28', { pin: '2026-07-28' }],
  ['of the handshake', 'legacy'],
] as const)('a call over HTTP %s, with a server for each request', (_era, mode) => {
  it('is charged with a receipt to the account of whoever has called', async () => {
    const { client, finish, ...ledger } = await served(mode, ({ authInfo }) => authInfo?.clientId ?? null)
    finish()
    expect(receiptOf(await client.callTool({ name: 'draw', arguments: {} }))).toMatchObject({ charged: 5, balance: 95 })
    expect(await spent(ledger)).toBe(5)
  })

  it('is refused for whoever has no account', async () => {
    const { client } = await served(mode, () => null)
    expect(refusalOf(await client.callTool({ name: 'draw', arguments: {} }))).toBe('unauthenticated')
  })

  it('T33: whose client goes away is charged for what its tool has done all the same', async () => {
    const { client, started, finish, ...ledger } = await served(mode)
    const calling = new AbortController()
    const call = client.callTool({ name: 'draw', arguments: {} }, { signal: calling.signal })
    await started
    calling.abort()
    await expect(call).rejects.toThrow()
    expect((await ledger.credits.balance()).reserved).toBe(5)
    finish()
    for (let turn = 0; turn < 1_000 && (await ledger.credits.balance()).reserved > 0; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(await spent(ledger)).toBe(5)
  })
})
