import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonHere, runHere } from './in-process.js'
import { EVERYTHING, Home } from './process.js'

const homes: Home[] = []
afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

function newHome(variables: Readonly<Record<string, string>> = {}): Home {
  const home = new Home(variables)
  homes.push(home)
  return home
}

const squeezed = (text: string) => text.replaceAll(/ +/g, ' ')

describe('init with the command of a server', () => {
  it('puts the written catalog into force in a ledger that is there already', async () => {
    const home = newHome()
    await jsonHere(home, 'init')
    const file = home.path('tools.yaml')
    const made = await jsonHere(home, 'init', '--catalog', file, '--', ...EVERYTHING)
    expect(made).toMatchObject({ catalog: 'tools', price_version: 2, catalog_file: file, applied: { version: 2 }, account: { id: 'default', balance: 1_000 } })
    expect(existsSync(file)).toBe(true)
    expect(await jsonHere(home, 'catalog', 'diff', file)).toMatchObject({ version: 2, differences: [] })
  })

  it('prices that it raises wait for the notice period, and it says so', async () => {
    const home = newHome()
    writeFileSync(home.path('cheap.yaml'), cheaper((await runHere(newHome(), ['catalog', 'show'])).stdout))
    await jsonHere(home, 'init', '--catalog', home.path('cheap.yaml'))
    const { code, stdout } = await runHere(home, ['init', '--catalog', home.path('tools.yaml'), '--', ...EVERYTHING])
    expect(code).toBe(0)
    expect(squeezed(stdout)).toMatch(/\nCatalog starter, version 1\nFile .*, \d+ tools\nApplied the file raises prices: it is version 2, in effect from \d{4}-\d{2}-\d{2}T\S+Z, when the notice period is over\n/)
  })

  it('an account in another time zone stays as it is', async () => {
    const home = newHome()
    await jsonHere(home, 'account', 'create', 'acme', '--tz', 'Europe/Berlin')
    expect(await jsonHere(home, 'init', '--account', 'acme')).toMatchObject({ account: { id: 'acme', time_zone: 'Europe/Berlin', replayed: true } })
  })

  it('a catalog that is named and differs is refused with differences that can be read', async () => {
    const home = newHome()
    await jsonHere(home, 'init')
    const { stderr } = await runHere(home, ['init', '--catalog', 'neural-draft'])
    expect(stderr).toContain('categories: ')
    expect(stderr).not.toContain('[object')
  })
})

/** The starter's prices at half of what they are, and a week's notice before they rise. */
function cheaper(text: string): string {
  const changed = text.replace(/default_tool_price: "?1"?/, 'default_tool_price: "0.5"').replace(/price_increase_notice_days: \d+/, 'price_increase_notice_days: 7')
  expect(changed).toMatch(/notice_days: 7\n[^]*default_tool_price: "0.5"|default_tool_price: "0.5"[^]*notice_days: 7\n/)
  return changed
}

describe('prices', () => {
  it('tools of an upstream server stand beside the operations', async () => {
    const home = newHome()
    await jsonHere(home, 'price', 'echo', '0.5')
    const prices = await jsonHere<readonly { id: string }[]>(home, 'prices')
    expect(prices.find(({ id }) => id === 'tool:echo')).toMatchObject({ id: 'tool:echo', tool: 'echo', price: '0.5 credits ($0.005)' })
    expect(await jsonHere(home, 'prices', '--search', 'nothing like it')).toEqual([])
    expect(squeezed((await runHere(home, ['prices', '--search', 'ECHO'])).stdout)).toContain('\ntool:echo 0.5 credits ($0.005)')
  })
})

describe('amounts in words', () => {
  it('a grant of one credit from a later day is one credit, from that day', async () => {
    const home = newHome()
    const { stdout } = await runHere(home, ['grant', '1', '--from', '2100-01-01', '--expires', '2101-01-01'])
    expect(stdout).toMatch(/^1 credit granted from 2100-01-01T00:00:00\.000Z until 2101-01-01T00:00:00\.000Z; the balance is 1,000 \(tx_\w+\)\n$/)
  })

  it('one is a credit, and a grant has no outcome of a call', async () => {
    const home = newHome()
    const { transaction } = await jsonHere<{ transaction: string }>(home, 'grant', '1')
    const { stdout } = await runHere(home, ['explain', transaction])
    expect(stdout).toMatch(/^A grant of 1 credit\.\n\nTransaction /)
    expect(stdout).not.toMatch(/Outcome|Charged/)
    const charge = await jsonHere<{ transaction: string }>(home, 'charge', 'tool.call')
    expect(squeezed((await runHere(home, ['explain', charge.transaction])).stdout)).toMatch(/^1 credit for tool\.call by price version 1\.\n\nOutcome charged\n/)
    expect((await runHere(home, ['estimate', 'tool.call'])).stdout).toMatch(/^1 credit \(\$0\.01\)\n/)
    expect((await runHere(home, ['afford', '1'])).stdout).toMatch(/^1 credit pays for one of these:\n/)
  })
})

describe('wrap', () => {
  it.each([
    ['a bare word', '{ "mcpServers": {\n  "a": { "command": x } } }', 2],
    ['a comma too few', '{\n "a": 1\n "b": 2 }', 3],
    ['an end too soon', '{\n "a":\n', 3],
    ['a character that stands rightly before', '{ "x": 1,\n "y": [1,\n ] }', 3],
  ])('names the line of a mistake, and repeats nothing of the file: %s', async (_what, text, line) => {
    const home = newHome()
    writeFileSync(home.path('mcp.json'), text)
    const { code, stderr } = await runHere(home, ['wrap', home.path('mcp.json')])
    expect({ code, stderr }).toEqual({ code: 2, stderr: `mcp-credits: ${JSON.stringify(home.path('mcp.json'))} is not JSON: there is a mistake in line ${line}\n` })
  })

  it('a ledger and an account of the environment stay those of every server, which a client starts with an environment of its own', async () => {
    const home = newHome({ MCP_CREDITS_DB: 'ledger.db', MCP_CREDITS_ACCOUNT: 'acme' })
    const file = home.path('mcp.json')
    writeFileSync(file, JSON.stringify({ mcpServers: { a: { command: 'server', env: { LEVEL: '1' } }, b: { command: 'server' } } }))
    const database = resolve('ledger.db')
    const env = { MCP_CREDITS_DB: database, MCP_CREDITS_ACCOUNT: 'acme' }
    const args = ['-y', 'mcp-credits', 'serve', '--', 'server']
    expect(await jsonHere(home, 'wrap', file)).toEqual({ mcpServers: { a: { command: 'npx', args, env: { ...env, LEVEL: '1' } }, b: { command: 'npx', args, env } } })
    const named = ['-y', 'mcp-credits', 'serve', '--db', '/x.db', '--', 'server']
    expect(await jsonHere(home, 'wrap', file, '--db', '/x.db')).toMatchObject({ mcpServers: { b: { args: named, env: { MCP_CREDITS_ACCOUNT: 'acme' } } } })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ mcpServers: { b: { command: 'server' } } })
  })
})
