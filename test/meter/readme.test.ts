import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { describe, expect, it, onTestFinished } from 'vitest'
import { receiptOf, type Result } from './support.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const section = readme.slice(readme.indexOf('\n## In your own server\n'), readme.indexOf('\n## Refusals\n'))
const [v2 = '', v1 = '', priced = ''] = [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block)

/** The third example with what it stands among. */
const around = v1.split('\n').slice(0, 5).join('\n').concat(`
const server = new McpServer({ name: 'clips', version: '1.0.0' })
${priced.replace(/account: .*/, "account: 'acme',")}
server.registerTool('make_clips', { inputSchema: { count: z.number() } }, ({ count }) => ({ content: [], structuredContent: { credits: count * 30 } }))
await server.connect(new StdioServerTransport())
`)

/** Runs a program as its reader would, in a folder of its own, and calls one of its tools. */
async function called(program: string, tool: string, args: Record<string, unknown>): Promise<Result> {
  const folder = mkdtempSync(join(root, 'node_modules', '.readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const text = `import { z } from 'zod'\n${program}`.replaceAll("'mcp-credits'", JSON.stringify(new URL('../../dist/src/index.js', import.meta.url).href))
  writeFileSync(join(folder, 'server.mjs'), text)
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: ['server.mjs'], cwd: folder }))
  onTestFinished(() => client.close())
  return (await client.callTool({ name: tool, arguments: args })) as unknown as Result
}

describe('the examples of the README for a server of your own', () => {
  it.each([['v2', v2], ['v1', v1]])('run as they stand on SDK %s', async (_sdk, program) => {
    const result = await called(program, 'write_post', {})
    expect(result.content[0]?.text).toBe('A post.')
    expect(receiptOf(result)).toMatchObject({ charged: 60, balance: 190 })
  })

  it('charge by the arguments and the result', async () => {
    expect(priced).toContain('credits.authenticate(')
    expect(receiptOf(await called(around, 'make_clips', { count: 2 }))).toMatchObject({ charged: 60, balance: 190 })
  })
})
