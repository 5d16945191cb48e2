import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Credits } from '../../credits.js'
import { CreditError } from '../../errors.js'
import type { AccountResult } from '../../usage/results.js'
import { command, type Invocation } from '../definition.js'
import { count } from '../format.js'
import { printable, type Style } from '../output.js'
import { cardLines } from '../table.js'
import { given } from './spend.js'

interface Options {
  readonly catalog?: string
  readonly plan?: string
}

export const initCommand = command<Options>({
  name: 'init',
  summary: 'make the ledger, import a catalog and make the account; with a command, write the catalog from the tools of that MCP server',
  options: [
    { flags: '--catalog <name|file>', summary: 'a bundled catalog or a file; "starter" unless told. With a command: the file to write' },
    { flags: '--plan <id>', summary: "the account's plan; the catalog's default one unless told" },
  ],
  takesCommand: true,
  example: 'init -- npx -y @modelcontextprotocol/server-everything',
  run: async (invocation) => {
    const { open, options, command, settings, style } = invocation
    const written = command.length === 0 ? null : await writeCatalog(invocation)
    const ledger = await open(written?.file ?? (await chosenCatalog(invocation)))
    const plan = options.plan ?? (await askForPlan(invocation, ledger))
    const account = await ledger.createAccount(given({ id: settings.account, plan }))
    const { version, document } = await ledger.catalog()
    const catalog = (document as { readonly id: string }).id
    const result = { ledger: ledger.location, catalog, priceVersion: version, catalogFile: written?.file ?? null, tools: written?.tools ?? null, account }
    return { result, text: () => initLines(result, command, style) }
  },
})

interface Made {
  readonly ledger: string
  readonly catalog: string
  readonly priceVersion: number
  readonly catalogFile: string | null
  readonly tools: number | null
  readonly account: AccountResult
}

function initLines({ ledger, catalog, priceVersion, catalogFile, tools, account }: Made, command: readonly string[], style: Style): readonly string[] {
  const upstream = command.length === 0 ? 'npx -y @modelcontextprotocol/server-everything' : command.map(shellWord).join(' ')
  return [
    ...cardLines(
      [
        ['Ledger', printable(ledger)],
        ['Catalog', `${printable(catalog)}, version ${priceVersion}`],
        ['File', catalogFile === null ? null : `${printable(catalogFile)}, ${tools ?? 0} tools`],
        ['Account', printable(account.id)],
        ['Plan', account.plan === null ? 'none' : printable(account.plan)],
        ['Balance', `${count(account.balance, 'credit')}`],
      ],
      style,
    ),
    '',
    ...(catalogFile === null ? [] : [`Change prices in ${printable(catalogFile)}, then: npx mcp-credits catalog apply ${printable(catalogFile)}`]),
    `${catalogFile === null ? 'Put a server' : 'Put it'} behind the meter: npx mcp-credits serve -- ${printable(upstream)}`,
    'Or all servers of a client: npx mcp-credits wrap mcp.json',
  ]
}

/** A word as a shell takes it back. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

const CATALOG_FILE = 'mcp-credits.catalog.yaml'

/** Writes the catalog of the upstream server's tools. @throws CreditError `invalid_request` rather than write over a file */
async function writeCatalog({ options, command: [program = '', ...args], io }: Invocation<Options>): Promise<{ readonly file: string; readonly tools: number }> {
  const { isBundled } = await import('../../facade/catalog-source.js')
  const isFile = options.catalog !== undefined && options.catalog !== BASE
  if (isFile && isBundled(options.catalog)) {
    throw new CreditError('invalid_request', `--catalog: with a command it is the file to write, and ${options.catalog} is a bundled catalog`)
  }
  const file = isFile ? options.catalog : CATALOG_FILE
  if (existsSync(file)) throw new CreditError('invalid_request', `${JSON.stringify(file)} is there already`, { advice: advice(file) })
  const tools = await readTools(program, args)
  const { catalogFromTools } = await import('../../catalog/edit.js')
  const text = catalogFromTools({ id: 'tools', tools, defaultPrice: DEFAULT_TOOL_PRICE })
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (cause) {
    throw new CreditError('invalid_request', `${JSON.stringify(file)} cannot be written`, { cause })
  }
  io.note(`wrote ${printable(file)}: ${tools.length} tools`)
  return { file, tools: tools.length }
}

/** What every tool costs in the catalog that is used when nobody chooses one. */
const BASE = 'starter'
const DEFAULT_TOOL_PRICE = '1'

function advice(file: string): readonly string[] {
  return [`Apply it: npx mcp-credits catalog apply ${file}`, 'Or name another file to write: npx mcp-credits init --catalog <file> -- <command>']
}

async function readTools(program: string, args: readonly string[]) {
  const { readUpstreamTools } = await import('../../mcp/index.js')
  const { packageVersion } = await import('../package-version.js')
  const { upstreamEnvironment } = await import('../upstream-environment.js')
  try {
    return await readUpstreamTools(program, args, upstreamEnvironment(process.env), { version: packageVersion() })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CreditError('invalid_request', `The tools of ${JSON.stringify(program)} cannot be read: ${reason}`, { cause })
  }
}

/** Asked only of a person, and only where there is something to choose: a ledger that is there has its catalog. */
async function chosenCatalog({ options, settings, io }: Invocation<Options>): Promise<string | undefined> {
  if (options.catalog !== undefined || !io.isInteractive || settings.isJson || existsSync(settings.database)) return options.catalog
  const { bundledNames } = await import('../../facade/catalog-source.js')
  return (await io.ask(`Catalog, a file or one of ${bundledNames().join(', ')} [${BASE}]: `)) || BASE
}

async function askForPlan({ settings, io }: Invocation<Options>, ledger: Credits): Promise<string | undefined> {
  if (!io.isInteractive || settings.isJson) return undefined
  const { document } = await ledger.catalog()
  const { plans = {}, default_plan: usual = '' } = document as { readonly plans?: object; readonly default_plan?: string }
  const ids = Object.keys(plans)
  return ids.length < 2 ? undefined : (await io.ask(`Plan, one of ${ids.join(', ')} [${usual}]: `)) || undefined
}
