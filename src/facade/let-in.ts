import { unknownAccount } from '../decide/decide.js'
import { CreditError } from '../errors.js'
import { ASK_FOR_ANOTHER_KEY, type DoorScope, hasScope } from '../keys/key.js'
import { errorOf, type Ledger } from '../usage/ledger.js'
import type { AuthenticatedResult } from '../usage/results.js'
import type { Acting } from './desk.js'

/** What a door asks of whoever presents a key. */
export interface PartyAsked {
  /** What the key has to allow; null or left out for any key that holds. */
  readonly scope?: DoorScope | null
  /** The account that somebody has named: the key's own or, for an operator's key, any. Left out: the key's own. */
  readonly account?: string | null
  /** The run that the work belongs to. */
  readonly run?: string | null
  /**
   * What the ledger said of this very key before. While the ledger is away it counts still: nothing can be read then, and
   * a write looks at the key itself, so that only what is free goes on. Not of an operator's key, at which no write in
   * another account looks: a ledger that is only slow would take what it writes after it was revoked.
   */
  readonly lastKnown?: AuthenticatedResult | null
}

/** A key that was let in, and as whom it acts. */
export interface LetIn {
  readonly acting: Acting & { readonly account: string }
  readonly known: AuthenticatedResult
}

/** The rule by which every door lets a key in. @throws CreditError `unauthenticated`, `forbidden`, `unknown_account`, `ledger_unavailable` */
export async function letIn(ledger: Ledger, look: () => Promise<AuthenticatedResult | null>, asked: PartyAsked): Promise<LetIn> {
  const known = await lookedAt(ledger, look, asked.lastKnown ?? null)
  if (known === null) {
    throw new CreditError('unauthenticated', 'The key is not valid: there is no such key, or it was revoked or has expired', {
      advice: [ASK_FOR_ANOTHER_KEY],
    })
  }
  const { account: own, key, scopes } = known
  const { scope = null, run = null } = asked
  if (scope !== null) seeScope(known, scope)
  const operatorOf = hasScope(scopes, 'operator') ? own : null
  const account = asked.account ?? own
  // To any other key an account that is not its own is not there.
  if (account !== own && operatorOf === null) throw errorOf(unknownAccount(account))
  const holder = hasScope(scopes, 'admin') ? 'operator' : 'agent'
  return { acting: { account, key, operatorOf, member: null, run, holder }, known }
}

/** What a door asks of a key that was let in before. @throws CreditError `forbidden`, in the same words at every door */
export function seeScope({ key, scopes }: Pick<AuthenticatedResult, 'key' | 'scopes'>, scope: DoorScope): void {
  if (hasScope(scopes, scope)) return
  throw new CreditError('forbidden', `The key ${key} may not do this; it takes the scope ${scope}`, { details: { scope, scopes } })
}

async function lookedAt(ledger: Ledger, look: () => Promise<AuthenticatedResult | null>, lastKnown: AuthenticatedResult | null): Promise<AuthenticatedResult | null> {
  if (lastKnown === null || hasScope(lastKnown.scopes, 'operator')) return look()
  try {
    return await ledger.inTime(look)
  } catch (error) {
    if (!(error instanceof CreditError && error.code === 'ledger_unavailable')) throw error
    return lastKnown
  }
}
