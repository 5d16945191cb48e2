import type { CatalogVersion } from '../catalog/version.js'
import type { Command } from '../decide/command.js'
import { decide } from '../decide/decide.js'
import type { Outcome } from '../decide/outcome.js'
import type { Need } from '../decide/view.js'
import type { Account } from '../ledger/account.js'
import type { Instant } from '../time/instant.js'
import { type Found, LoadedAccount, type WriteSet } from './loaded-account.js'
import { dueNeeds, needsOf, ruleNeeds, runningNeeds } from './needs.js'

/** One command that waits for its turn. */
export interface Pending {
  readonly command: Command
  readonly now: Instant
}

/** What a batch asks its driver for: account rows first, then the rows that decisions need. */
export type Request =
  | { readonly kind: 'accounts'; readonly ids: readonly string[] }
  | { readonly kind: 'rows'; readonly needs: readonly AccountNeed[] }

export interface AccountNeed {
  readonly account: string
  readonly need: Need
}

/** The driver's answer, in the order of the request. */
export type Answer =
  | { readonly kind: 'accounts'; readonly accounts: readonly (Account | null)[] }
  | { readonly kind: 'rows'; readonly found: readonly Found[] }

/** How one command of the batch came out: an outcome, or a throw that is its caller's alone. */
export type Settled =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'thrown'; readonly error: unknown }

export interface BatchResult {
  readonly settled: readonly Settled[]
  /** What to write in the same database transaction; one entry an account that changed. */
  readonly changes: readonly WriteSet[]
  /** The accounts as they are once that is written. */
  readonly loaded: ReadonlyMap<string, LoadedAccount>
}

/** Accounts of earlier batches that the driver knows to be in the database just as they are here. */
export type KeptAccounts = ReadonlyMap<string, LoadedAccount>

const NONE_KEPT: KeptAccounts = new Map()

/** Bounds how often one decision may ask for more, or go on with what is due: a bug must not hold the write open. */
const ROUNDS_MAX = 1_000

/**
 * Decides a batch of commands in order, each seeing what those before it decided, without knowing how rows are loaded:
 * it yields requests and is resumed with answers. A synchronous driver answers at once, an asynchronous one awaits in
 * between; the order of decisions is the same.
 */
export function* decideBatch(
  pending: readonly Pending[],
  catalogs: readonly CatalogVersion[],
  kept: KeptAccounts = NONE_KEPT,
): Generator<Request, BatchResult, Answer> {
  const loaded = yield* loadFirst(pending, catalogs, kept)
  const settled: Settled[] = []
  for (const { command, now } of pending) {
    const account = loaded.get(command.account) as LoadedAccount
    try {
      settled.push({ kind: 'outcome', outcome: yield* decideOne(account, command, now) })
    } catch (error) {
      settled.push({ kind: 'thrown', error })
    }
  }
  const changes = [...loaded.values()].map((account) => account.changes())
  return { settled, changes: changes.filter((change) => change.account !== null), loaded }
}

/** Loads all that the whole batch is known to need in two requests. */
function* loadFirst(
  pending: readonly Pending[],
  catalogs: readonly CatalogVersion[],
  kept: KeptAccounts,
): Generator<Request, Map<string, LoadedAccount>, Answer> {
  const ids = [...new Set(pending.map(({ command }) => command.account))]
  const unknown = ids.filter((id) => !kept.has(id))
  const rows = unknown.length === 0 ? [] : yield* requestAccounts(unknown)
  const fresh = new Map(unknown.map((id, index) => [id, new LoadedAccount(rows[index] ?? null, catalogs)]))
  const loaded = new Map(ids.map((id) => [id, kept.get(id)?.keptFor(catalogs) ?? (fresh.get(id) as LoadedAccount)]))
  const needs = firstNeeds(pending, (id) => loaded.get(id))
  yield* load(loaded, needs)
  return loaded
}

/**
 * What a batch is known to need before any of it is decided, each once, beyond what is loaded: of an account that is not
 * there nothing, of one that nobody knows yet (undefined) what its commands name.
 */
export function firstNeeds(
  pending: readonly Pending[],
  loadedOf: (account: string) => LoadedAccount | undefined,
): readonly AccountNeed[] {
  const needs = new Map<string, AccountNeed>()
  for (const { command, now } of pending) {
    const loaded = loadedOf(command.account)
    if (loaded?.account === null) continue
    const ofAccount =
      loaded === undefined ? [] : [...dueNeeds(loaded.account, now), ...ruleNeeds(loaded.account), ...runningNeeds(command, loaded.account)]
    for (const need of [...needsOf(command), ...ofAccount]) {
      if (loaded?.lacks(need) === false) continue
      const wanted = { account: command.account, need }
      needs.set(nameOf(wanted), wanted)
    }
  }
  return [...needs.values()]
}

/** Two needs with one name are one. */
export function nameOf({ account, need }: AccountNeed): string {
  return `${account}\n${JSON.stringify(need)}`
}

function* decideOne(account: LoadedAccount, command: Command, now: Instant): Generator<Request, Outcome, Answer> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const decision = decide(account, command, now)
    if (decision.kind === 'need') {
      yield* load(new Map([[command.account, account]]), [{ account: command.account, need: decision.need }])
      continue
    }
    account.apply(decision.changes)
    if (decision.kind === 'decided') return decision.outcome
  }
  throw new Error(`a ${command.kind} was not decided after ${ROUNDS_MAX} rounds`)
}

function* load(loaded: ReadonlyMap<string, LoadedAccount>, needs: readonly AccountNeed[]): Generator<Request, void, Answer> {
  if (needs.length === 0) return
  const answer = yield { kind: 'rows', needs }
  if (answer.kind !== 'rows') throw new Error('a request for rows is answered with rows')
  needs.forEach(({ account, need }, index) => loaded.get(account)?.add(need, answer.found[index] as Found))
}

function* requestAccounts(ids: readonly string[]): Generator<Request, readonly (Account | null)[], Answer> {
  const answer = yield { kind: 'accounts', ids }
  if (answer.kind !== 'accounts') throw new Error('a request for accounts is answered with accounts')
  return answer.accounts
}
