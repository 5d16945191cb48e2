/**
 * `npm run demo`: an MCP server that knows nothing of credits, put behind the meter, and a client that calls its tools.
 * Everything runs as it would for you: the built command, a real MCP client, a ledger in a file. The ledger lies in
 * a folder of its own, which is removed at the end.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const bin = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))
const everything = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'))
const upstream = [process.execPath, everything, 'stdio']
const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-demo-'))
const env = { ...process.env, MCP_CREDITS_DB: join(folder, 'ledger.db') }

try {
  await demo()
} finally {
  rmSync(folder, { recursive: true })
}

async function demo() {
  title('1. Make a ledger, and a catalog from the tools of an MCP server')
  credits(['init', '--', ...upstream], 'init -- npx -y @modelcontextprotocol/server-everything')

  title('2. Set the price of one tool; all others cost the default of 1 credit')
  credits(['price', 'get-tiny-image', '600'])

  title('3. Start the server behind the meter, and connect an MCP client')
  say('  client configuration: { "command": "npx", "args": ["-y", "mcp-credits", "serve", "--",')
  say('                          "npx", "-y", "@modelcontextprotocol/server-everything"] }')
  const client = new Client({ name: 'demo', version: '1.0.0' })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [bin, 'serve', '--', ...upstream], env, stderr: 'ignore' }))
  try {
    await useTools(client)
  } finally {
    await client.close()
  }

  title('8. The history of the account, and proof that its ledger adds up')
  credits(['history'])
  credits(['usage'])
  credits(['doctor'])
}

/** @param {Client} client */
async function useTools(client) {
  const { tools } = await client.listTools()
  const priced = tools.filter((tool) => tool._meta?.['io.github.mcp-credits/price'] !== undefined)
  say(`\n  ${tools.length} tools: ${priced.length} of the server, each with its price, and ${tools.length - priced.length} of ours, free:`)
  for (const { name, description } of priced.slice(0, 8)) say(`    ${name.padEnd(24)} ${/Price: .*$/.exec(description ?? '')?.[0]}`)
  say(`    … and ${tools.slice(priced.length).map(({ name }) => name).join(', ')}`)

  title('4. Call tools: each result carries a receipt')
  await call(client, 'echo', { message: 'hello' })
  await call(client, 'get-sum', { a: 2, b: 40 })
  const image = await call(client, 'get-tiny-image', {})

  title('5. The agent looks at its balance, and asks what the picture was charged for')
  const balance = await structured(client, 'get_credit_balance', {})
  say(`    balance ${balance['balance']}, used so far ${balance['lifetime_used']}, level ${balance['level']}`)
  const explained = await structured(client, 'explain_charge', { transaction: image['transaction'] })
  say(`    ${explained['explanation']}`)

  title('6. There is not enough left for a second picture: it is refused before anything runs')
  const refusal = await call(client, 'get-tiny-image', {})

  title('7. A person does what the refusal advises, and the same call goes through')
  credits(['grant', String(refusal['shortfall'])])
  await call(client, 'get-tiny-image', {})
}

/**
 * Calls a tool of the upstream server and shows what came back: the text and the receipt, or the refusal.
 *
 * @param {Client} client
 * @param {string} name
 * @param {Record<string, unknown>} args
 * @returns {Promise<Record<string, unknown>>} the receipt, or the sums of the refusal
 */
async function call(client, name, args) {
  say(`\n  → ${name} ${JSON.stringify(args)}`)
  const { content, isError, _meta } = await client.callTool({ name, arguments: args })
  const [first] = content
  const text = first?.type === 'text' ? first.text : `(${first?.type})`
  if (isError === true) {
    const { error } = JSON.parse(text)
    say(`  ← refused, ${error.code}: ${error.message}`)
    for (const advice of error.advice) say(`      ${advice}`)
    return error.details
  }
  const receipt = /** @type {Record<string, unknown>} */ (_meta?.['io.github.mcp-credits/receipt'])
  say(`  ← ${text}`)
  say(`      receipt: ${receipt['charged']} charged, ${receipt['balance']} left, level ${receipt['budget_level']}, ${receipt['transaction']}`)
  return receipt
}

/**
 * Calls one of our tools, which cost nothing.
 *
 * @param {Client} client
 * @param {string} name
 * @param {Record<string, unknown>} args
 * @returns {Promise<Record<string, unknown>>}
 */
async function structured(client, name, args) {
  say(`\n  → ${name} ${JSON.stringify(args)}`)
  const { structuredContent } = await client.callTool({ name, arguments: args })
  return /** @type {Record<string, unknown>} */ (structuredContent)
}

/**
 * Runs the command line as a person would and shows what it prints.
 *
 * @param {readonly string[]} args
 * @param {string} shown
 */
function credits(args, shown = args.join(' ')) {
  say(`\n  $ npx mcp-credits ${shown}`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { env, cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`mcp-credits ${shown} ended with ${status}: ${stderr}`)
  for (const line of stdout.trimEnd().split('\n')) say(line === '' ? '' : `    ${line}`)
}

/** @param {string} text */
function title(text) {
  say(`\n${text}`)
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line.replaceAll(upstream.join(' '), 'npx -y @modelcontextprotocol/server-everything')}\n`)
}
