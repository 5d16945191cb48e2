import type { ReleaseCommand, SettleCommand } from './command.js'
import type { Draft } from './draft.js'
import { byFault } from './fault.js'
import type { Outcome } from './outcome.js'
import { decideRelease } from './release.js'
import { decideSettle } from './settle.js'

/** Ends one reservation: charged or given back, as its holder asks and as whose fault a failure was decides. */
export function decideEnd(draft: Draft, command: SettleCommand | ReleaseCommand): Outcome {
  const ending = byFault(draft, command)
  return ending.kind === 'settle' ? decideSettle(draft, ending) : decideRelease(draft, ending)
}
