import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { ListedPrices } from './listed-prices.js'

/**
 * How often a served ledger is looked after. A process that was killed leaves its reservations to the others: they live
 * for a minute after its last sign of life, and this long at most until the next sweep gives them back.
 */
const INTERVAL_MS = 15_000
const PAUSE_MIN_MS = 1_000

/** Sweeps a ledger, reads its prices again and prepares its reports, from the moment when it was first opened. Never keeps the process alive. */
export class Housekeeping {
  readonly #prices: ListedPrices
  readonly #note: (line: string) => void
  #timer: NodeJS.Timeout | null = null
  #isStopped = false
  /** The account after which the next round of preparing reports goes on. */
  #rolledUpTo: string | null = null

  constructor(prices: ListedPrices, note: (line: string) => void) {
    this.#prices = prices
    this.#note = note
  }

  start(credits: Credits): void {
    if (this.#timer !== null || this.#isStopped) return
    // Sooner where a price changes sooner, for lists are read again then; never at once, should the ledger be away.
    const pauseMs = Math.max(PAUSE_MIN_MS, Math.min(INTERVAL_MS, this.#prices.validForMs()))
    this.#timer = setTimeout(() => void this.#run(credits), pauseMs)
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #run(credits: Credits): Promise<void> {
    // Each for itself: an account that cannot be swept must not keep the prices old.
    await this.#attempt(() => credits.sweep())
    await this.#attempt(() => this.#prices.refresh())
    await this.#attempt(async () => {
      this.#rolledUpTo = await credits.rollUp(this.#rolledUpTo)
    })
    this.#timer = null
    this.start(credits)
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // A ledger that cannot be reached now is asked again next time, and one that is being closed never.
      if (!(error instanceof CreditError) && !this.#isStopped) this.#note(`looking after the ledger failed: ${String(error)}`)
    }
  }
}
