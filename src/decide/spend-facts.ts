import type { SpendFacts } from '../budgets/budget.js'
import type { CatalogVersion } from '../catalog/version.js'
import { type Key, keyOf } from '../keys/key.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Labels, Transaction } from '../ledger/transaction.js'
import type { Actor, Party } from './command.js'
import type { Draft } from './draft.js'

/** What is spent on, as far as it is known. */
interface Spent {
  readonly operation: string | null
  readonly tool: string | null
  readonly labels: Labels | null
  readonly priceVersion: number | null
}

/** Nothing in particular: only limits that hold whatever is spent on apply. */
export const ANYTHING: Spent = { operation: null, tool: null, labels: null, priceVersion: null }

/** Where facts are looked up that a row names only: the account's keys and the ledger's catalogs. */
export interface Known {
  readonly keyNamed: (id: string) => Key | null
  readonly catalogs: readonly CatalogVersion[]
}

/** Who spends and on what, as budgets see it: the key brings its environment, its ancestors and its member. */
export function spendFacts(draft: Draft, party: Party, spent: Spent): SpendFacts {
  return factsKnown({ keyNamed: (id) => keyNamed(draft, id), catalogs: draft.view.catalogs }, party, spent)
}

function factsKnown({ keyNamed: find, catalogs }: Known, { key: id, member, run }: Party, spent: Spent): SpendFacts {
  const key = id === null ? null : find(id)
  return {
    key: id,
    ancestors: key?.ancestors ?? [],
    isDelegated: key?.isDelegated ?? false,
    environment: key?.environment ?? null,
    // A key that is a member's spends in that member's name, whatever its holder says.
    member: key?.member ?? member,
    run,
    tool: spent.tool,
    operation: spent.operation,
    category: categoryOf(catalogs, spent),
    labels: spent.labels,
  }
}

/** The run as a row of the journal keeps it: only where there is one. */
export function runDetail({ run }: { readonly run: string | null }): { readonly run?: string } {
  return run === null ? {} : { run }
}

/** The actor with the member in whose name its key spends, so that a row says who spent without the key. */
export function namedIn(facts: SpendFacts, actor: Actor): Actor {
  return actor.member === facts.member ? actor : { ...actor, member: facts.member }
}

/** A key of the account by its id, one that holds no more as well; null where there never was one. */
export function keyNamed(draft: Draft, id: string): Key | null {
  const record = draft.record('key', id)
  return record === null ? null : keyOf(record)
}

/** By the catalog version that priced it, so that a later catalog does not move what was counted. */
function categoryOf(catalogs: readonly CatalogVersion[], { operation, priceVersion }: Spent): string | null {
  if (operation === null) return null
  const version = catalogs.find((known) => known.version === priceVersion)
  return version?.catalog.operations[operation]?.category ?? null
}

/** The facts of work under way. */
export function factsOfReservation(draft: Draft, reservation: Reservation): SpendFacts {
  return spendFacts(draft, reservation, reservation)
}

/** The facts of a charge, reservation or settlement in the journal. */
export function factsOfTransaction(draft: Draft, transaction: Transaction): SpendFacts {
  return spendFacts(draft, partyOf(transaction), transaction)
}

/** The same facts for whoever recomputes a ledger without deciding anything in it. */
export function factsOfRow(known: Known, transaction: Transaction): SpendFacts {
  return factsKnown(known, partyOf(transaction), transaction)
}

function partyOf({ key, member, detail }: Transaction): Party {
  return { key, member, run: (detail['run'] as string | undefined) ?? null }
}

/** The name that somebody gave a key; null for none. */
export function keyNameOf(draft: Draft, id: string | null): string | null {
  return id === null ? null : (keyNamed(draft, id)?.name ?? null)
}
