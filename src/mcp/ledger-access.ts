import type { Credits } from '../credits.js'

/** What a call needs of the key with which the server was started, where it was started with one. */
export type Need = 'credits:read' | 'credits:spend'

/**
 * Opens the ledger for whoever this server acts for, or fails with a `CreditError`; given by the composition root, which
 * keeps what is open and looks at the key each time.
 */
export type OpenCredits = (need: Need) => Promise<Credits>

/**
 * The ledger as an agent sees it. Asked for by each call and never at the start: clients start a server only to look at it,
 * and start-up must write nothing. Nothing is kept from one call to the next, so that a key that was revoked is refused at
 * the very next call, and a ledger that comes back is found again.
 */
export function agentAccess(open: OpenCredits): OpenCredits {
  return async (need) => (await open(need)).as({ holder: 'agent' })
}
