import type { Credits } from '../credits.js'
import { systemClock } from '../clock.js'
import type { Prices, ToolDescription } from '../proxy/ports.js'

/**
 * The prices in an upstream server's list of tools. They are those of the catalog read last; whoever looks after the
 * ledger has it read again, at the latest when an announced change takes effect.
 */
export class ListedPrices implements Prices {
  #decorate: Prices['decorate'] = (tool) => tool
  #version: number | null = null
  #nextChange: number | null = null

  readonly decorate = (tool: ToolDescription): ToolDescription => this.#decorate(tool)

  /** Until the next announced change, and never longer than it takes to learn of one that is announced by nobody. */
  readonly validForMs = (): number => {
    const untilChange = this.#nextChange === null ? VALID_MAX_MS : this.#nextChange - systemClock.now()
    return Math.max(0, Math.min(VALID_MAX_MS, untilChange))
  }

  /** Takes the catalog in force. @throws CreditError whatever the ledger refuses */
  async refresh(credits: Credits): Promise<void> {
    const { version, document } = await credits.catalog()
    const { announcedChanges } = await credits.operations()
    this.#nextChange = announcedChanges.length === 0 ? null : Math.min(...announcedChanges.map(({ effectiveAt }) => Date.parse(effectiveAt)))
    if (version !== this.#version) await this.#use(version, document)
  }

  /** Takes the catalog of a ledger that is yet to be made. */
  async useStarter(): Promise<void> {
    await this.#use(FIRST_VERSION, 'starter')
  }

  async #use(version: number, source: string | object): Promise<void> {
    const [{ readCatalog }, { priceDecorator }] = await Promise.all([import('../facade/catalog-source.js'), import('../mcp/price-decorator.js')])
    this.#decorate = priceDecorator({ version, catalog: await readCatalog(source) }) as Prices['decorate']
    this.#version = version
  }
}

/** As long as a price that somebody lowers at once may be told too high. */
const VALID_MAX_MS = 15_000

const FIRST_VERSION = 1
