import type { Catalog } from '../catalog/catalog.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Clock } from '../clock.js'
import type { Command } from '../decide/command.js'
import { unknownAccount } from '../decide/decide.js'
import type { Done, Refused } from '../decide/outcome.js'
import { CreditError } from '../errors.js'
import type { Instant } from '../time/instant.js'
import { LedgerUnavailable, type Reader, SchemaTooNew, type Store } from '../storage/port.js'
import { Patience } from './patience.js'
import { Turns } from './turns.js'

/** The account that nobody had to make: it comes into being by the first call that names it. */
export interface DefaultAccount {
  readonly id: string
  /** Null for the catalog's default plan. */
  readonly plan: string | null
  readonly timeZone: string
  readonly labelSalt: () => string
}

export interface LedgerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly defaultAccount: DefaultAccount | null
}

/**
 * A store with a clock: what use cases work on. Here a refusal becomes a {@link CreditError}, an unreachable database
 * becomes `ledger_unavailable`, and the default account is made when it is first needed.
 */
export class Ledger {
  readonly store: Store
  /** In which answers of people at clients are taken, by the question. */
  readonly answers = new Turns()
  readonly #clock: Clock
  readonly #defaultAccount: DefaultAccount | null
  readonly #patience = new Patience()

  constructor(options: LedgerOptions) {
    this.store = options.store
    this.#clock = options.clock
    this.#defaultAccount = options.defaultAccount
  }

  now(): Instant {
    return this.#clock.now()
  }

  /** Decides and commits one command. @throws CreditError with the refusal */
  async update(command: Command): Promise<Done> {
    const now = this.now()
    let outcome = await reachable(() => this.store.update(command, now))
    if (outcome.kind === 'refused' && outcome.refusal.code === 'unknown_account' && (await this.#madeDefault(command.account, now))) {
      outcome = await reachable(() => this.store.update(command, now))
    }
    if (outcome.kind === 'done') return outcome
    throw errorOf(outcome)
  }

  /** Reads one account as of now. @throws CreditError `unknown_account` */
  async read<T>(account: string, reader: Reader<T>): Promise<T> {
    const now = this.now()
    const read = () => reachable(() => this.store.read(account, now, (draft, due) => ({ value: reader(draft, due) })))
    const found = (await read()) ?? ((await this.#madeDefault(account, now)) ? await read() : null)
    if (found !== null) return found.value
    throw errorOf(unknownAccount(account))
  }

  async #madeDefault(account: string, now: Instant): Promise<boolean> {
    const made = this.#defaultAccount
    if (made === null || made.id !== account) return false
    const settings = { id: account, timeZone: made.timeZone, parent: null, isTest: false, debtMax: 0n, labelSalt: made.labelSalt() }
    const outcome = await reachable(() =>
      this.store.update(
        { kind: 'create_account', account, settings, plan: made.plan, actor: OPERATOR, idempotencyKey: null, fingerprint: null },
        now,
      ),
    )
    // Another process may have made it in the same moment, on other terms: then it is theirs, and it is there.
    return outcome.kind === 'done' || outcome.refusal.code === 'invalid_request'
  }

  /** The catalog versions, from memory while the ledger is away: free operations go on without it. */
  async catalogs(): Promise<readonly CatalogVersion[]> {
    try {
      const read = () => this.query((store) => store.catalogs())
      return await (this.knownCatalogs.length === 0 ? read() : this.inTime(read))
    } catch (error) {
      if (this.knownCatalogs.length === 0) throw error
      return this.knownCatalogs
    }
  }

  /** The catalog versions that the last read or decision went by; none before there was one. */
  get knownCatalogs(): readonly CatalogVersion[] {
    return this.store.knownCatalogs
  }

  /** The catalog in force now. */
  async catalog(): Promise<{ readonly version: CatalogVersion; readonly catalog: Catalog }> {
    const version = versionAt(await this.catalogs(), this.now())
    return { version, catalog: version.catalog }
  }

  /** Reads what one can do without, and does not wait long for it. @throws CreditError `ledger_unavailable` */
  inTime<T>(read: () => Promise<T>): Promise<T> {
    return reachable(() => this.#patience.with(read))
  }

  /** Runs a query of the store. @throws CreditError `ledger_unavailable` */
  query<T>(work: (store: Store) => Promise<T>): Promise<T> {
    return reachable(() => work(this.store))
  }
}

export const OPERATOR = { key: null, member: null, run: null, holder: 'operator' } as const

/** A refusal as the library rejects with it. */
export function errorOf({ refusal }: Refused): CreditError {
  const { code, message, ...facts } = refusal
  return new CreditError(code, message, facts)
}

const ADVICE: Readonly<Record<LedgerUnavailable['outcome'], string>> = {
  none: 'Nothing was written. Try again once the ledger can be reached.',
  unknown: 'The write may have been made. Try again with the same idempotency key: it counts once, whatever became of this attempt.',
}

/** Turns what a store cannot do into what a caller can act on. */
export async function reachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SchemaTooNew) throw new CreditError('schema_too_new', error.message, { cause: error })
    if (!(error instanceof LedgerUnavailable)) throw error
    throw new CreditError('ledger_unavailable', error.message, {
      details: { outcome: error.outcome },
      advice: [ADVICE[error.outcome]],
      cause: error,
    })
  }
}
