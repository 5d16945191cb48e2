import type { CatalogVersion } from '../catalog/version.js'
import { project } from '../decide/decide.js'
import { type Need, NotLoaded } from '../decide/view.js'
import type { Account } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'
import type { Answer, Request } from './batch.js'
import { type Found, LoadedAccount } from './loaded-account.js'
import { dueNeeds } from './needs.js'
import type { Reader } from './port.js'

/** Bounds how often a read may ask for more rows. */
const ROUNDS_MAX = 1_000

/**
 * Reads one account as of `now` without writing: what is due is decided in memory, page by page, and `reader` sees the
 * result. Yields requests as a batch of writes does, so that each driver answers both alike.
 */
export function* readAccount<T>(
  id: string,
  now: Instant,
  catalogs: readonly CatalogVersion[],
  reader: Reader<T>,
): Generator<Request, T | null, Answer> {
  const first = yield { kind: 'accounts', ids: [id] }
  const row: Account | null = first.kind === 'accounts' ? (first.accounts[0] ?? null) : null
  if (row === null) return null
  const loaded = new LoadedAccount(row, catalogs)
  const due: Transaction[] = []
  let needs = dueNeeds(row, now)
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    for (const need of needs) yield* load(id, loaded, need)
    try {
      const projected = project(loaded as LoadedAccount & { account: Account }, now)
      const changes = projected.draft.changes()
      if (projected.isFinished) return reader(projected.draft, [...due, ...changes.transactions])
      due.push(...changes.transactions)
      loaded.apply(changes)
      needs = []
    } catch (error) {
      if (!(error instanceof NotLoaded)) throw error
      needs = [error.need]
    }
  }
  throw new Error(`an account was not read after ${ROUNDS_MAX} rounds`)
}

function* load(account: string, loaded: LoadedAccount, need: Need): Generator<Request, void, Answer> {
  const answer = yield { kind: 'rows', needs: [{ account, need }] }
  if (answer.kind === 'rows') loaded.add(need, answer.found[0] as Found)
}
