import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Client } from '@modelcontextprotocol/client'
import { close, everything, filesystem, type Fronted, modern, startGateway, textOf } from './gateway-harness.js'
import { oldClient } from './sdk-clients.js'
import { proxiedTransport } from './sdk-transport.js'

let fronted: Fronted

afterEach(() => close(fronted))

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-credits-gateway-')))
writeFileSync(join(folder, 'note.txt'), 'a note')

describe('several servers behind one address', () => {
  it('real servers of both SDKs are offered as one to a v1 client, each call routed to its server and metered', async () => {
    fronted = startGateway([everything(), filesystem(folder), modern()])
    const transport = proxiedTransport(fronted)
    const client = await oldClient(transport)
    const { tools } = await client.listTools()
    const names = tools.map(tool => tool.name)
    expect(names).toContain('get-sum')
    expect(names).toContain('read_text_file')
    expect(names).toContain('sum')
    expect(names).toContain('everything_echo')
    expect(names).toContain('modern_echo')
    expect(names).not.toContain('echo')
    expect(names.at(-1)).toBe('get_credit_balance')

    const call = async (name: string, args: object): Promise<string> => textOf(await client.callTool({ name, arguments: { ...args } }) as never)
    expect(await call('everything_echo', { message: 'hi' })).toBe('Echo: hi')
    expect(await call('modern_echo', { text: 'hi' })).toBe('hi')
    expect(await call('read_text_file', { path: join(folder, 'note.txt') })).toBe('a note')
    expect(fronted.outcomes).toEqual(['everything_echo charged result', 'modern_echo charged result', 'read_text_file charged result'])

    expect((await client.listPrompts()).prompts.map(prompt => prompt.name)).toContain('greet')
    expect((await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } })).messages[0]?.content).toMatchObject({ text: 'Greet Ada' })
    expect((await client.readResource({ uri: 'note://1' })).contents[0]).toMatchObject({ text: 'a note' })
    await client.close()
  })

  it('all modern servers are spoken to in the modern era, by a v2 client that asks for it and by one that finds it', async () => {
    for (const mode of ['auto', { pin: '2026-07-28' }] as const) {
      fronted = startGateway([modern('one'), modern('two')])
      const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode } })
      await client.connect(proxiedTransport(fronted) as never)
      expect(client.getProtocolEra()).toBe('modern')
      const { tools } = await client.listTools()
      expect(tools.map(tool => tool.name).slice(0, 8)).toEqual([
        'one_echo', 'one_sum', 'one_progress', 'one_deploy', 'two_echo', 'two_sum', 'two_progress', 'two_deploy'
      ])
      const sum = await client.callTool({ name: 'two_sum', arguments: { a: 2, b: 3 } })
      expect(sum.structuredContent).toEqual({ sum: 5 })
      await client.close()
    }
  })

  it('one old server among modern ones makes all speak the old era, and the v2 client falls back', async () => {
    fronted = startGateway([modern(), everything()])
    const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(proxiedTransport(fronted) as never)
    expect(client.getProtocolEra()).toBe('legacy')
    expect(textOf(await client.callTool({ name: 'modern_echo', arguments: { text: 'hi' } }) as never)).toBe('hi')
    await client.close()
  })
})
