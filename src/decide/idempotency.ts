import { sha256 } from '../ledger/chain.js'
import type { Transaction } from '../ledger/transaction.js'
import { refusalByScope } from './authorise.js'
import type { Actor, Command } from './command.js'
import type { Draft } from './draft.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { factsOfTransaction, keyNamed } from './spend-facts.js'

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

/**
 * The command with its keys of idempotency as the journal keeps them. What a delegated key calls its work is its own: two
 * agents that say `job-1` mean two jobs, so theirs are kept apart from everybody else's.
 */
export function withOwnNames(draft: Draft, command: Command): Command {
  const { actor, idempotencyKey: key } = command
  const call = command.kind === 'reserve' ? command.call : null
  if ((key === null && call === null) || actor.key === null || actor.keyOf !== undefined) return command
  const owner = keyNamed(draft, actor.key)?.isDelegated === true ? actor.key : null
  const named = { ...command, idempotencyKey: key === null ? null : nameOf(owner, key) }
  return named.kind === 'reserve' && call !== null ? { ...named, call: { ...call, key: nameOf(owner, call.key) } } : named
}

/** What a key of idempotency of a delegated key is called in the journal; `owner` is null for a name of the account. */
export function nameOf(owner: string | null, key: string): string {
  return owner === null ? key : `${owner}:${key}`
}

/** What its owner calls it, which is all that the owner is told. */
export function nameWithin(owner: string | null, name: string): string {
  return owner !== null && name.startsWith(`${owner}:`) ? name.slice(owner.length + 1) : name
}

/** A text of which only this account can tell whether another one is the same. Numbered, so that a later form can differ. */
export function saltedDigest(salt: string, fingerprint: string): string {
  return `1:${sha256(`${salt}\n${fingerprint}`).slice(0, 32)}`
}

/** What a key of idempotency is used for, and by whom. */
export interface Keyed {
  readonly key: string | null
  readonly fingerprint: string | null
  readonly by: Pick<Actor, 'key'>
}

/**
 * A key used before: the same input gets the stored answer again, other input is refused, for as long as the ledger
 * lives (T08, T09). Null for a key never used; a refusal uses none, so the same call may succeed after a top-up.
 */
export function replayOf(draft: Draft, { key, fingerprint, by }: Keyed): Outcome | null {
  if (key === null) return null
  const earlier = draft.view.transactionByKey(key)
  if (earlier === null) return null
  if (earlier.fingerprint !== fingerprint || !isToldOf(draft, earlier, by)) return conflict(nameWithin(by.key, key))
  // Keys of one account share what they call their work, and none is paid by it for what it may not spend on itself.
  return (by.key === earlier.key ? null : refusalByScope(draft, { ...factsOfTransaction(draft, earlier), key: by.key })) ?? replay(draft, earlier)
}

/** A delegated key is answered what it did itself: anybody else's answer is not its to see, nor its work paid by it. */
function isToldOf(draft: Draft, earlier: Transaction, { key }: Pick<Actor, 'key'>): boolean {
  return key === null || key === earlier.key || keyNamed(draft, key)?.isDelegated !== true
}

function replay(draft: Draft, earlier: Transaction): Outcome {
  const reservation = earlier.kind === 'reserve' ? draft.reservation(earlier.sequence) : null
  return { kind: 'done', account: draft.account, transaction: earlier, reservation, replayed: true, record: null, pressure: null, ownBalance: null }
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
