/** Somebody who may act in an account, and in which role. */
export interface MemberResult {
  readonly id: string
  readonly name: string | null
  readonly role: 'owner' | 'admin' | 'member' | 'viewer'
}

/** A key without its secret. */
export interface KeyResult {
  readonly id: string
  readonly name: string | null
  readonly prefix: string
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly member: string | null
  readonly parent: string | null
  readonly mayDelegate: boolean
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly state: 'active' | 'revoked' | 'expired'
}

/** A key that was just made, with its secret: shown this once and kept nowhere. */
export interface CreatedKeyResult extends KeyResult {
  /** Null where the same call was answered before: the secret was shown then. */
  readonly key: string | null
  readonly replayed: boolean
}

/** A key that was carved out of what a party may spend, with its limit. */
export interface DelegatedResult {
  /** The secret, shown this once; null where the same call was answered before. */
  readonly key: string | null
  readonly keyId: string
  readonly limit: number
  /** When it ends: earlier than asked for where the key above it ends earlier. */
  readonly expiresAt: string
  readonly scopes: readonly string[]
  readonly mayDelegate: boolean
  readonly replayed: boolean
}

/** Whose key a secret is, and what it may do. */
export interface AuthenticatedResult {
  readonly account: string
  readonly key: string
  readonly scopes: readonly string[]
  readonly environment: string | null
  /** The member in whose name it spends. */
  readonly member: string | null
  /** The key above it; null for one that nobody with a key delegated. */
  readonly parent: string | null
  /** Whether it was carved out of what another party may spend, and sees its own part of the account alone. */
  readonly isDelegated: boolean
  readonly mayDelegate: boolean
  readonly expiresAt: string | null
}
