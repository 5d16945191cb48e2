import type { CatalogVersion } from '../../catalog/version.js'
import type { Account } from '../../ledger/account.js'
import { type AccountNeed, type Answer, firstNeeds, type KeptAccounts, nameOf, type Pending, type Request } from '../batch.js'
import type { CatalogCache } from '../catalog-cache.js'
import type { Found } from '../loaded-account.js'
import type { Query } from './connection.js'
import type { TakenAccounts } from './kept-state.js'
import { findAll, loadCatalogs, lockAccounts, lockMarks, type Mark, type MarkedAccount, readAccounts } from './loader.js'

/** What a batch begins with. */
export interface LoadedBatch {
  readonly catalogs: readonly CatalogVersion[]
  /** How every account that there is was found. */
  readonly marks: ReadonlyMap<string, Mark>
  /** The kept accounts of which nothing has changed. */
  readonly kept: KeptAccounts
  /** Answers what the batch asks for. */
  readonly answer: (request: Request) => Promise<Answer>
}

/**
 * Locks the accounts of a batch and loads, in the same message to the server, what the commands are known to look at.
 * Sent behind the lock and run after it, this sees what was committed before the lock was had: a row from before it
 * could be older than what the account has last been decided with.
 */
export async function loadBatch(
  query: Query,
  pending: readonly Pending[],
  taken: TakenAccounts,
  catalogs: CatalogCache,
): Promise<LoadedBatch> {
  const ids = idsOf(pending)
  const isAllKept = ids.every((id) => taken.get(id) !== undefined)
  const needs = firstNeeds(pending, (id) => taken.get(id))
  const [{ marks, accounts, versions }, found] = await Promise.all([
    isAllKept ? lockKept(query, ids, taken, catalogs) : lockAll(query, ids, catalogs),
    findAll(query, needs),
  ])
  const rows = new Map(needs.map((need, index) => [nameOf(need), found[index] as Found]))
  return {
    catalogs: versions,
    marks,
    kept: taken.thatHold(marks),
    answer: async (request) =>
      request.kind === 'rows'
        ? { kind: 'rows', found: await findOthers(query, request.needs, rows) }
        : { kind: 'accounts', accounts: request.ids.map((id) => accounts.get(id) ?? null) },
  }
}

export function idsOf(pending: readonly Pending[]): readonly string[] {
  return [...new Set(pending.map(({ command }) => command.account))]
}

interface Locked {
  readonly marks: ReadonlyMap<string, Mark>
  /** Those of them that are not kept as they are. */
  readonly accounts: ReadonlyMap<string, Account>
  readonly versions: readonly CatalogVersion[]
}

/**
 * Where nothing of the accounts has changed since our last batch, nobody has decided anything of them with a newer catalog
 * than was known by then, so that the newest one may be asked for together with the lock. Otherwise accounts and catalogs
 * are read now that the accounts are locked.
 */
async function lockKept(query: Query, ids: readonly string[], taken: TakenAccounts, catalogs: CatalogCache): Promise<Locked> {
  const { marks, newestCatalog } = await lockMarks(query, ids)
  const moved = ids.filter((id) => !taken.wasLeftAs(id, marks.get(id)))
  if (moved.length === 0 && newestCatalog <= catalogs.newest) return { marks, accounts: new Map(), versions: catalogs.versions }
  const [accounts, versions] = await Promise.all([
    moved.length === 0 ? new Map<string, MarkedAccount>() : readAccounts(query, moved),
    loadCatalogs(query, catalogs),
  ])
  return { marks, accounts: accountsOf(accounts), versions }
}

async function lockAll(query: Query, ids: readonly string[], catalogs: CatalogCache): Promise<Locked> {
  const [found, versions] = await Promise.all([lockAccounts(query, ids), loadCatalogs(query, catalogs)])
  return { marks: new Map([...found].map(([id, { mark }]) => [id, mark])), accounts: accountsOf(found), versions }
}

function accountsOf(found: ReadonlyMap<string, MarkedAccount>): ReadonlyMap<string, Account> {
  return new Map([...found].map(([id, { account }]) => [id, account]))
}

/** Rows that came with the first message are taken from it, the others are asked for. */
async function findOthers(query: Query, needs: readonly AccountNeed[], rows: ReadonlyMap<string, Found>): Promise<readonly Found[]> {
  const brought = needs.map((need) => rows.get(nameOf(need)))
  const others = needs.filter((_need, index) => brought[index] === undefined)
  if (others.length === 0) return brought as readonly Found[]
  const found = (await findAll(query, others)).values()
  return brought.map((one) => one ?? (found.next().value as Found))
}
