import { z } from 'zod'
import { KEPT_NAME_MAX } from '../decide/idempotency.js'
import { isStorable, NAME_MAX } from '../ledger/storable-text.js'

/** Text that not every database can keep, or that changes when it is encoded, is refused: what is hashed and what is stored must be the same. */
export const string = z.string().refine(isStorable, 'expected a text without NUL characters and lone surrogates')
export const id = string.min(1).max(NAME_MAX)
export const text = string.min(1).max(1_000)
/** Read by the money room, which says more exactly than a schema what is wrong with an amount. */
export const amount = z.unknown().meta({ type: 'number', description: 'Credits, with at most six decimals' })
/** ISO text, epoch milliseconds or a `Date`. */
export const instant = z.unknown().meta({ type: 'string', format: 'date-time' })

export const account = id.optional()
export const idempotencyKey = id.optional()
/** One to be looked up, as it is shown: to everybody but the delegated key that gave it, with the id of that key in front. */
export const shownIdempotencyKey = string.min(1).max(KEPT_NAME_MAX).optional()

/** What every write takes. */
export const write = { account, idempotencyKey }
