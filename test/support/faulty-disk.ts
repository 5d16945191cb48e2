import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, realpathSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** Why no disk can be broken on this machine; null where one can. */
export function whyNoFaultyDisk(): string | null {
  if (process.platform !== 'linux') return 'the library that breaks a disk is preloaded in the way of Linux'
  return spawnSync('cc', ['--version']).error === undefined ? null : 'no C compiler (cc) is installed'
}

/** A folder as a program finds it on a disk that fills up and breaks; others, the test among them, have it whole. */
export interface FaultyDisk {
  /** Starts a program on it, with its first words. */
  readonly wrapper: readonly string[]
  /** By how many bytes its files may still grow; null for any number. */
  leaveRoom(bytes: number | null): void
  /** How many of the coming syncs fail. */
  failSyncs(count: number | 'all'): void
  /** Whether the index that SQLite's processes share beside the log may not grow. */
  fillIndex(isFull: boolean): void
  /** How many syncs have failed so far. */
  failedSyncs(): number
  /**
   * Makes a folder of what a power cut would leave now, at worst: of the files as they were when the disk was made, and
   * of what was written since, only what a sync has confirmed. What a failed sync was to save is gone, as Linux drops it.
   */
  afterPowerCut(): string
}

const NUMBERS = { room: 0, failing: 1, indexFull: 2, failed: 3 } as const
const ANY = -1

/** The files of `folder` must be as they are on the disk: nobody has them open. */
export function faultyDisk(folder: string): FaultyDisk {
  const own = mkdtempSync(join(tmpdir(), 'mcp-credits-disk-'))
  onTestFinished(() => rmSync(own, { recursive: true, force: true }))
  const [library, numbers, journal, before] = ['faulty-disk.so', 'numbers', 'journal', 'before'].map((name) => join(own, name)) as [string, string, string, string]
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, fileURLToPath(new URL('fixtures/faulty-disk.c', import.meta.url)), '-ldl'])
  cpSync(folder, before, { recursive: true })
  writeFileSync(journal, '')
  writeFileSync(numbers, Buffer.alloc(8 * Object.keys(NUMBERS).length))
  const file = openSync(numbers, 'r+')
  onTestFinished(() => closeSync(file))
  const set = (which: keyof typeof NUMBERS, value: number): void => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    writeSync(file, bytes, 0, 8, 8 * NUMBERS[which])
  }
  set('room', ANY)
  let cuts = 0
  return {
    wrapper: ['env', `LD_PRELOAD=${library}`, `FAULTY_DISK=${numbers}`, `FAULTY_DISK_FOLDER=${realpathSync(folder)}`, `FAULTY_DISK_JOURNAL=${journal}`],
    leaveRoom: (bytes) => set('room', bytes ?? ANY),
    failSyncs: (count) => set('failing', count === 'all' ? ANY : count),
    fillIndex: (isFull) => set('indexFull', Number(isFull)),
    failedSyncs: () => {
      const bytes = Buffer.alloc(8)
      readSync(file, bytes, 0, 8, 8 * NUMBERS.failed)
      return Number(bytes.readBigInt64LE())
    },
    afterPowerCut: () => {
      const left = join(own, `power-cut-${(cuts += 1)}`)
      cpSync(before, left, { recursive: true })
      for (const [path, bytes] of confirmed(before, readFileSync(journal))) writeFileSync(join(left, path), bytes)
      return left
    },
  }
}

const DONE = { written: 0, truncated: 1, synced: 2, notSynced: 3 } as const
const HEAD_BYTES = 32

/** The files as far as syncs have confirmed them. The index is none of them: it is made anew from the log. */
function confirmed(before: string, journal: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, FileOnDisk>()
  for (let at = 0; at < journal.length; ) {
    const [what, pathLength, offset, length] = [0, 8, 16, 24].map((place) => Number(journal.readBigInt64LE(at + place))) as [number, number, number, number]
    const path = journal.toString('utf8', at + HEAD_BYTES, at + HEAD_BYTES + pathLength)
    const bytes = journal.subarray(at + HEAD_BYTES + pathLength, at + HEAD_BYTES + pathLength + length)
    at += HEAD_BYTES + pathLength + length
    if (path.endsWith('-shm')) continue
    const file = files.get(path) ?? new FileOnDisk(join(before, path))
    files.set(path, file)
    if (what === DONE.written) file.pending.push(() => file.write(bytes, offset))
    if (what === DONE.truncated) file.pending.push(() => file.truncate(offset))
    if (what === DONE.synced) for (const change of file.pending) change()
    if (what === DONE.synced || what === DONE.notSynced) file.pending = []
  }
  return new Map([...files].map(([path, file]) => [path, file.content()]))
}

class FileOnDisk {
  /** What was done to it since its last sync. */
  pending: (() => void)[] = []
  #bytes: Buffer
  #length: number

  constructor(path: string) {
    this.#bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
    this.#length = this.#bytes.length
  }

  write(bytes: Buffer, offset: number): void {
    const end = offset + bytes.length
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * end)
    bytes.copy(this.#bytes, offset)
    this.#length = Math.max(this.#length, end)
  }

  truncate(length: number): void {
    this.#bytes.fill(0, length)
    this.#length = length
  }

  content(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}
