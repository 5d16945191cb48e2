/** Whether a text is the address of a database on PostgreSQL; anything else is a file. */
export function isAddress(database: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(database)
}

export const DATABASE_EXPECTED = 'a file, ":memory:" or a postgres:// address'

/**
 * What a text is that names no ledger although it looks like an address, in words that go after "found"; null for any other.
 * A text that is taken for a file is repeated by messages, and an address may hold a password: what merely resembles one is
 * refused before it gets that far, and never repeated.
 */
export function noDatabaseWords(database: string): string | null {
  if (isAddress(database)) return null
  const scheme = OTHER_SCHEME.exec(database)?.[1]
  if (scheme !== undefined) return `an address that begins with ${scheme.slice(0, 20)}:`
  return RESEMBLING.some((pattern) => pattern.test(database)) ? MISWRITTEN : null
}

/** Addresses of other databases. A drive's letter on Windows is no scheme, and a lone colon may stand in a file's name. */
const OTHER_SCHEME = /^([a-z][a-z\d+.-]+):(?:\/\/|(?<=^(?:sqlite3?|file|libsql|mysql|mariadb|postgres(?:ql)?):))/i

const RESEMBLING = [
  // A user with a password before a host, wherever it stands.
  /\/\/.*:.*@/s,
  // The scheme after a blank, a quote or another's name, or at the beginning with a slip in what follows it.
  /postgres(?:ql)?:\/\//i,
  /^[^\w./\\~]*postgres(?:ql)?(?::|\/\/)/i,
  // The other way in which PostgreSQL's own tools write it, and which holds a password as well.
  /\bpassword\s*=/i,
]

const MISWRITTEN = 'an address that is written wrongly; one begins with postgres:// or postgresql://, with no blank and no quote before it'
