import { systemClock } from '../clock.js'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { Prices, ToolDescription } from '../proxy/ports.js'

export interface PriceSource {
  /** Whether there is a ledger yet. One that is not is made by the first call, and not to look at its prices. */
  readonly isThere: () => boolean
  readonly open: () => Promise<Credits>
  readonly note: (line: string) => void
  /** As long as a list of tools may wait for a ledger that does not answer: a list without prices is better than none. */
  readonly patienceMs?: number
}

/**
 * The prices in an upstream server's list of tools, read again for each list: any process may have changed them, and a
 * call is charged what the ledger says then. A ledger that cannot be read costs the prices in the list, or leaves the
 * ones that were read last, and nothing else: calls are refused for as long as it cannot, each with its reason.
 */
export class ListedPrices implements Prices {
  readonly #source: PriceSource
  readonly #listeners = new Set<() => void>()
  #decorate: Prices['decorate'] = (tool) => tool
  #listed: { readonly version: number; readonly text: string } | null = null
  #nextChange: number | null = null
  #reading: Promise<void> | null = null
  #lastNote: string | null = null

  constructor(source: PriceSource) {
    this.#source = source
  }

  readonly decorate = (tool: ToolDescription): ToolDescription => this.#decorate(tool)

  /** Until the next announced change, and never longer than it takes to learn of one that is announced by nobody. */
  readonly validForMs = (): number => {
    const untilChange = this.#nextChange === null ? VALID_MAX_MS : this.#nextChange - systemClock.now()
    return Math.max(0, Math.min(VALID_MAX_MS, untilChange))
  }

  readonly onChange = (changed: () => void): (() => void) => {
    // Wrapped, so that whoever listens twice leaves once.
    const tell = () => changed()
    this.#listeners.add(tell)
    return () => void this.#listeners.delete(tell)
  }

  /** Resolves once the prices are those in force, or the ledger has been given time enough to tell them. */
  readonly ready = async (): Promise<void> => {
    const { within } = await import('../proxy/within.js')
    await within(this.refresh(), this.#source.patienceMs ?? PATIENCE_MS)
  }

  /** Reads the prices in force; never rejects. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read()
      .catch((error: unknown) => this.#noteOnce(error instanceof CreditError ? error.message : `the prices cannot be read: ${String(error)}`))
      .finally(() => (this.#reading = null))
    return this.#reading
  }

  async #read(): Promise<void> {
    const { isThere, open } = this.#source
    if (!isThere()) return this.#listed === null ? this.#use(FIRST_VERSION, 'starter') : undefined
    const credits = await open()
    const { version, document } = await credits.catalog()
    const { announcedChanges } = await credits.operations()
    this.#nextChange = announcedChanges.length === 0 ? null : Math.min(...announcedChanges.map(({ effectiveAt }) => Date.parse(effectiveAt)))
    await this.#use(version, document)
    this.#lastNote = null
  }

  async #use(version: number, source: string | object): Promise<void> {
    if (version === this.#listed?.version && JSON.stringify(source) === this.#listed.text) return
    const [{ readCatalog }, { priceDecorator }] = await Promise.all([import('../facade/catalog-source.js'), import('../usage/price-decorator.js')])
    const catalog = await readCatalog(source)
    // A ledger that was made meanwhile, with the prices that were expected of it, changes nothing.
    const isChanged = this.#listed !== null && this.#listed.text !== catalog.source
    this.#decorate = priceDecorator({ version, catalog }) as Prices['decorate']
    this.#listed = { version, text: catalog.source }
    if (isChanged) for (const tell of this.#listeners) tell()
  }

  #noteOnce(line: string): void {
    if (line !== this.#lastNote) this.#source.note(line)
    this.#lastNote = line
  }
}

/** As long as a price that somebody lowers at once may be told too high. */
const VALID_MAX_MS = 15_000

const PATIENCE_MS = 5_000

const FIRST_VERSION = 1
