import type { Credits } from '../credits.js'

/** Opens the ledger, or fails with a `CreditError`; given by the composition root. */
export type OpenCredits = () => Promise<Credits>

/**
 * The ledger as an agent sees it, opened at the first call that needs it and kept: clients start a server only to look
 * at it, and start-up must write nothing. A failure is not kept, so that a ledger that comes back is found again.
 */
export function agentAccess(open: OpenCredits): OpenCredits {
  let opened: Promise<Credits> | undefined
  return () => {
    opened ??= open().then(
      (credits) => credits.as({ holder: 'agent' }),
      (error: unknown) => {
        opened = undefined
        throw error
      },
    )
    return opened
  }
}
