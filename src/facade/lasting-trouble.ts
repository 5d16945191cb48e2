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

const TROUBLES: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
  { pattern: /^The folder of the ledger file/, advice: 'Make the folder first, or name another file by --db or MCP_CREDITS_DB.' },
  { pattern: /^SQLITE_(NOTADB|CORRUPT)/, advice: 'The file is no ledger, or it is damaged: name another one by --db or MCP_CREDITS_DB, or restore a copy.' },
  { pattern: /^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)/, advice: 'This user must be able to read and write the file and its folder.' },
  { pattern: /needs the package pg/, advice: 'Install it beside mcp-credits: npm install pg' },
  { pattern: /is an unfinished copy of/, advice: 'Finish it by the same npx mcp-credits migrate --from … --to … again, or remove it.' },
  { pattern: /is not a URL/, advice: 'Write the address as postgres://user@host/database.' },
  { pattern: /SQLite is not compiled/, advice: 'Then start again.' },
]

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}
