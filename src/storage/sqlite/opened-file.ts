import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { LedgerUnavailable } from '../port.js'

/**
 * The file that a connection was opened on. SQLite goes on with a file that was moved away, removed, or replaced by a copy
 * that was restored: what it then acknowledged would stand in a ledger that nobody else opens.
 */
export class OpenedFile {
  readonly #path: string
  readonly #identity: string | null

  constructor(path: string) {
    this.#path = resolve(path)
    this.#identity = identityOf(this.#path)
  }

  /** @throws LedgerUnavailable unless its path still names the file that was opened */
  seeThatItIsThere(): void {
    if (identityOf(this.#path) === this.#identity) return
    throw new LedgerUnavailable('The ledger file was moved or replaced since it was opened; put it back, or start again with the one that is there', 'none')
  }
}

/** Null where there is none, or none that may be looked at. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}.${ino}`
  } catch {
    return null
  }
}
