import { existsSync } from 'node:fs'
import { DATABASE_EXPECTED, isAddress, noDatabaseWords } from '../database-text.js'
import { CreditError } from '../errors.js'
import { ASK_FOR_ANOTHER_KEY } from '../keys/key.js'
import { isName, NAME_MAX } from '../ledger/storable-text.js'
import { type Machine, defaultDatabase } from './default-database.js'

/** The options that every command has, as commander hands them over. */
export interface CommonOptions {
  readonly db?: string
  readonly account?: string
  readonly key?: string
  readonly json?: boolean
}

/** Which ledger and which account a command is about. */
export interface Settings {
  readonly database: string
  readonly isDefaultDatabase: boolean
  readonly account: string
  /** Whether neither an option nor the environment names the account. */
  readonly isDefaultAccount: boolean
  /**
   * Whether the account may be made by the command that first needs it. One that is named on the command line has to be
   * there: a misspelt name would otherwise open a new account with a plan's credits.
   */
  readonly isMadeWhenMissing: boolean
  /** The secret of the key to act with; null for the operator, who needs none on a local ledger. */
  readonly key: string | null
  /** The run that the work belongs to, as whoever started it has named it. */
  readonly run: string | null
  readonly isJson: boolean
}

export const COMMON_OPTIONS = [
  { flags: '--db <file|url>', summary: 'the ledger: a file, or a postgres:// address (MCP_CREDITS_DB)' },
  { flags: '--account <id>', summary: 'the account that the command is about (MCP_CREDITS_ACCOUNT, else "default")' },
  { flags: '--key <secret>', summary: 'the key to act with (MCP_CREDITS_KEY)' },
  { flags: '--json', summary: 'print one JSON value instead of text' },
] as const

const DEFAULT_ACCOUNT = 'default'

/**
 * Options win over the environment. An empty variable is one that is not set, but for a key: to ignore an empty one would be
 * to do as the operator what was asked for in the name of less.
 *
 * @throws CreditError `invalid_request`, `unauthenticated` for an empty key
 */
export function readSettings(options: CommonOptions, machine: Machine): Settings {
  const variable = (name: string): string | undefined => machine.env[name] || undefined
  const run = variable('MCP_CREDITS_RUN') ?? null
  if (run !== null && !isName(run)) throw new CreditError('invalid_request', `MCP_CREDITS_RUN: expected at most ${NAME_MAX} characters`)
  const database = readDatabase(options.db, variable('MCP_CREDITS_DB'))
  return {
    database: database ?? defaultDatabase(machine),
    isDefaultDatabase: database === undefined,
    isDefaultAccount: (options.account ?? variable('MCP_CREDITS_ACCOUNT')) === undefined,
    account: options.account ?? variable('MCP_CREDITS_ACCOUNT') ?? DEFAULT_ACCOUNT,
    isMadeWhenMissing: options.account === undefined,
    key: readKey(options.key, machine.env['MCP_CREDITS_KEY']),
    run,
    isJson: options.json ?? false,
  }
}

/** Also for commands that open none: what is taken for a file is repeated by messages, and an address may hold a password. */
function readDatabase(option: string | undefined, variable: string | undefined): string | undefined {
  const database = option ?? variable
  const words = database === undefined ? null : database === '' ? 'nothing' : noDatabaseWords(database)
  if (words === null) return database
  const name = option === undefined ? 'MCP_CREDITS_DB' : '--db'
  throw new CreditError('invalid_request', `${name}: expected ${DATABASE_EXPECTED}, found ${words}`, { details: { field: name } })
}

function readKey(option: string | undefined, variable: string | undefined): string | null {
  const key = option ?? variable ?? null
  if (key !== '') return key
  const name = option === undefined ? 'MCP_CREDITS_KEY' : '--key'
  throw new CreditError('unauthenticated', `${name} is empty: expected the secret of a key`, { advice: [ASK_FOR_ANOTHER_KEY] })
}

/** Whether there is a ledger yet. A server of databases is asked by opening it; a file is looked for, since to open it would make it. */
export function isThere(database: string): boolean {
  return isAddress(database) || database === ':memory:' || existsSync(database)
}
