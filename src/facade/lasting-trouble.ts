import { CreditError } from '../errors.js'

/**
 * Runs an opening of a ledger and tells apart what mends itself (another process holds the file, a network is down) from
 * what somebody has to mend first: that is not worth a retry, and is answered with what to do.
 *
 * @throws CreditError whatever `work` does
 */
export async function lastingly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const advice = error instanceof CreditError && error.code === 'ledger_unavailable' ? adviceFor(error) : null
    if (advice === null) throw error
    const { code, message, details } = error as CreditError
    throw new CreditError(code, message, { details, advice: [advice], retryable: false, cause: error })
  }
}

/** By the driver's own code, or by our words where the driver has none. Null for what may be over at the next try. */
function adviceFor({ message, cause }: CreditError): string | null {
  const code = codeOf(cause instanceof Error ? cause.cause : undefined)
  return TROUBLES.find(({ pattern }) => pattern.test(code) || pattern.test(message))?.advice ?? null
}

const OWN_SCHEMA_ADVICE =
  'Name an empty database, or make a schema for the ledger (create schema name) and name it in the address: ?options=-c%20search_path%3Dname'

const TROUBLES: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
  { pattern: /^The folder of the ledger file/, advice: 'Make the folder first, or name another file by --db or MCP_CREDITS_DB.' },
  { pattern: /^SQLITE_(NOTADB|CORRUPT)/, advice: 'The file is no ledger, or it is damaged: name another one by --db or MCP_CREDITS_DB, or restore a copy.' },
  { pattern: /^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)/, advice: 'This user must be able to read and write the file and its folder.' },
  { pattern: /needs the package pg/, advice: 'Install it beside mcp-credits: npm install pg' },
  { pattern: /is an unfinished copy of/, advice: 'Finish it by the same npx mcp-credits migrate --from … --to … again, or remove it.' },
  { pattern: /tables of somebody else's/, advice: OWN_SCHEMA_ADVICE },
  { pattern: /names no schema that exists/, advice: 'Make the schema first (create schema name), see that the user may use it, or name another one in the address.' },
  { pattern: /^3D000$/, advice: 'Make the database first (createdb name), or name another one in the address.' },
  { pattern: /^28|it asks for a password/, advice: 'Put the user in the address, and the password in PGPASSWORD, in .pgpass or in the address: postgres://user:password@host/database.' },
  { pattern: /^42501$/, advice: 'The user must be able to use the schema, to make tables in it, and to read and write those that are there.' },
  { pattern: /do not agree about TLS/, advice: 'Write sslmode=disable in the address for a server without TLS, sslmode=verify-full for one that asks for it.' },
  {
    pattern: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)_\w+|CERT_\w+|ERR_TLS_\w+)$/,
    advice: 'The certificate of the server is not trusted: name the one that signed it by sslrootcert=file in the address.',
  },
  { pattern: /SQLite is not compiled/, advice: 'Then start again.' },
]

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}
