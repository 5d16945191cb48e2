import { isTimeZone } from '../time/calendar.js'
import type { SetTimeZoneCommand } from './command.js'
import type { Draft } from './draft.js'
import { type Outcome, refuse } from './outcome.js'
import { done } from './result.js'

/**
 * Moves an account to another time zone. The running period keeps its end; boundaries after it are those of the plan's
 * anchor in the new zone. The zone that it has already needs no row, but a key takes one, so that the same call repeated
 * finds its answer.
 */
export function decideSetTimeZone(draft: Draft, command: SetTimeZoneCommand): Outcome {
  const { timeZone: from } = draft.account
  const { timeZone: to, actor, idempotencyKey, fingerprint } = command
  if (!isTimeZone(to)) {
    return refuse('invalid_request', `There is no time zone ${JSON.stringify(to.slice(0, 64))}`, {
      details: { timeZone: to },
      advice: ['Name a zone of the IANA database, such as Europe/Berlin or UTC.'],
    })
  }
  if (from === to && idempotencyKey === null) return done(draft, null)
  const detail = { change: 'time_zone', from, to }
  const transaction = draft.post('amend', [], { credits: 0n, actor, idempotencyKey, fingerprint, detail })
  draft.change({ timeZone: to })
  return done(draft, transaction)
}
