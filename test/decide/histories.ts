import type { Outcome } from '../../src/decide/outcome.js'
import { quoteOf } from '../../src/ledger/quote.js'
import { transactionId } from '../../src/ledger/transaction.js'
import { MINUTE_MS } from '../../src/time/instant.js'
import { DECISIONS } from './catalog.js'
import { brokenInvariants } from './invariants.js'
import { MemoryLedger } from './memory-ledger.js'
import { attempt, T0 } from './scenario.js'

/** A ledger under way, and what its next command may be about: the newest reservation, charge and quote, the time. */
export interface History {
  readonly ledger: MemoryLedger
  readonly now: number
  readonly reservation: string
  readonly charge: string
  readonly quote: string
}

export function beginHistory(first = 'account debt 2'): History {
  const ledger = new MemoryLedger(DECISIONS)
  attempt(ledger, '0', first)
  return { ledger, now: T0, reservation: 'rs_1_0123456789', charge: 'tx_1_0123456789', quote: 'quote_1_0123456789' }
}

/** Runs one command of the scenario tables, `$held`, `$charge` and `$quote` standing for the newest of each. Changes `history.ledger`. */
export function step(history: History, command: string): { readonly history: History; readonly outcome: Outcome } {
  const { ledger, now } = history
  const text = command.replace('$held', history.reservation).replace('$charge', history.charge).replace('$quote', history.quote)
  const outcome = attempt(ledger, `${now - T0}ms`, text)
  const row = outcome.kind === 'done' ? outcome.transaction : null
  const isCharge = row?.kind === 'charge' || row?.kind === 'settle'
  const reservation = row?.kind === 'reserve' && outcome.kind === 'done' ? (outcome.reservation?.id ?? null) : null
  return {
    history: {
      ledger,
      now,
      reservation: reservation ?? history.reservation,
      charge: isCharge && row !== null ? transactionId(row) : history.charge,
      quote: (row === null ? null : quoteOf(row)?.id) ?? history.quote,
    },
    outcome,
  }
}

/** The instants at which something becomes due, and the milliseconds around them; always later than now. */
export function boundaries({ ledger, now }: History): readonly number[] {
  const instants = [
    ...[...ledger.grants.values()].flatMap((grant) => [grant.expiresAt, grant.effectiveAt]),
    ...[...ledger.reservations.values()].map((row) => row.expiresAt),
    ledger.account?.subscription?.periodEnd ?? now,
    now + 10 * MINUTE_MS,
  ]
  const around = instants.flatMap((at) => [at - 1, at, at + 1])
  return [...new Set(around)].filter((at) => at > now && at < now + 400 * 24 * 60 * MINUTE_MS).sort((a, b) => a - b)
}

/** Everything that must hold after each step: the journal recomputed, I1 to I5, and nothing due left undone. */
export function problemsOf({ ledger, now }: History): readonly string[] {
  const { account } = ledger
  if (account === null) return []
  const { reservations, expiring, scheduled } = ledger.due(account.lastAt)
  const isOverdue = reservations.length + expiring.length + scheduled.length > 0 || (account.subscription?.periodEnd ?? now + 1) <= account.lastAt
  return [...ledger.problems(), ...brokenInvariants(ledger), ...(isOverdue ? ['something was due and was not decided'] : [])]
}
