import type { Command } from '../decide/command.js'
import type { Need } from '../decide/view.js'
import type { Account } from '../ledger/account.js'
import { sequenceOfId } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'

/** How many open grants are loaded before anybody has asked how many it takes. */
const GRANTS_FIRST = 17

/** How many due rows of a kind one step looks at; a longer list is cut and goes on in the next. */
export const DUE_PAGE = 200

/** What a command will look at, as far as it can be told from the command alone; a decision may ask for more. */
export function needsOf(command: Command): readonly Need[] {
  const needs: Need[] = []
  if (command.idempotencyKey !== null) needs.push({ kind: 'key', key: command.idempotencyKey })
  switch (command.kind) {
    case 'reserve':
      if (command.call !== null) needs.push({ kind: 'key', key: command.call.key }, { kind: 'call', key: command.call.key })
      needs.push({ kind: 'grants', count: GRANTS_FIRST })
      break
    case 'charge':
    case 'adjust':
      needs.push({ kind: 'grants', count: GRANTS_FIRST })
      break
    case 'settle':
    case 'release':
    case 'extend':
      needs.push(...ofId('rs', command.reservation, (sequence) => [{ kind: 'reservation', sequence }]))
      break
    case 'refund':
      needs.push(
        ...ofId('tx', command.transaction, (sequence) => [
          { kind: 'transaction', sequence },
          { kind: 'refunds', sequence },
        ]),
      )
      break
    case 'create_account':
    case 'subscribe':
    case 'grant':
    case 'set_state':
    case 'sweep':
  }
  return needs
}

/** What time has made necessary, once the account is known. */
export function dueNeeds(account: Account | null, now: Instant): readonly Need[] {
  const at = Math.max(now, account?.lastAt ?? 0)
  return account !== null && account.nextDueAt <= at ? [{ kind: 'due', at, count: DUE_PAGE }] : []
}

function ofId(prefix: 'rs' | 'tx', id: string, needs: (sequence: number) => readonly Need[]): readonly Need[] {
  const sequence = sequenceOfId(prefix, id)
  return sequence === null ? [] : needs(sequence)
}
