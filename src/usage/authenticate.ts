import { type Key, keyLookup, keyOf, subjectLookup, whyInvalid } from '../keys/key.js'
import { sha256 } from '../ledger/chain.js'
import { formatInstantOrNull } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { AuthenticatedResult } from './results.js'

/**
 * Whose key a secret is and what it may do. Null for the secret of no key, of a revoked and of an expired one: who presents
 * it is not told which. Asked of the ledger each time, so that a revocation acts at the next call in every process.
 *
 * @throws CreditError `ledger_unavailable`
 */
export function authenticate(ledger: Ledger, secret: string): Promise<AuthenticatedResult | null> {
  return keyFound(ledger, keyLookup(sha256(secret)))
}

/** The same by what an authorization server calls the holder: the token was the door's to check. */
export function authenticateSubject(ledger: Ledger, subject: { readonly issuer: string; readonly subject: string }): Promise<AuthenticatedResult | null> {
  return keyFound(ledger, subjectLookup(subject))
}

async function keyFound(ledger: Ledger, lookup: string): Promise<AuthenticatedResult | null> {
  const found = await ledger.query((store) => store.recordByLookup(lookup))
  if (found === null) return null
  const { account } = found
  // By the account's own time, which a test account's clock may have moved ahead.
  const at = await ledger.read(account, (draft) => draft.at)
  const key = keyOf(found.record)
  if (whyInvalid(key, at) !== null) return null
  return { account, key: key.id, scopes: key.scopes, environment: key.environment, member: key.member, parent: key.ancestors[0] ?? null, ...told(key) }
}

function told({ isDelegated, mayDelegate, expiresAt }: Key) {
  return { isDelegated, mayDelegate, expiresAt: formatInstantOrNull(expiresAt) }
}
