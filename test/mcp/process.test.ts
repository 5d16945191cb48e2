import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client as ModernClient } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, it, onTestFinished } from 'vitest'
import { tools } from '../../tools/index.js'
import { type AnyClient, bodyOf } from './support.js'

const BIN = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))
const INFO = { name: 'test', version: '1' }

const CLIENTS = {
  'SDK 1': async (args: string[]) => {
    const client = new OldClient(INFO)
    await client.connect(new OldStdio({ command: process.execPath, args }))
    return client as unknown as AnyClient
  },
  'SDK 2 as it comes': (args: string[]) => modern(args, 'legacy'),
  'SDK 2 that probes with a process of its own': (args: string[]) => modern(args, 'auto'),
  'SDK 2 that wants 2026-07-28': (args: string[]) => modern(args, { pin: '2026-07-28' }),
} as const

it.each(Object.entries(CLIENTS))('over a real process, %s lists the tools before there is a ledger, and calls them', async (_kind, connect) => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-'))
  const file = join(folder, 'ledger.db')
  const client = await connect([BIN, 'serve', '--db', file])
  onTestFinished(async () => {
    await client.close()
    await rm(folder, { recursive: true, force: true })
  })
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => name))
  expect(existsSync(file)).toBe(false)
  expect((await client.callTool({ name: 'get_credit_balance' })).structuredContent).toMatchObject({ account: 'default', balance: 1_000 })
  const refused = await client.callTool({ name: 'charge_credits', arguments: { operation: 'no.such', idempotency_key: 'k' } })
  expect(bodyOf(refused).error.code).toBe('unknown_operation')
  expect((await client.readResource({ uri: 'credits://balance' })).contents).toHaveLength(1)
})

async function modern(args: string[], mode: 'legacy' | 'auto' | { pin: string }): Promise<AnyClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode } as never })
  await client.connect(new StdioClientTransport({ command: process.execPath, args }))
  return client as unknown as AnyClient
}
