import { isMadeKeyId, MADE_KEY_ID_LENGTH } from '../keys/key.js'
import { sha256 } from '../ledger/chain.js'
import { NAME_MAX } from '../ledger/storable-text.js'
import type { Transaction } from '../ledger/transaction.js'
import { refusalByParty } from './authorise.js'
import type { Actor, Command } from './command.js'
import type { Draft } from './draft.js'
import { type Done, type Outcome, refuse, type Refused } from './outcome.js'
import { keyNamed, spendFacts } from './spend-facts.js'

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
  const { idempotencyKey: key } = command
  const call = command.kind === 'reserve' ? command.call : null
  const owner = key === null && call === null ? null : ownerOfNames(draft, command.actor)
  if (owner === null) return command
  const named = { ...command, idempotencyKey: key === null ? null : nameOf(owner, key) }
  return named.kind === 'reserve' && call !== null ? { ...named, call: { ...call, key: nameOf(owner, call.key) } } : named
}

/** The delegated key whose own the names are that an actor gives its work; null where they are the account's. */
function ownerOfNames(draft: Draft, { key, keyOf }: Pick<Actor, 'key' | 'keyOf'>): string | null {
  return key !== null && keyOf === undefined && keyNamed(draft, key)?.isDelegated === true ? key : null
}

/** The longest name that the journal keeps: one that a delegated key gave, behind the id of that key. */
export const KEPT_NAME_MAX = MADE_KEY_ID_LENGTH + 1 + NAME_MAX

/** What a key of idempotency of a delegated key is called in the journal; `owner` is null for a name of the account. */
export function nameOf(owner: string | null, key: string): string {
  return owner === null ? key : `${owner}:${key}`
}

/** What its owner calls it, which is all that the owner is told; everybody else is told the name as it is kept. */
export function nameWithin(owner: string | null, name: string): string {
  return owner !== null && name.startsWith(nameOf(owner, '')) ? name.slice(nameOf(owner, '').length) : name
}

/** The key whose own a name would be, if that was delegated; null for a name that no such key can have. */
export function ownerIn(name: string): string | null {
  const end = name.indexOf(':')
  if (end < 0) return null
  const id = name.slice(0, end)
  return isMadeKeyId(id) ? id : null
}

/** What is kept of a command by name. */
interface Named extends Pick<Command, 'actor' | 'idempotencyKey'> {
  readonly call?: { readonly key: string } | null
}

/**
 * Why a name may not be kept: it is one of a delegated key's own, and somebody else would take it from that key or be
 * answered what that key did. A delegated key itself can write what it likes: its names all stand behind its own id.
 */
export function refusalByName(draft: Draft, { actor, idempotencyKey, call = null }: Named): Refused | null {
  for (const name of [idempotencyKey, call?.key ?? null]) {
    const owner = name === null ? null : ownerIn(name)
    if (owner === null || owner === actor.key || keyNamed(draft, owner)?.isDelegated !== true) continue
    return refuse('invalid_request', `The idempotency key ${JSON.stringify(name)} begins with the id of a delegated key, whose own such keys are`, {
      details: { field: 'idempotencyKey', idempotencyKey: name },
      advice: [`Use an idempotency key that does not begin with ${nameOf(owner, '')}`],
    })
  }
  return null
}

/** A text of which only this account can tell whether another one is the same. Numbered, so that a later form can differ. */
export function saltedDigest(salt: string, fingerprint: string): string {
  return `1:${sha256(`${salt}\n${fingerprint}`).slice(0, 32)}`
}

/** What a key of idempotency is used for. */
export interface Keyed {
  readonly key: string | null
  readonly fingerprint: string | null
}

/**
 * A key used before: the same input gets the stored answer again, other input is refused, for as long as the ledger
 * lives (T08, T09). Null for a key never used; a refusal uses none, so the same call may succeed after a top-up.
 */
export function replayOf(draft: Draft, command: Command, { key, fingerprint }: Keyed): Outcome | null {
  const { actor } = command
  if (key === null) return null
  const earlier = draft.view.transactionByKey(key)
  if (earlier === null) return null
  const told = nameTold(draft, key, actor)
  if (earlier.fingerprint !== fingerprint) return conflict(told, 'with other input')
  return isOwn(earlier, actor) ? replay(draft, earlier) : (refusalOfOthers(draft, command, earlier, told) ?? replay(draft, earlier))
}

/** A name as its user is told it. */
export function nameTold(draft: Draft, name: string, actor: Actor): string {
  return nameWithin(ownerOfNames(draft, actor), name)
}

/** Whether it is all the actor's to be answered: its own work, or that of an account whose operator or only party it is. */
function isOwn(earlier: Transaction, { holder, key }: Actor): boolean {
  return holder === 'operator' || key === null || key === earlier.key
}

/**
 * Why a key is not answered what another key of its account did: it is asked what it would be asked to do the same
 * itself. What it would have done as its own, as a quote, a reservation or a key below it, is not the other's: whoever was
 * answered a reservation could not end it, and would work for nothing.
 */
function refusalOfOthers(draft: Draft, command: Command, earlier: Transaction, told: string): Refused | null {
  const isSpending = (command.kind === 'charge' || command.kind === 'reserve') && command.quote == null && earlier.kind !== 'reserve'
  return isSpending ? refusalByParty(draft, spendFacts(draft, command.actor, earlier)) : conflict(told, 'by another key of the account')
}

/** What was done before, as an answer: what of it a replay tells is read from its row. */
export function replay(draft: Draft, earlier: Transaction): Done {
  const reservation = earlier.kind === 'reserve' ? draft.reservation(earlier.sequence) : null
  return { kind: 'done', account: draft.account, transaction: earlier, reservation, replayed: true, record: null, pressure: null, ownBalance: null }
}

function conflict(key: string, how: string): Refused {
  return refuse('idempotency_conflict', `The idempotency key ${JSON.stringify(key)} was used before ${how}`, {
    details: { idempotencyKey: key },
    advice: ['Use a new key for a new action; reuse a key only to retry the very same one.'],
  })
}

/**
 * Why a key cannot be used that a metered call has which still runs, here or in another process: it becomes the key of that
 * call's settlement, and whoever did something else with it meanwhile would take it away from there (T08).
 */
export function refusalOfRunning(draft: Draft, actor: Actor, { key, fingerprint }: Keyed): Refused | null {
  const running = key === null || draft.account.openReservations === 0 ? null : draft.openCall(key)
  if (key === null || running === null) return null
  const told = nameTold(draft, key, actor)
  return running.callFingerprint === fingerprint ? stillRunning(told) : conflict(told, 'with other input')
}

function stillRunning(key: string): Refused {
  return refuse('idempotency_conflict', `A call with the idempotency key ${JSON.stringify(key)} is still running`, {
    details: { idempotencyKey: key, inProgress: true },
    advice: ['Wait for it, or ask explain_charge with this key for its outcome; then retry with the same key.'],
    retryable: true,
  })
}
