import type { Account } from '../../ledger/account.js'
import type { LoadedAccount } from '../loaded-account.js'
import type { Mark } from './loader.js'

/** Accounts kept between batches. Beyond, those longest unused are loaded again when they are needed. */
const ACCOUNTS_MAX = 1_000

interface Kept {
  readonly loaded: LoadedAccount
  readonly mark: Mark
  /** Nobody else had written between our last two batches: then all that is known is likely to hold the next time. */
  readonly isOurs: boolean
}

/**
 * What is known of accounts from earlier batches, so that the next need not load it again. It is used only inside a
 * write that has locked the account, and only if the account's row says that nobody has changed anything of it since:
 * every write moves its revision. So it is never a second copy that could drift, and another process's top-up counts
 * for the very next call (T14, T17). Where processes take turns on an account, each loads it anew at once instead of
 * finding out first that it has to.
 */
export class KeptState {
  readonly #accounts = new Map<string, Kept>()

  /** Takes the accounts out, for one batch to use: where it fails, what it has decided on top of them is gone with them. */
  take(ids: readonly string[]): TakenAccounts {
    const taken = new Map<string, Kept>()
    for (const id of ids) {
      const kept = this.#accounts.get(id)
      if (kept !== undefined) taken.set(id, kept)
      this.#accounts.delete(id)
    }
    return new TakenAccounts(taken)
  }

  /** Once all that a batch has changed of an account is committed: how it was found and how it stands now. */
  keep(loaded: LoadedAccount & { readonly account: Account }, { taken, found, now }: Change): void {
    const { id } = loaded.account
    this.#accounts.set(id, { loaded: loaded.keptFor(loaded.catalogs), mark: now, isOurs: taken.wasLeftAs(id, found) })
    if (this.#accounts.size <= ACCOUNTS_MAX) return
    // The map is in the order of use, for whatever is used is taken out first.
    const [longestUnused] = this.#accounts.keys()
    this.#accounts.delete(longestUnused as string)
  }

  clear(): void {
    this.#accounts.clear()
  }
}

interface Change {
  readonly taken: TakenAccounts
  /** Undefined for an account that the batch has opened. */
  readonly found: Mark | undefined
  readonly now: Mark
}

/** Kept accounts of one batch, before it is known which of them still hold. */
export class TakenAccounts {
  readonly #accounts: ReadonlyMap<string, Kept>

  constructor(accounts: ReadonlyMap<string, Kept>) {
    this.#accounts = accounts
  }

  /** What is known of an account and likely to hold. */
  get(id: string): LoadedAccount | undefined {
    const kept = this.#accounts.get(id)
    return kept?.isOurs === true ? kept.loaded : undefined
  }

  /** Those that hold, by how they were found once they were locked. */
  thatHold(found: ReadonlyMap<string, Mark>): ReadonlyMap<string, LoadedAccount> {
    const holding = [...this.#accounts].filter(([id, { mark }]) => isSame(mark, found.get(id)))
    return new Map(holding.map(([id, { loaded }]) => [id, loaded]))
  }

  /** Whether an account was found as our last batch had left it, or nothing is known of it. */
  wasLeftAs(id: string, found: Mark | undefined): boolean {
    const kept = this.#accounts.get(id)
    return kept === undefined || isSame(kept.mark, found)
  }
}

/**
 * A revision alone would do, but for a server that takes over from another and lacks its last writes: there the same
 * number may come again, the chain's head does not.
 */
function isSame(mark: Mark, found: Mark | undefined): boolean {
  return mark.revision === found?.revision && mark.head === found.head
}
