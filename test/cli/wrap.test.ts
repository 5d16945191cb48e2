import { writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { runHere } from './in-process.js'
import { Home } from './process.js'

const ADDRESS = 'postgres://user:pass%20word@db.example.com/credits'

const home = new Home()
afterAll(() => home.remove())

interface Server {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

async function wrapped(server: object, ...words: readonly string[]): Promise<Server> {
  writeFileSync(home.path('mcp.json'), JSON.stringify({ mcpServers: { files: { command: 'server', ...server } } }))
  const { code, stdout } = await runHere(home, ['wrap', home.path('mcp.json'), ...words])
  expect(code).toBe(0)
  return (JSON.parse(stdout) as { mcpServers: { files: Server } }).mcpServers.files
}

describe('a configuration wrapped for a ledger on PostgreSQL', () => {
  it('has the address with its password in the environment of each server, and not in its arguments', async () => {
    const { args, env } = await wrapped({ env: { LEVEL: '1' } }, '--db', ADDRESS, '--account', 'acme')
    expect(args).toEqual(['-y', 'mcp-credits', 'serve', '--account', 'acme', '--', 'server'])
    expect(env).toEqual({ LEVEL: '1', MCP_CREDITS_DB: ADDRESS })
  })

  it('takes the ledger that it was told, whatever the server had been given', async () => {
    expect((await wrapped({ env: { MCP_CREDITS_DB: '/old.db' } }, '--db', ADDRESS)).env).toEqual({ MCP_CREDITS_DB: ADDRESS })
  })

  it('a file is no secret and stands in the arguments, where whoever reads the configuration looks for it', async () => {
    const { args, env } = await wrapped({}, '--db', '/own.db')
    expect(args).toEqual(['-y', 'mcp-credits', 'serve', '--db', '/own.db', '--', 'server'])
    expect(env).toBeUndefined()
  })
})

describe('a configuration wrapped with a key', () => {
  it('has the key in the environment of each server, and not in its arguments', async () => {
    const { args, env } = await wrapped({ env: { MCP_CREDITS_KEY: 'mc_old' } }, '--key', 'mc_secret')
    expect(args).toEqual(['-y', 'mcp-credits', 'serve', '--', 'server'])
    expect(env).toEqual({ MCP_CREDITS_KEY: 'mc_secret' })
  })

  it('takes the key of the environment along, but for a server that has one of its own', async () => {
    const keyed = new Home({ MCP_CREDITS_KEY: 'mc_env' })
    writeFileSync(keyed.path('mcp.json'), JSON.stringify({ mcpServers: { one: { command: 'a' }, two: { command: 'b', env: { MCP_CREDITS_KEY: 'mc_own' } } } }))
    const { stdout } = await runHere(keyed, ['wrap', keyed.path('mcp.json')])
    keyed.remove()
    expect(JSON.parse(stdout)).toMatchObject({ mcpServers: { one: { env: { MCP_CREDITS_KEY: 'mc_env' } }, two: { env: { MCP_CREDITS_KEY: 'mc_own' } } } })
  })
})
