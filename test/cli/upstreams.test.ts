import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readUpstreamServers } from '../../src/cli/upstream-servers.js'
import type { CreditError } from '../../src/errors.js'
import { createTestDatabase } from '../support/postgres.js'
import { BIN, ended, EVERYTHING, FILESYSTEM, Home, MODERN } from './process.js'
import { RawClient } from './raw-client.js'

const read = (configuration: object, env: Record<string, string> = {}) =>
  readUpstreamServers(configuration as Record<string, unknown>, { file: '/home/me/mcp.json', env })

const refusal = (server: unknown, env: Record<string, string> = {}): string => {
  try {
    read({ mcpServers: { x: server } }, env)
  } catch (error) {
    return (error as CreditError).message
  }
  return 'it was read'
}

describe('the servers of a client\'s configuration', () => {
  it('are commands with arguments, environment and folder, or addresses with headers, in either shape', () => {
    const servers = {
      a: { command: 'npx', args: ['-y', 'some-server', '${FOLDER}'], env: { TOKEN: '${env:TOKEN}', LEVEL: '${LEVEL:-info}' }, cwd: '/srv' },
      b: { type: 'http', url: 'https://example.com/mcp?x=1', headers: { Authorization: 'Bearer ${TOKEN}' } },
      c: { type: 'stdio', command: 'other' },
      d: { url: 'http://127.0.0.1:9/mcp', type: 'streamable-http' }
    }
    const expected = {
      servers: [
        { kind: 'process', name: 'a', command: 'npx', args: ['-y', 'some-server', '/data'], env: { TOKEN: 't', LEVEL: 'info' }, cwd: '/srv' },
        { kind: 'http', name: 'b', url: 'https://example.com/mcp?x=1', headers: { Authorization: 'Bearer t' } },
        { kind: 'process', name: 'c', command: 'other', args: [], env: {}, cwd: undefined },
        { kind: 'http', name: 'd', url: 'http://127.0.0.1:9/mcp', headers: {} }
      ],
      skipped: []
    }
    for (const member of ['mcpServers', 'servers']) expect(read({ [member]: servers, inputs: [] }, { FOLDER: '/data', TOKEN: 't' })).toEqual(expected)
  })

  it('leave out who is disabled, and our own server, whose tools are offered anyway', () => {
    const { servers, skipped } = read({
      mcpServers: { on: { command: 'a' }, off: { command: 'b', disabled: true }, also: { command: 'c', enabled: false }, credits: { command: 'npx', args: ['-y', 'mcp-credits', 'serve'] } }
    })
    expect(servers.map(({ name }) => name)).toEqual(['on'])
    expect(skipped.map(({ name }) => name)).toEqual(['off', 'also', 'credits'])
  })

  it.each([
    ['no object', 'npx', 'mcpServers.x: expected an object with a "command" or a "url"'],
    ['neither', {}, 'mcpServers.x: expected a "command" or a "url"'],
    ['both', { command: 'a', url: 'http://b' }, 'mcpServers.x: expected a "command" or a "url", and there are both'],
    ['a number for a command', { command: 1 }, 'mcpServers.x.command: expected a text'],
    ['an empty command', { command: ' ' }, 'mcpServers.x.command: expected a command'],
    ['a text for arguments', { command: 'a', args: 'b' }, 'mcpServers.x.args: expected a list of texts'],
    ['a number among the arguments', { command: 'a', args: ['b', 1] }, 'mcpServers.x.args[1]: expected a text'],
    ['a number in the environment', { command: 'a', env: { N: 1 } }, 'mcpServers.x.env.N: expected a text'],
    ['a file of variables', { command: 'a', envFile: '.env' }, 'mcpServers.x.envFile: such files are not read; name the variables under "env"'],
    ['another kind of command', { command: 'a', type: 'http' }, 'mcpServers.x.type: expected "stdio" for a server with a "command"'],
    ['no address', { url: 'example.com' }, 'mcpServers.x.url: expected an address that begins with http:// or https://'],
    ['another scheme', { url: 'file:///etc/passwd' }, 'mcpServers.x.url: expected an address that begins with http:// or https://'],
    ['a password in the address', { url: 'http://u:p@h/' }, 'mcpServers.x.url: an address with a user or password is not called; put them into "headers" as "Authorization"'],
    ['a transport of the past', { url: 'http://h/', type: 'sse' }, 'mcpServers.x.type: servers that speak HTTP with SSE alone are not reached; use "npx -y mcp-remote <url>" as a "command" instead'],
    ['no name of a header', { url: 'http://h/', headers: { 'a b': 'c' } }, 'mcpServers.x.headers.a b: this is no name that a header can have'],
    ['two lines in a header', { url: 'http://h/', headers: { a: 'b\nc' } }, 'mcpServers.x.headers.a: expected one line of text that a header can hold'],
    ['a variable that is not there', { url: 'http://h/', headers: { a: '${NOPE}' } }, 'mcpServers.x.headers.a: the environment has no NOPE'],
    ['a question to a person', { command: 'a', args: ['${input:token}'] }, 'mcpServers.x.args[0]: ${input:token} cannot be filled in here; a variable of the environment is written ${NAME}'],
    ['a secret of ours', { command: 'a', env: { K: '${MCP_CREDITS_KEY}' } }, 'mcpServers.x.env.K: MCP_CREDITS_KEY is for mcp-credits alone and goes to no other server'],
    ['a server behind the meter', { command: 'npx', args: ['-y', 'mcp-credits', 'serve', '--', 'a'] }, 'mcpServers.x: this server is behind the meter already, and each call would be paid twice; name the server itself, without mcp-credits before it'],
    ['the server that offers this file', { command: 'mcp-credits', args: ['serve', '--upstreams', '/home/me/mcp.json'] }, "mcpServers.x: this is the server that offers this file, and would start itself again and again; keep it in the client's own configuration"]
  ])('%s is refused with its place', (_what, server, message) => {
    expect(refusal(server, { MCP_CREDITS_KEY: 'planted' })).toBe(message)
  })

  it('T46: a refusal repeats no value, which may be a secret', () => {
    expect(refusal({ url: 'planted-secret' })).not.toContain('planted')
    expect(refusal({ url: 'http://h/', headers: { a: 'planted\n' } })).not.toContain('planted')
  })

  it('are at least one and at most 64', () => {
    expect(refusal({ command: 'a', disabled: true })).toBe('mcpServers: there is no server to offer')
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`s${index}`, { command: 'a' }]))
    expect(() => read({ mcpServers: many })).toThrow('mcpServers: expected at most 64 servers, and there are 65')
  })
})

describe('serve --upstreams', () => {
  let home: Home

  beforeEach(() => {
    home = new Home()
  })

  afterEach(() => home.remove())

  const write = (configuration: object): string => {
    writeFileSync(home.path('mcp.json'), JSON.stringify(configuration))
    return 'mcp.json'
  }

  const entry = ([command = '', ...args]: readonly string[], more: object = {}) => ({ command, args, ...more })

  it('meters the tools of every server from one pool, priced by the names that are shown', async () => {
    const file = write({ mcpServers: { every: entry(EVERYTHING), modern: entry(MODERN), files: entry([...FILESYSTEM, home.folder]) } })
    await home.json('init')
    await home.json('price', 'modern_echo', '5')
    const client = await RawClient.start(home, ['--upstreams', file])
    const call = (name: string, args: object) => client.request('tools/call', { name, arguments: args })
    expect(JSON.stringify(await call('every_echo', { message: 'hi' }))).toContain('Echo: hi')
    expect(JSON.stringify(await call('modern_echo', { text: 'hi' }))).toContain('"charged":5')
    expect(JSON.stringify(await call('list_directory', { path: home.folder }))).toContain('mcp.json')
    expect(JSON.stringify(await call('get_credit_balance', {}))).toContain('lifetime_used')
    expect((await client.end()).code).toBe(0)
    const { rows } = await home.json<{ readonly rows: readonly { readonly key: string; readonly credits: number }[] }>('usage', '--by', 'tool')
    expect(rows.map(({ key, credits }) => [key, credits]).toSorted()).toEqual([['every_echo', 1], ['list_directory', 1], ['modern_echo', 5]])
  })

  it('is served over HTTP too, to a modern client and to an old one at once', async () => {
    const file = write({ mcpServers: { one: entry(MODERN), two: entry(MODERN) } })
    await home.json('init')
    const child = home.start(['serve', '--http', '0', '--no-auth', '--log', 'off', '--upstreams', file])
    const end = ended(child)
    const url = await listening(child)
    const modern = new ModernClient({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await modern.connect(new ModernHttp(url))
    const old = new OldClient({ name: 'old', version: '1' })
    await old.connect(new OldHttp(url) as never)
    expect(modern.getProtocolEra()).toBe('modern')
    const [sum, echo] = await Promise.all([
      modern.callTool({ name: 'two_sum', arguments: { a: 2, b: 3 } }),
      old.callTool({ name: 'one_echo', arguments: { text: 'hi' } }),
    ])
    expect(sum.structuredContent).toEqual({ sum: 5 })
    expect(JSON.stringify(echo)).toContain('"text":"hi"')
    await Promise.all([modern.close(), old.close()])
    child.kill('SIGTERM')
    expect((await end).code).toBe(0)
    const { rows } = await home.json<{ readonly rows: readonly { readonly key: string }[] }>('usage', '--by', 'tool')
    expect(rows.map(({ key }) => key).toSorted()).toEqual(['one_echo', 'two_sum'])
  })

  it('names the mistake and its place, and ends with 2', async () => {
    for (const [configuration, words, message] of [
      [{ mcpServers: { x: { url: 'nowhere' } } }, ['--upstreams', 'mcp.json'], 'mcpServers.x.url: expected an address'],
      [{ mcpServers: { x: { command: 'a' } } }, ['--upstreams', 'mcp.json', '--', 'b'], '--upstreams: expected either a file or a command after --, not both'],
      [{ other: {} }, ['--upstreams', 'mcp.json'], 'there is no "mcpServers"']
    ] as const) {
      write(configuration)
      const { code, stderr } = await home.run('serve', ...words)
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    }
  })

  it('T46: ends where one of its servers is itself, however it is started, and tells no server where files are', async () => {
    mkdirSync(home.path('bin'))
    symlinkSync(home.path('mcp.json'), home.path('bin', 'same.json'))
    const file = write({ mcpServers: { it: { command: process.execPath, args: [BIN, 'serve', '--upstreams', home.path('bin', 'same.json')] } } })
    expect(await home.run('serve', '--upstreams', file)).toMatchObject({ code: 2, stderr: expect.stringContaining('would start itself again') })
    // Behind a shell it cannot be seen before, and is found by who started it.
    const inner = `${JSON.stringify(process.execPath)} ${JSON.stringify(BIN)} serve --upstreams ${JSON.stringify(home.path('mcp.json'))}`
    write({ mcpServers: { it: { command: 'sh', args: ['-c', `env > ${JSON.stringify(home.path('told'))}; ${inner}`], cwd: '/' } } })
    const child = home.start(['serve', '--upstreams', home.path('mcp.json')])
    const found = new Promise<void>((resolve) => child.stderr.on('data', (text: Buffer) => {
      if (text.toString().includes('starts itself again')) resolve()
    }))
    await found
    const told = readFileSync(home.path('told'), 'utf8').split('\n').filter((line) => line.startsWith('MCP_CREDITS_'))
    expect(told).toEqual([expect.stringMatching(/^MCP_CREDITS_UPSTREAMS_OF=[0-9a-f]{64}(?:,[0-9a-f]{64})*$/)])
    child.stdin.end()
    expect((await ended(child)).code).toBe(0)
  })

  it('T46: no server gets our own secrets, and each what it was given', async () => {
    const key = (await home.json<{ readonly key: string }>('key', 'create')).key
    const file = write({ mcpServers: { every: entry(EVERYTHING, { env: { GIVEN: 'to it' } }) } })
    const keyed = new Home({ MCP_CREDITS_KEY: key, MCP_CREDITS_DB: home.ledger })
    try {
      const client = await RawClient.start(keyed, ['--upstreams', home.path(file)])
      const told = JSON.stringify(await client.request('tools/call', { name: 'get-env', arguments: {} }))
      expect(told).toContain('to it')
      expect(told).not.toContain(key)
      expect(told).not.toContain(home.ledger)
      await client.end()
    } finally {
      keyed.remove()
    }
  })

  it('T46: no server gets what opens a ledger on PostgreSQL, however it is started, unless the file names it for that server', async () => {
    const database = await createTestDatabase()
    const own = new Home({ MCP_CREDITS_DB: database.url, PGPASSWORD: 'of the ledger', PGPASSFILE: '/of/the/ledger' })
    try {
      await own.json('init')
      writeFileSync(own.path('mcp.json'), JSON.stringify({ mcpServers: { every: entry(EVERYTHING), given: entry(EVERYTHING, { env: { PGPASSWORD: 'its own' } }) } }))
      const told = async (words: readonly string[], ...names: readonly string[]) => {
        const client = await RawClient.start(own, words)
        const answers = []
        for (const name of names) answers.push(JSON.stringify(await client.request('tools/call', { name, arguments: {} })))
        await client.end()
        return answers
      }
      const [alone = ''] = await told(['--', ...EVERYTHING], 'get-env')
      const [every = '', given = ''] = await told(['--upstreams', own.path('mcp.json')], 'every_get-env', 'given_get-env')
      const server = own.start(['serve', '--http', '0', '--no-auth', '--log', 'off', '--', ...EVERYTHING])
      const end = ended(server)
      const url = await listening(server)
      const old = new OldClient({ name: 'old', version: '1' })
      await old.connect(new OldHttp(url) as never)
      const session = JSON.stringify(await old.callTool({ name: 'get-env', arguments: {} }))
      await old.close()
      server.kill('SIGTERM')
      await end
      for (const text of [alone, every, given, session]) {
        expect(text).toContain('XDG_DATA_HOME')
        expect(text).not.toContain('of the ledger')
        expect(text).not.toContain('/of/the/ledger')
      }
      expect([alone, every, session].filter((text) => text.includes('PGPASSWORD'))).toEqual([])
      expect(given).toContain('its own')
    } finally {
      own.remove()
      await database.drop()
    }
  })
})

function listening(child: ReturnType<Home['start']>): Promise<URL> {
  return new Promise((resolve) => child.stderr.on('data', (text: Buffer) => {
    const address = /listening on (\S+)/.exec(text.toString())?.[1]
    if (address !== undefined) resolve(new URL(address))
  }))
}
