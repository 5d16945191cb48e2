import { CreditError } from '../errors.js'
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
 * Options win over the environment; an empty variable is one that is not set.
 *
 * @throws CreditError `unauthenticated` for a key: this version has none, and to ignore one would be to do as the
 * operator what was asked for in the name of less.
 */
export function readSettings(options: CommonOptions, machine: Machine): Settings {
  const variable = (name: string): string | undefined => machine.env[name] || undefined
  if ((options.key ?? variable('MCP_CREDITS_KEY')) !== undefined) {
    throw new CreditError('unauthenticated', 'The key is not valid: this ledger has no keys', {
      advice: ['Leave out --key and MCP_CREDITS_KEY: on a local ledger the user of the machine is the operator.'],
    })
  }
  const database = options.db ?? variable('MCP_CREDITS_DB')
  if (database === '') throw new CreditError('invalid_request', '--db: expected a file or a postgres:// address')
  return {
    database: database ?? defaultDatabase(machine),
    isDefaultDatabase: database === undefined,
    isDefaultAccount: (options.account ?? variable('MCP_CREDITS_ACCOUNT')) === undefined,
    account: options.account ?? variable('MCP_CREDITS_ACCOUNT') ?? DEFAULT_ACCOUNT,
    isMadeWhenMissing: options.account === undefined,
    isJson: options.json ?? false,
  }
}
