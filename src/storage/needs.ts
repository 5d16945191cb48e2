import type { Actor, Command } from '../decide/command.js'
import { nameOf, ownerIn } from '../decide/idempotency.js'
import { accountTime } from '../decide/test-clock.js'
import type { Need } from '../decide/view.js'
import { isMadeKeyId } from '../keys/key.js'
import type { Account } from '../ledger/account.js'
import { RULE_KINDS, SPENDING_CAP } from '../ledger/account-record.js'
import { sequenceOfId } from '../ledger/transaction.js'
import { type Instant, NEVER } from '../time/instant.js'

/** How many open grants are loaded before anybody has asked how many it takes. */
const GRANTS_FIRST = 17

/** How many due rows of a kind one step looks at; a longer list is cut and goes on in the next. */
export const DUE_PAGE = 200

/** Before every instant: what is due is asked for from the beginning. */
export const BEGINNING: Instant = -NEVER

/** What a command will look at, as far as it can be told from the command alone; a decision may ask for more. */
export function needsOf(command: Command): readonly Need[] {
  const needs: Need[] = []
  if (command.idempotencyKey !== null) needs.push(...ofName(command.actor, command.idempotencyKey))
  if (command.actor.key !== null) needs.push({ kind: 'record', of: 'key', id: command.actor.key })
  if (command.actor.member !== null) needs.push({ kind: 'record', of: 'member', id: command.actor.member })
  switch (command.kind) {
    case 'quote':
      break
    case 'reserve_quoted':
      if ('quote' in command.of) needs.push(...ofQuote(command.of.quote))
      needs.push({ kind: 'grants', count: GRANTS_FIRST })
      break
    case 'reserve':
      if (command.quote != null) needs.push(...ofQuote(command.quote))
      if (command.call !== null) {
        const names = ofName(command.actor, command.call.key)
        needs.push(...names, ...names.flatMap(callNeed))
      }
      needs.push({ kind: 'grants', count: GRANTS_FIRST })
      break
    case 'charge':
      if (command.quote != null) needs.push(...ofQuote(command.quote))
      needs.push({ kind: 'grants', count: GRANTS_FIRST })
      break
    case 'adjust':
      needs.push({ kind: 'grants', count: GRANTS_FIRST })
      break
    case 'settle':
    case 'release':
    case 'extend':
      needs.push(...ofId('rs', command.reservation, (sequence) => [{ kind: 'reservation', sequence }]), ...ofQuote(command.reservation))
      break
    case 'refund':
      needs.push(
        ...ofId('tx', command.transaction, (sequence) => [
          { kind: 'transaction', sequence },
          { kind: 'refunds', sequence },
        ]),
      )
      break
    case 'set_budget':
    case 'remove_budget':
      needs.push({ kind: 'record', of: 'key', id: command.id }, { kind: 'record', of: 'budget', id: command.id })
      break
    case 'raise_budget':
      needs.push({ kind: 'record', of: 'budget', id: command.id })
      break
    case 'set_alert':
    case 'remove_alert':
      needs.push({ kind: 'record', of: 'alert', id: command.id })
      break
    case 'set_guard':
      needs.push({ kind: 'record', of: 'guard', id: command.terms.kind })
      break
    case 'remove_guard':
    case 'reset_guard':
      needs.push({ kind: 'record', of: 'guard', id: command.id })
      break
    case 'request_credits':
      needs.push({ kind: 'records', of: 'approval' })
      break
    case 'resolve_approval':
      needs.push({ kind: 'record', of: 'approval', id: command.id })
      break
    case 'put_member':
    case 'remove_member':
      needs.push({ kind: 'record', of: 'member', id: command.id })
      break
    case 'create_key':
    case 'revoke_key':
      needs.push({ kind: 'record', of: 'key', id: command.id })
      break
    case 'delegate':
      needs.push({ kind: 'record', of: 'key', id: command.id }, { kind: 'record', of: 'budget', id: command.id }, { kind: 'records', of: 'key' }, { kind: 'records', of: 'budget' })
      break
    case 'settle_purchase':
    case 'cancel_purchase':
    case 'refund_purchase':
      needs.push({ kind: 'record', of: 'purchase', id: command.purchase })
      break
    case 'set_item':
      needs.push({ kind: 'record', of: 'item', id: command.item })
      break
    case 'create_account':
    case 'subscribe':
    case 'unsubscribe':
    case 'purchase':
    case 'grant':
    case 'set_state':
    case 'advance_clock':
    case 'set_time_zone':
    case 'set_self_service':
    case 'sweep':
  }
  return needs
}

/** Whether a metered call runs that has the name of a command: as far as the account has anything open. */
export function runningNeeds({ actor, idempotencyKey }: Command, account: Account): readonly Need[] {
  if (idempotencyKey === null || account.openReservations === 0) return []
  return ofName(actor, idempotencyKey).flatMap(callNeed)
}

/** The call that runs under a name that is looked up. */
function callNeed(need: Need): readonly Need[] {
  return need.kind === 'key' ? [{ ...need, kind: 'call' }] : []
}

/** What time has made necessary, once the account is known. */
export function dueNeeds(account: Account | null, now: Instant): readonly Need[] {
  const at = account === null ? now : accountTime(account, now)
  return account !== null && account.nextDueAt <= at ? [{ kind: 'due', after: BEGINNING, at, count: DUE_PAGE }] : []
}

/** What limits and watches an account's spending, the cap of its plan among it: nothing, where it has no such rules. */
export function ruleNeeds(account: Account): readonly Need[] {
  if (account.rules === 0) return []
  return [...RULE_KINDS.map((of) => ({ kind: 'records', of }) as const), { kind: 'record', of: 'budget', id: SPENDING_CAP }]
}

/**
 * What was done under a name: the account's, or the actor's own where its key is a delegated one, which only its record
 * tells. A name that begins as another key's own is asked for with that key.
 */
function ofName({ key, keyOf }: Actor, name: string): readonly Need[] {
  const owner = ownerIn(name)
  return [
    { kind: 'key', key: name },
    ...(key !== null && keyOf === undefined && isMadeKeyId(key) ? [{ kind: 'key', key: nameOf(key, name) } as const] : []),
    ...(owner === null ? [] : [{ kind: 'record', of: 'key', id: owner } as const]),
  ]
}

/** What was quoted and what became of it, which in turn names the reservations: those are asked for together, once. */
function ofQuote(id: string): readonly Need[] {
  return ofId('quote', id, (sequence) => [
    { kind: 'transaction', sequence },
    { kind: 'record', of: 'quote', id },
  ])
}

function ofId(prefix: 'rs' | 'tx' | 'quote', id: string, needs: (sequence: number) => readonly Need[]): readonly Need[] {
  const sequence = sequenceOfId(prefix, id)
  return sequence === null ? [] : needs(sequence)
}
