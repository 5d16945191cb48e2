import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import { HOUR_MS, type Instant, NEVER } from '../time/instant.js'

/** What a key was made with; none of it changes afterwards. */
export interface KeyTerms {
  readonly name: string | null
  /** The beginning of the secret, by which a person recognises it. */
  readonly prefix: string
  /** `credits:read`, `credits:spend`, `admin`, `operator`, or operations that it may spend on: `content:*`, `image.generate`. */
  readonly scopes: readonly string[]
  readonly environment: string | null
  /** The member in whose name it spends. */
  readonly member: string | null
  /** The keys above it, the nearest first: what it spends counts for each of them as well. */
  readonly ancestors: readonly string[]
  /** Exclusive; `NEVER` for a key without an end. */
  readonly expiresAt: Instant
  /** Whether it may carve further keys out of itself. */
  readonly mayDelegate: boolean
  /** Whether it was carved out of what another party may spend, and so sees of the account its own part alone. */
  readonly isDelegated: boolean
}

/** A credential of one account. The secret is nowhere: its digest is the record's lookup. */
export interface Key extends KeyTerms {
  readonly id: string
  readonly isRevoked: boolean
  /** Whether it was closed because its time was over, and not revoked. */
  readonly hasExpired: boolean
  readonly createdAt: Instant
  /** When it last spent, told to the hour: not every charge is worth a write of its own for it. */
  readonly lastUsedAt: Instant | null
}

/** A key in a sentence: by its id and the name that somebody gave it, never by a part of its secret. */
export function keyWords({ id, name }: Pick<Key, 'id' | 'name'>): string {
  return name === null ? `The key ${id}` : `The key ${id} (${name})`
}

/**
 * What is advised with every refusal of a key. Whoever reads it may be an agent that the key is to hold: nothing else that
 * would let it act, and above all not how to do without a key, is for it to read.
 */
export const ASK_FOR_ANOTHER_KEY = 'Ask whoever gave you the key for another.'

export const DEFAULT_SCOPES: readonly string[] = ['credits:read', 'credits:spend']

export function keyDocument(terms: KeyTerms, createdAt: Instant): RecordDocument {
  return { ...terms, expiresAt: terms.expiresAt === NEVER ? null : terms.expiresAt, createdAt, lastUsedAt: null }
}

export function keyOf({ id, isOpen, document }: AccountRecord): Key {
  const terms = document as unknown as Omit<Key, 'id' | 'isRevoked' | 'hasExpired' | 'expiresAt'> & { readonly expiresAt: Instant | null }
  return { hasExpired: false, ...terms, id, isRevoked: !isOpen, expiresAt: terms.expiresAt ?? NEVER }
}

/** The lookup of the key whose secret has this digest. */
export function keyLookup(digest: string): string {
  return `key:${digest}`
}

/** The lookup of the key that is found by what an authorization server calls its holder. No issuer has a bar in it. */
export function subjectLookup({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return `subject:${issuer}|${subject}`
}

/** The key's record with its last use, null where an earlier one within the hour stands already. */
export function usedNow(record: AccountRecord, at: Instant): AccountRecord | null {
  const last = record.document['lastUsedAt'] as Instant | null | undefined
  if (typeof last === 'number' && at - last < HOUR_MS) return null
  return { ...record, document: { ...record.document, lastUsedAt: at } }
}

/** Why a key does nothing any more; null while it holds. */
export function whyInvalid({ isRevoked, expiresAt }: Pick<Key, 'isRevoked' | 'expiresAt'>, at: Instant): string | null {
  if (isRevoked) return 'was revoked'
  return expiresAt <= at ? 'has expired' : null
}

/** The id of a key that is given none, from a text of chance. Every delegated key has such a one. */
export function madeKeyId(chance: string): string {
  return `key_${chance.slice(0, 12)}`
}

/** How long such an id is. */
export const MADE_KEY_ID_LENGTH = 16

/** Whether a text may be such an id, so that not every text has to be looked up. */
export function isMadeKeyId(text: string): boolean {
  return /^key_[\da-f]{12}$/.test(text)
}

/** What a door asks of a key: to see, to spend, to manage its account, or to manage every account of the ledger. */
export const DOOR_SCOPES = ['credits:read', 'credits:spend', 'admin', 'operator'] as const
export type DoorScope = (typeof DOOR_SCOPES)[number]

/** Whether scopes allow what a door asks of them; operations are the ledger's to allow. */
export function hasScope(scopes: readonly string[], scope: DoorScope): boolean {
  if (scopes.includes(scope) || scopes.includes('operator')) return true
  if (scope === 'operator') return false
  if (scopes.includes('admin')) return true
  // A key for certain operations may spend on these, and see what is left for them.
  return scope !== 'admin' && scopes.some(isOfOperations)
}

/**
 * Whether a key sees all of its account: what others spend, and on what. A key that may only spend sees the balance, which
 * says what is left for it, and otherwise its own part.
 */
export function seesAccount(scopes: readonly string[]): boolean {
  return ['credits:read', 'admin', 'operator'].some((scope) => scopes.includes(scope))
}

/**
 * Whether a key may spend on an operation: on any by `credits:spend`, otherwise on those that its scopes name, by id
 * or as a category with `:*` (ND-12).
 */
export function mayUse(scopes: readonly string[], operation: string, category: string | null): boolean {
  if (['credits:spend', 'admin', 'operator'].some((scope) => scopes.includes(scope))) return true
  return scopes.some((scope) => scope === operation || (category !== null && scope === `${category}:*`))
}

/**
 * Whether whoever has `scopes` may give somebody else `scope`: what it has itself, whole or in part. `category` is that of
 * the operation which the scope names.
 */
export function mayGive(scopes: readonly string[], scope: string, category: string | null): boolean {
  if (scope === 'credits:read' || scope === 'admin' || scope === 'operator') return hasScope(scopes, scope)
  // A key for certain operations may spend, and does not give more than these.
  return mayUse(scopes, scope, category)
}

export function isOfOperations(scope: string): boolean {
  return !(DOOR_SCOPES as readonly string[]).includes(scope)
}
