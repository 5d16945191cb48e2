import type { Counter, CounterKey } from '../budgets/counter.js'
import type { BudgetGroup } from '../budgets/group.js'
import { countingNow, type Tally } from '../budgets/tally.js'
import { NotLoaded } from '../decide/view.js'

/**
 * How many counters of an account are kept from one batch to the next. A budget for each customer has a counter for
 * each: beyond this all are forgotten, and those that are needed are loaded again.
 */
const KEPT_MAX = 2_000

interface Loaded {
  /** Null for one that nothing was counted in yet. */
  counter: Counter | null
  isChanged: boolean
}

/** Tallies kept from one batch to the next; those of budgets that were changed are of no use any more. */
const TALLIES_MAX = 500

interface KeptTally {
  readonly tally: Tally
  /** Whether its counters are those loaded: a tally moves many at once, and they follow once somebody looks. */
  isSpread: boolean
}

/** The counters of one account that a batch has loaded, under those that it has changed and not yet written. */
export class LoadedCounters {
  readonly #budgets = new Map<string, Map<string, Loaded>>()
  #size = 0
  #changed: Loaded[] = []
  readonly #tallies = new Map<BudgetGroup, Map<string, KeptTally>>()
  #tallyCount = 0
  #unspread: KeptTally[] = []

  tally(group: BudgetGroup, subject: string): Tally | null {
    return this.#tallies.get(group)?.get(subject)?.tally ?? null
  }

  applyTally(tally: Tally): void {
    const subjects = this.#tallies.get(tally.group) ?? new Map<string, KeptTally>()
    this.#tallies.set(tally.group, subjects)
    const before = subjects.get(tally.subject)
    // One whose window has only begun says nothing of what the one before it counted last in a window that is over.
    if (before !== undefined && tally.counting !== null) this.#spread()
    const kept = { tally, isSpread: false }
    subjects.set(tally.subject, kept)
    if (before === undefined) this.#tallyCount += 1
    else before.isSpread = true
    this.#unspread.push(kept)
  }

  #spread(): void {
    if (this.#unspread.length === 0) return
    const waiting = this.#unspread
    this.#unspread = []
    for (const kept of waiting) {
      if (kept.isSpread) continue
      kept.isSpread = true
      for (const counter of countingNow(kept.tally)) this.#set(counter)
    }
  }

  #forgetTallies(): void {
    this.#spread()
    this.#tallies.clear()
    this.#tallyCount = 0
  }

  get(keys: readonly CounterKey[]): readonly (Counter | null)[] {
    this.#spread()
    const found = keys.map((key) => this.#find(key))
    if (found.includes(undefined)) throw new NotLoaded({ kind: 'counters', keys: keys.filter((key) => this.#find(key) === undefined) })
    return (found as Loaded[]).map(({ counter }) => counter)
  }

  has(keys: readonly CounterKey[]): boolean {
    return keys.every((key) => this.#find(key) !== undefined)
  }

  /** Takes in what the database holds; a counter that this batch has moved is newer here and stays. */
  add(key: CounterKey, counter: Counter | null): void {
    if (this.#find(key) === undefined) this.#put(key, counter)
  }

  /** A counter that is changed by itself, after which no tally tells how it stands. */
  apply(counter: Counter): void {
    this.#forgetTallies()
    this.#set(counter)
  }

  #set(counter: Counter): void {
    const loaded = this.#find(counter) ?? this.#put(counter, counter)
    loaded.counter = counter
    if (loaded.isChanged) return
    loaded.isChanged = true
    this.#changed.push(loaded)
  }

  changed(): readonly Counter[] {
    this.#spread()
    return this.#changed.map(({ counter }) => counter as Counter)
  }

  /** Once all changes are written. */
  keep(): void {
    for (const loaded of this.#changed) loaded.isChanged = false
    this.#changed = []
    if (this.#tallyCount > TALLIES_MAX || this.#size > KEPT_MAX) this.#forgetTallies()
    if (this.#size <= KEPT_MAX) return
    this.#budgets.clear()
    this.#size = 0
  }

  #find({ budget, subject }: CounterKey): Loaded | undefined {
    return this.#budgets.get(budget)?.get(subject)
  }

  #put({ budget, subject }: CounterKey, counter: Counter | null): Loaded {
    const loaded = { counter, isChanged: false }
    const subjects = this.#budgets.get(budget) ?? new Map<string, Loaded>()
    this.#budgets.set(budget, subjects.set(subject, loaded))
    this.#size += 1
    return loaded
  }
}
