import { LedgerUnavailable } from '../storage/port.js'

/** A ledger that is well answers within milliseconds, so this is long enough for a busy one. */
const PATIENCE_MS = 2_000

/** While an earlier read has no answer yet: time for a ledger that is back, and hardly any for one that is not. */
const WHILE_AWAY_MS = 50

/** Reads that nobody waits for any more; with so many of them no further one is made. */
const LATE_MAX = 4

/**
 * Bounds the wait for reads that one can do without. A database that is frozen, or behind a network that loses what is
 * sent, refuses nothing: it does not answer, and whoever waits for it waits for as long as the driver does.
 */
export class Patience {
  #late = 0

  /** @throws LedgerUnavailable when there is no answer in time, and whatever the read throws */
  async with<T>(read: () => Promise<T>): Promise<T> {
    if (this.#late >= LATE_MAX) throw late()
    const reading = read()
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#late += 1
        const answered = () => void (this.#late -= 1)
        reading.then(answered, answered)
        reject(late())
      }, this.#late === 0 ? PATIENCE_MS : WHILE_AWAY_MS)
    })
    try {
      return await Promise.race([reading, patience])
    } finally {
      clearTimeout(timer)
    }
  }
}

function late(): LedgerUnavailable {
  return new LedgerUnavailable('The ledger does not answer', 'none')
}
