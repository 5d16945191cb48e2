import type { AuthenticatedParty, Credits, PartyAsked } from '../credits.js'
import { CreditError } from '../errors.js'
import { ASK_FOR_ANOTHER_KEY, hasScope } from '../keys/key.js'
import { narrowedScopes } from '../keys/narrow.js'
import { sha256 } from '../ledger/chain.js'
import type { Caller } from './ports.js'

/** Looks at the credential of a request, its `Authorization` header. @throws CreditError `unauthenticated`, `ledger_unavailable` */
export type Identify = (authorization: string | null) => Promise<Caller>

/** What a token of an authorization server says, once it was checked. */
export interface VerifiedToken {
  readonly issuer: string
  readonly subject: string
  /** What the token allows; null where it says nothing of it. */
  readonly scopes: readonly string[] | null
}

export interface IdentityOptions {
  /** The ledger as its operator has it; opened by the first request. */
  readonly open: () => Promise<Credits>
  /** The run that work belongs to whose key is no run of its own. */
  readonly run: string | null
  /** The account whose callers alone are served; null for those of all. */
  readonly account?: string | null
  /** Checks a token that is no key of ours; left out where there is no authorization server. */
  readonly verify?: (token: string) => Promise<VerifiedToken>
  /** What is done before a caller is served; what it rejects with refuses the request. */
  readonly admit?: (credits: Credits, account: string) => Promise<void>
}

/**
 * How long a credential that is refused waits for its answer, whatever was found out about it and however soon: so nobody
 * learns from the time whether a key was never there, was revoked or has expired.
 */
const REFUSAL_MS = 25

/** What was last known of so many keys is kept, for the time when the ledger is away. */
const KNOWN_MAX = 10_000

/**
 * Identifies callers by their keys and, where there is an authorization server, by its tokens. Nothing is kept from one
 * request to the next but what was known of a key, which counts while the ledger is away: then nothing can be read, a write
 * looks at the key itself, and only what is free goes on.
 */
export function identifyByCredential(options: IdentityOptions): Identify {
  const known = new Map<string, AuthenticatedParty['known']>()
  const look = async (secret: string): Promise<Caller> => {
    const ledger = await options.open()
    const credential = sha256(secret)
    const asked = { account: options.account ?? null, run: options.run, lastKnown: known.get(credential) ?? null }
    const { verify } = options
    const token = verify !== undefined && isToken(secret) ? await verify(secret) : null
    const party = await (token === null ? ledger.withKey(secret, asked) : ofToken(ledger, token, asked)).catch((error: unknown) => {
      if (isRefusal(error, 'unauthenticated')) known.delete(credential)
      throw error
    })
    remember(known, credential, party.known)
    await options.admit?.(ledger, party.account)
    const may = token?.scopes == null ? party : narrowed(party, token.scopes)
    return { credits: may.credits, id: party.key, account: party.account, scopes: may.scopes, credential, again: () => look(secret) }
  }
  return async (authorization) => {
    const secret = secretIn(authorization)
    if (secret === null) throw new CreditError('unauthenticated', 'A key is required', { advice: [SEND_A_KEY, ...MAKE_A_KEY] })
    const delay = new Delay(REFUSAL_MS)
    try {
      return await look(secret)
    } catch (error) {
      // Another account's key is none here, which nobody needs to know who has it.
      if (!isRefusal(error, 'unauthenticated') && !isRefusal(error, 'unknown_account')) throw error
      await delay.over
      throw new CreditError('unauthenticated', 'The key is not valid: there is no such key, or it was revoked or has expired', { advice: [ASK_FOR_ANOTHER_KEY] })
    } finally {
      delay.drop()
    }
  }
}

/** Everybody is the same caller, who may see and spend: for trials on one's own machine. */
export function identifyNobody(open: () => Promise<Credits>, account: string): Identify {
  const look = async (): Promise<Caller> => {
    const credits = await open()
    return { credits, id: 'local', account, scopes: ['credits:read', 'credits:spend'], credential: 'local', again: look }
  }
  return look
}

/** A party whose token says less than its key: it acts as an operator no further than both say so. */
function narrowed({ credits, scopes: ofKey }: AuthenticatedParty, ofToken: readonly string[]): Pick<Caller, 'credits' | 'scopes'> {
  const scopes = narrowedScopes(ofKey, ofToken)
  if (hasScope(scopes, 'operator')) return { credits, scopes }
  return { credits: credits.as(hasScope(scopes, 'admin') ? { operatorOf: null } : { operatorOf: null, holder: 'agent' }), scopes }
}

async function ofToken(ledger: Credits, { issuer, subject }: VerifiedToken, asked: PartyAsked): Promise<AuthenticatedParty> {
  try {
    return await ledger.withSubject({ issuer, subject }, asked)
  } catch (cause) {
    // A subject that no key could have been made for is one that none was made for.
    if (isRefusal(cause, 'invalid_request')) throw new CreditError('unauthenticated', 'The token is of nobody', { cause })
    throw cause
  }
}

function isRefusal(error: unknown, code: CreditError['code']): boolean {
  return error instanceof CreditError && error.code === code
}

const SEND_A_KEY = 'Send the header Authorization: Bearer <key>.'
const MAKE_A_KEY = ['Whoever runs the ledger makes a key: npx mcp-credits key create']

/** The credential of a header; null for none and for another scheme. */
function secretIn(authorization: string | null): string | null {
  return /^bearer +([\x21-\x7e]+)$/i.exec(authorization?.trim() ?? '')?.[1] ?? null
}

/** A signed token has three parts; a key of ours has one. */
function isToken(secret: string): boolean {
  return secret.split('.').length === 3
}

function remember(known: Map<string, AuthenticatedParty['known']>, credential: string, found: AuthenticatedParty['known']): void {
  known.delete(credential)
  known.set(credential, found)
  const [oldest] = known.keys()
  if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest)
}

/** A moment that is counted from the beginning, so that it is the same however long the work takes until then. */
class Delay {
  readonly over: Promise<void>
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.over = new Promise((resolve) => (this.#timer = setTimeout(resolve, milliseconds)))
  }

  drop(): void {
    clearTimeout(this.#timer)
  }
}
