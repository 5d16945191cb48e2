import type { Command } from '../decide/command.js'
import type { Outcome } from '../decide/outcome.js'
import type { Instant } from '../time/instant.js'
import type { Pending, Settled } from './batch.js'
import { LedgerUnavailable } from './port.js'

/** The most commands that one commit holds: beyond, the wait of the first outgrows what a further one saves. */
const BATCH_MAX = 256

/** Callers that wait at once; more are refused, for memory is no queue. */
const QUEUE_MAX = 100_000

interface Waiting extends Pending {
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/** Decides and commits a batch as a whole; rejects when nothing of it was kept, or when that is unknown. */
export type CommitBatch = (pending: readonly Pending[]) => Promise<readonly Settled[]>

/**
 * A queue of commands that is drained in batches, one commit each: callers that come in the same moment share one
 * sync to disk. One batch is under way at a time, and each caller hears after the commit that holds its command.
 */
export class GroupCommit {
  readonly #commit: CommitBatch
  #waiting: Waiting[] = []
  #isDraining = false
  #isClosed = false
  #drained: Promise<void> = Promise.resolve()

  constructor(commit: CommitBatch) {
    this.#commit = commit
  }

  enqueue(command: Command, now: Instant): Promise<Outcome> {
    if (this.#isClosed) return Promise.reject(new LedgerUnavailable('The ledger is closed', 'none'))
    if (this.#waiting.length >= QUEUE_MAX) return Promise.reject(new LedgerUnavailable('Too many writes wait', 'none'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, now, resolve, reject })
      if (this.#isDraining) return
      this.#isDraining = true
      this.#drained = new Promise((done) => setImmediate(() => this.#drain().finally(done)))
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX)
      await this.#settle(batch)
      // A turn of the event loop in between: those just answered may join the next batch, and nothing else starves.
      await nextTurn()
    }
    this.#isDraining = false
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const settled = await this.#commit(batch)
      batch.forEach((waiting, index) => answer(waiting, settled[index] as Settled))
    } catch (error) {
      await this.#settleFailed(batch, error)
    }
  }

  /** A write that was rolled back is repeated one by one, so that one bad row fails its caller alone; an unknown one never. */
  async #settleFailed(batch: readonly Waiting[], error: unknown): Promise<void> {
    const mayRepeat = batch.length > 1 && !(error instanceof LedgerUnavailable)
    if (!mayRepeat) return batch.forEach((waiting) => waiting.reject(error))
    for (const waiting of batch) await this.#settle([waiting])
  }

  /** Takes no more, and resolves once all that waits is answered. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#drained
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function answer(waiting: Waiting, settled: Settled): void {
  if (settled.kind === 'outcome') waiting.resolve(settled.outcome)
  else waiting.reject(settled.error)
}
