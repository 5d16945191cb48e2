import type { Credits } from '../credits.js'
import { seeScope } from '../facade/let-in.js'
import type { OpenCredits } from './ledger-access.js'
import type { CallOutcome } from './server.js'

/** Who calls over HTTP, let in and with the ledger as this caller may use it. */
export interface HttpCaller {
  readonly credits: Credits
  readonly id: string
  readonly account: string
  readonly scopes: readonly string[]
  /** Tells one credential from every other without being it. */
  readonly credential: string
  /** Looks at the credential again. @throws CreditError `unauthenticated` once it holds no more */
  readonly again: () => Promise<HttpCaller>
}

/** What is told of a request beside its response. */
export interface HttpTelling {
  readonly route: (pattern: string) => void
  readonly call: (tool: string, outcome: CallOutcome) => void
}

/** The ledger of a caller that was let in: whether the scopes allow a call is asked as on standard input and output. */
export function accessOf({ id, scopes, credits }: HttpCaller): OpenCredits {
  return async (need) => {
    seeScope({ key: id, scopes }, need)
    return credits
  }
}
