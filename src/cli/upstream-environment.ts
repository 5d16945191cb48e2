import { isAddress } from '../database-text.js'

/**
 * The environment of a server that we start: ours without what is ours alone. A key, a database's address with its password
 * and, for a ledger on PostgreSQL, what its driver takes a password from are no business of somebody else's program: with
 * them it could write to the ledger that meters it. Where the ledger is a file these two are not ours, and are passed on.
 */
export function upstreamEnvironment(env: Environment, database: string): Environment {
  const ours = isAddress(database) ? OURS_ON_POSTGRES : OURS
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)))
}

export type Environment = Readonly<Record<string, string | undefined>>

const OURS = /^MCP_CREDITS_/i
const OURS_ON_POSTGRES = /^(?:MCP_CREDITS_|PGPASS(?:WORD|FILE)$)/i
