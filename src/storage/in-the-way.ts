import { jitterMs } from '../random.js'
import { LedgerUnavailable } from './port.js'

/** How long one goes on trying while others write. Four saturated processes keep each other waiting below one second. */
const PATIENCE_MS = 10_000

/** What others do to a write of ours, and what is said if they do not stop. */
export interface InTheWay {
  readonly isIt: (error: unknown) => boolean
  readonly words: string
  /** Longest pause between two tries. Short, so that nobody is passed over for long; jittered, so that they do not march in step. */
  readonly pauseMaxMs: number
}

/**
 * Tries until nobody else is in the way, pausing in between on a timer, so that the event loop stays free. A timer bounds it
 * as well: pauses that are added up tell nothing of how long tries take, or of how late a busy process wakes.
 *
 * @throws LedgerUnavailable at the first try that fails later than ten seconds after the first one that did
 */
export async function whenFree<T>({ isIt, words, pauseMaxMs }: InTheWay, work: () => T | Promise<T>): Promise<T> {
  let patience: NodeJS.Timeout | undefined
  let isOver = false
  try {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isIt(error)) throw error
        if (isOver) throw new LedgerUnavailable(words, 'none', error)
      }
      patience ??= setTimeout(() => (isOver = true), PATIENCE_MS)
      await new Promise((resolve) => setTimeout(resolve, jitterMs(pauseMaxMs)))
    }
  } finally {
    clearTimeout(patience)
  }
}
