import { sha256 } from '../ledger/chain.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Command } from './command.js'
import type { Draft } from './draft.js'
import { type Outcome, refuse, type Refused } from './outcome.js'

/**
 * The command with what the journal keeps of its input: a digest salted with the account's own salt, so that arguments
 * and labels of little variety cannot be guessed back from it once they are erased.
 */
export function withSaltedFingerprint(command: Command, salt: string): Command {
  const call = command.kind === 'reserve' ? command.call : null
  if (command.fingerprint === null && call === null) return command
  const fingerprint = command.fingerprint === null ? null : saltedDigest(salt, command.fingerprint)
  const salted = { ...command, fingerprint }
  return salted.kind === 'reserve' && call !== null
    ? { ...salted, call: { key: call.key, fingerprint: saltedDigest(salt, call.fingerprint) } }
    : salted
}

/** Numbered, so that a later form can differ. */
function saltedDigest(salt: string, fingerprint: string): string {
  return `1:${sha256(`${salt}\n${fingerprint}`).slice(0, 32)}`
}

/**
 * A key used before: the same input gets the stored answer again, other input is refused, for as long as the ledger
 * lives (T08, T09). Null for a key never used; a refusal uses none, so the same call may succeed after a top-up.
 */
export function replayOf(draft: Draft, key: string | null, fingerprint: string | null): Outcome | null {
  if (key === null) return null
  const earlier = draft.view.transactionByKey(key)
  if (earlier === null) return null
  return earlier.fingerprint === fingerprint ? replay(draft, earlier) : conflict(key)
}

function replay(draft: Draft, earlier: Transaction): Outcome {
  const reservation = earlier.kind === 'reserve' ? draft.reservation(earlier.sequence) : null
  return { kind: 'done', account: draft.account, transaction: earlier, reservation, replayed: true, record: null, pressure: null }
}

function conflict(key: string): Refused {
  return refuse('idempotency_conflict', `The idempotency key ${JSON.stringify(key)} was used before with other input`, {
    details: { idempotencyKey: key },
    advice: ['Use a new key for a new action; reuse a key only to retry the very same one.'],
  })
}

/** A metered call with this key is still running, here or in another process. */
export function stillRunning(key: string): Refused {
  return refuse('idempotency_conflict', `A call with the idempotency key ${JSON.stringify(key)} is still running`, {
    details: { idempotencyKey: key, inProgress: true },
    advice: ['Wait for it, or ask explain_charge with this key for its outcome; then retry with the same key.'],
    retryable: true,
  })
}
