import { CLASH_PREFIX } from '../../tools/definition.js'
import type { Toolset } from '../../tools/index.js'

/** Whether our tools stand by themselves or beside those of an upstream server, whose calls are metered. */
export type Company = 'alone' | 'upstream'

/** What a client may give its model about this server as a whole; kept short, since a model pays for it in every session. */
export function instructionsFor(toolsets: readonly Toolset[], company: Company = 'alone'): string {
  const [reads, spends, asks] = [toolsets.includes('read'), toolsets.includes('spend'), toolsets.includes('ask')]
  return [
    [PURPOSE, ...(reads ? [READING] : [])].join(' '),
    ...(company === 'upstream' ? [[METERED, ...(reads ? [LOST_CALL] : [])].join(' '), CLASHING] : []),
    ...(spends ? [[SPENDING, ...(reads ? [LOST_CHARGE] : [])].join(' ')] : []),
    ...(asks ? [ASKING] : []),
    REFUSED,
  ].join('\n')
}

const PURPOSE = 'What you do here costs credits of a limited balance.'

const READING =
  'Before costly work, or when you do not know a price, call estimate_cost; get_credit_balance and get_budget_status tell what is ' +
  'left, what_can_i_afford what it pays for. Reading is free.'

const SPENDING =
  'Work of a known price: charge_credits. Work that is long, may fail or has a variable price: reserve_credits first, then ' +
  'settle_reservation with what it really cost, or release_reservation if it failed; extend_reservation while it goes on. ' +
  'Give each piece of work an idempotency_key of its own and reuse it whenever you retry: it is charged once.'

const LOST_CHARGE = 'If an answer was lost, explain_charge with that key tells what became of it.'

const METERED =
  'Tools with a price in their description are metered: the price is reserved before the call and charged if it succeeds. A call that ' +
  'fails costs nothing unless its price says otherwise.'

const LOST_CALL = 'If an answer was lost, look at list_transactions before you call again.'

const CLASHING = `Where another server has a tool of a name that stands here, ours is listed with ${CLASH_PREFIX} before it.`

const ASKING =
  'To hand work on, delegate_budget makes a key with a part of your budget for another agent. request_credits asks a person for more.'

const REFUSED =
  'A refusal is a result with isError and a JSON body. Read error.code and error.details, follow error.advice, or pick from ' +
  'error.cheaper and error.affordable. Retry the same call only if error.retryable is true. You cannot give yourself credits, raise a ' +
  'limit or approve: when advice names something a person has to do, tell your user exactly that and wait; then make the very same ' +
  'call again.'
