import { closeSync, fsyncSync, openSync, readSync, realpathSync, writeSync } from 'node:fs'
import { LedgerUnavailable } from '../port.js'

const PIECE_BYTES = 1024 * 1024

/**
 * Writes a ledger's log onto itself and syncs it. What a failed sync was to save, Linux drops as if it were saved: the next
 * sync succeeds without it, and a log with a hole ends there after a power cut, whatever was acknowledged behind it. Until
 * then the machine still has it in memory, and written once more it reaches the disk with a sync that tells the truth.
 *
 * @throws LedgerUnavailable when the disk still fails
 */
export function writeLogAgain(file: string): void {
  try {
    // Beside the file itself, where a link leads to it.
    const log = openSync(`${realpathSync(file)}-wal`, 'r+')
    try {
      const piece = Buffer.alloc(PIECE_BYTES)
      for (let at = 0; ; ) {
        const length = readSync(log, piece, 0, PIECE_BYTES, at)
        if (length === 0) break
        at += writeSync(log, piece, 0, length, at)
      }
      fsyncSync(log)
    } finally {
      closeSync(log)
    }
  } catch (error) {
    throw new LedgerUnavailable('The disk of the ledger file failed and has not recovered', 'none', error)
  }
}
