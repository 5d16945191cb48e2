import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Credits } from '../../credits.js'
import { CreditError } from '../../errors.js'
import type { AppliedCatalog } from '../../facade/change-catalog.js'
import type { AccountResult } from '../../usage/results.js'
import { command, type Invocation } from '../definition.js'
import { count } from '../format.js'
import { printable, type Style } from '../output.js'
import { cardLines } from '../table.js'
import { shellWord } from '../shell-word.js'
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
    const { command, style } = invocation
    const written = command.length === 0 ? null : await writeCatalog(invocation)
    const { ledger, applied } = written === null ? { ledger: await openChosen(invocation), applied: null } : await openWith(written.file, invocation)
    const account = await accountOf(ledger, invocation)
    const { version, document } = await ledger.catalog()
    const catalog = (document as { readonly id: string }).id
    const result = {
      ledger: ledger.location,
      catalog,
      priceVersion: version,
      catalogFile: written?.file ?? null,
      tools: written?.tools ?? null,
      applied: applied === null ? null : { version: applied.version, effectiveAt: applied.effectiveAt },
      account,
    }
    return { result, text: () => initLines(result, command, style) }
  },
})

/** A ledger that is there keeps the catalog that it has, unless one was named. */
async function openChosen(invocation: Invocation<Options>): Promise<Credits> {
  return invocation.open({ catalog: await chosenCatalog(invocation) })
}

interface Opened {
  readonly ledger: Credits
  /** The version that the catalog became; null where it is the first of a new ledger, or is in force already. */
  readonly applied: AppliedCatalog | null
}

/** Whoever writes a catalog wants it in force, also in a ledger that is there already: then it becomes the next version. */
async function openWith(file: string, { open }: Invocation<Options>): Promise<Opened> {
  try {
    return { ledger: await open({ catalog: file }), applied: null }
  } catch (error) {
    // Another catalog is in force; one that is not valid has no version to differ from.
    if (!(error instanceof CreditError && error.code === 'catalog_invalid' && 'version' in error.details)) throw error
  }
  const ledger = await open()
  return { ledger, applied: await ledger.applyCatalog(file) }
}

/** The account as it is, or made now. @throws CreditError `invalid_request`, `unknown_plan` for a plan that it is not on */
async function accountOf(ledger: Credits, invocation: Invocation<Options>): Promise<AccountResult> {
  const id = invocation.settings.account
  const { plan } = invocation.options
  const existing = (await ledger.accounts()).find((account) => account.id === id)
  if (existing === undefined) return ledger.createAccount(given({ id, plan: plan ?? (await askForPlan(invocation, ledger)) }))
  if (plan === undefined || plan === (existing.plan ?? NO_PLAN)) return { ...existing, replayed: true }
  const { plans = {} } = (await ledger.catalog()).document as { readonly plans?: object }
  const there = `the account ${id} exists already, on ${existing.plan === null ? 'no plan' : `the plan ${existing.plan}`}`
  const details = { account: id, plan: existing.plan }
  if (plan === NO_PLAN || Object.hasOwn(plans, plan)) throw new CreditError('invalid_request', `--plan: ${there}`, { details })
  throw new CreditError('unknown_plan', `--plan: there is no plan ${JSON.stringify(plan)}, and ${there}`, {
    details,
    advice: [`Plans are: ${Object.keys(plans).join(', ')}`],
  })
}

const NO_PLAN = 'none'

interface Made {
  readonly ledger: string
  readonly catalog: string
  readonly priceVersion: number
  readonly catalogFile: string | null
  readonly tools: number | null
  readonly applied: Pick<AppliedCatalog, 'version' | 'effectiveAt'> | null
  readonly account: AccountResult
}

function initLines({ ledger, catalog, priceVersion, catalogFile, tools, applied, account }: Made, command: readonly string[], style: Style): readonly string[] {
  const upstream = command.length === 0 ? 'npx -y @modelcontextprotocol/server-everything' : command.map(shellWord).join(' ')
  return [
    ...cardLines(
      [
        ['Ledger', printable(ledger)],
        ['Catalog', `${printable(catalog)}, version ${priceVersion}`],
        ['File', catalogFile === null ? null : `${printable(catalogFile)}, ${count(tools ?? 0, 'tool')}`],
        ['Applied', applied === null ? null : appliedWords(applied, priceVersion)],
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

function appliedWords({ version, effectiveAt }: NonNullable<Made['applied']>, inForce: number): string {
  return version === inForce
    ? `the file is version ${version} of the catalog`
    : `the file raises prices: it is version ${version}, in effect from ${effectiveAt}, when the notice period is over`
}

const CATALOG_FILE = 'mcp-credits.catalog.yaml'

/** Writes the catalog of the upstream server's tools. @throws CreditError `invalid_request` rather than write over a file */
async function writeCatalog({ options, command: [program = '', ...args], settings, io }: Invocation<Options>): Promise<{ readonly file: string; readonly tools: number }> {
  const { isBundled } = await import('../../facade/catalog-source.js')
  const isFile = options.catalog !== undefined && options.catalog !== BASE
  if (isFile && isBundled(options.catalog)) {
    throw new CreditError('invalid_request', `--catalog: with a command it is the file to write, and ${options.catalog} is a bundled catalog`)
  }
  const file = isFile ? options.catalog : CATALOG_FILE
  if (existsSync(file)) throw new CreditError('invalid_request', `${JSON.stringify(file)} is there already`, { advice: advice(file) })
  const tools = await readTools(program, args, settings.database)
  const { catalogFromTools } = await import('../../catalog/edit.js')
  const text = catalogFromTools({ id: 'tools', tools, defaultPrice: DEFAULT_TOOL_PRICE })
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (cause) {
    throw new CreditError('invalid_request', `${JSON.stringify(file)} cannot be written`, { cause })
  }
  io.note(`wrote ${printable(file)}: ${count(tools.length, 'tool')}`)
  return { file, tools: tools.length }
}

/** What every tool costs in the catalog that is used when nobody chooses one. */
const BASE = 'starter'
const DEFAULT_TOOL_PRICE = '1'

function advice(file: string): readonly string[] {
  return [`Apply it: npx mcp-credits catalog apply ${file}`, 'Or name another file to write: npx mcp-credits init --catalog <file> -- <command>']
}

async function readTools(program: string, args: readonly string[], database: string) {
  const { readUpstreamTools } = await import('../../mcp/index.js')
  const { packageVersion } = await import('../package-version.js')
  const { upstreamEnvironment } = await import('../upstream-environment.js')
  try {
    return await readUpstreamTools(program, args, upstreamEnvironment(process.env, database), { version: packageVersion() })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CreditError('invalid_request', `The tools of ${JSON.stringify(program)} cannot be read: ${reason}`, {
      advice: [`See that it starts by itself: ${[program, ...args].map(shellWord).join(' ')}`],
      cause,
    })
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
