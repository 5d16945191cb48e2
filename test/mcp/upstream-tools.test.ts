import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readUpstreamTools } from '../../src/mcp/index.js'

const EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'))
const MODERN = fileURLToPath(new URL('../proxy/fixtures/modern-server.mjs', import.meta.url))
const read = (args: readonly string[], env: Record<string, string | undefined> = process.env) =>
  readUpstreamTools(process.execPath, args, env, { version: '1', timeoutMs: 10_000 })

describe('the tools of an upstream server', () => {
  it('are read from a real server of the old era, with their descriptions', async () => {
    const tools = await read([EVERYTHING, 'stdio'])
    expect(tools.length).toBeGreaterThan(5)
    expect(tools).toContainEqual({ name: 'echo', description: expect.any(String) })
  })

  it('are read from a server of the modern era', async () => {
    expect((await read([MODERN])).length).toBeGreaterThan(0)
  })

  it.each([
    ['a program that ends at once', ['-e', '']],
    ['a program that is no MCP server', ['-e', 'console.log("hello"); process.stdin.on("data", () => process.exit(0))']],
  ])('of %s cannot be read', async (_what, args) => {
    await expect(read(args)).rejects.toThrow()
  })

  it('of a command that does not exist cannot be read', async () => {
    await expect(readUpstreamTools('no-such-command-here', [], process.env, { version: '1' })).rejects.toThrow(/ENOENT/)
  })

  it('a list that never ends is given up', async () => {
    const endless = `
      const lines = require('node:readline').createInterface({ input: process.stdin })
      let page = 0
      lines.on('line', (line) => {
        const { id, method } = JSON.parse(line)
        if (id === undefined) return
        const answers = {
          initialize: { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'e', version: '1' } } },
          'tools/list': { result: { tools: [{ name: 'tool' + page++, inputSchema: { type: 'object' } }], nextCursor: String(page) } }
        }
        const answer = answers[method] ?? { error: { code: -32601, message: 'no' } }
        console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
      })`
    await expect(read(['-e', endless])).rejects.toThrow(/page/i)
  })
})
