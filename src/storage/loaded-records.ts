import { type Need, NotLoaded } from '../decide/view.js'
import { type AccountRecord, type RecordKind, RULE_KINDS } from '../ledger/account-record.js'

/** How many records of a kind are kept from one batch to the next before those that are not open are forgotten. */
const KEPT_MAX = 1_000

/** The records of one account that a batch has loaded, under those that it has changed and not yet written. */
export class LoadedRecords {
  readonly #kinds = new Map<RecordKind, LoadedKind>()

  open(of: RecordKind): readonly AccountRecord[] {
    return this.#kinds.get(of)?.open() ?? notLoaded({ kind: 'records', of })
  }

  get(of: RecordKind, id: string): AccountRecord | null {
    const record = this.#kinds.get(of)?.rows.get(id)
    return record === undefined ? notLoaded({ kind: 'record', of, id }) : record
  }

  hasOpen(of: RecordKind): boolean {
    return this.#kinds.get(of)?.isComplete ?? false
  }

  has(of: RecordKind, id: string): boolean {
    return this.#kinds.get(of)?.rows.has(id) ?? false
  }

  addOpen(of: RecordKind, records: readonly AccountRecord[]): void {
    this.#kind(of).addOpen(records)
  }

  add(of: RecordKind, id: string, record: AccountRecord | null): void {
    this.#kind(of).add(id, record)
  }

  apply(record: AccountRecord): void {
    this.#kind(record.kind).apply(record)
  }

  changed(): readonly AccountRecord[] {
    return [...this.#kinds.values()].flatMap((kind) => kind.changed())
  }

  /** Once all changes are written: keeps what every charge looks at and forgets everything else. */
  keep(): void {
    for (const [of, kind] of this.#kinds) {
      if (RULE_KINDS.includes(of) && kind.isComplete) kind.keep()
      else this.#kinds.delete(of)
    }
  }

  #kind(of: RecordKind): LoadedKind {
    const known = this.#kinds.get(of) ?? new LoadedKind()
    this.#kinds.set(of, known)
    return known
  }
}

class LoadedKind {
  /** By id; null for one that is not there. */
  readonly rows = new Map<string, AccountRecord | null>()
  /** Whether every open record is among the rows. */
  isComplete = false
  readonly #changed = new Set<string>()
  /** The open records by id, made anew after a change only: every charge of a batch reads the same list. */
  #open: readonly AccountRecord[] | null = null

  open(): readonly AccountRecord[] | null {
    if (!this.isComplete) return null
    this.#open ??= [...this.rows.values()].filter(isOpen).sort((a, b) => (a.id < b.id ? -1 : 1))
    return this.#open
  }

  addOpen(records: readonly AccountRecord[]): void {
    for (const record of records) this.add(record.id, record)
    this.isComplete = true
  }

  /** A record that this batch has changed is newer here and stays. */
  add(id: string, record: AccountRecord | null): void {
    if (this.rows.has(id)) return
    this.rows.set(id, record)
    this.#open = null
  }

  apply(record: AccountRecord): void {
    this.rows.set(record.id, record)
    this.#changed.add(record.id)
    this.#open = null
  }

  changed(): readonly AccountRecord[] {
    return [...this.#changed].map((id) => this.rows.get(id) as AccountRecord)
  }

  /** A record that is not there is known as well: a charge may ask for one that few accounts have. */
  keep(): void {
    this.#changed.clear()
    if (this.rows.size <= KEPT_MAX) return
    for (const [id, record] of this.rows) if (!isOpen(record)) this.rows.delete(id)
  }
}

function isOpen(record: AccountRecord | null): record is AccountRecord {
  return record?.isOpen ?? false
}

function notLoaded(need: Need): never {
  throw new NotLoaded(need)
}
