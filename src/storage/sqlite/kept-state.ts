import type { KeptAccounts } from '../batch.js'
import type { LoadedAccount } from '../loaded-account.js'

/** Accounts kept between batches. Beyond, those longest unused are loaded again when they are needed. */
const ACCOUNTS_MAX = 1_000

/**
 * What is known of accounts from the last batch, so that the next need not load it again. It is used only inside a
 * write, where nobody else can change the file, and only if nobody has since: SQLite tells by its data version. So it
 * is never a second copy that could drift, and another process's top-up counts for the very next call (T14, T17).
 */
export class KeptState {
  readonly #accounts = new Map<string, LoadedAccount>()
  #dataVersion: number | null = null

  /** The accounts that still hold at this data version. To be asked inside the write that uses them. */
  asOf(dataVersion: number): KeptAccounts {
    if (this.#dataVersion !== dataVersion) this.#accounts.clear()
    this.#dataVersion = dataVersion
    return this.#accounts
  }

  /** Runs one write: what it has loaded is kept once it is committed, and nothing at all if it fails. */
  during<T>(write: () => { readonly result: T; readonly loaded: ReadonlyMap<string, LoadedAccount> }): T {
    try {
      const { result, loaded } = write()
      for (const [id, account] of loaded) this.#keep(id, account)
      return result
    } catch (error) {
      this.#accounts.clear()
      throw error
    }
  }

  #keep(id: string, account: LoadedAccount): void {
    // Set anew, so that the map's order is that of use.
    this.#accounts.delete(id)
    this.#accounts.set(id, account)
    if (this.#accounts.size <= ACCOUNTS_MAX) return
    const [longestUnused] = this.#accounts.keys()
    this.#accounts.delete(longestUnused as string)
  }
}
