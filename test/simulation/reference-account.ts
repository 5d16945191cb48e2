import { monthlyCredits, monthsAfter } from './reference-prices.js'

const DAY_MS = 86_400_000

export interface ReferenceGrant {
  readonly sequence: number
  readonly source: string
  readonly priority: number
  readonly isPaid: boolean
  readonly amount: bigint
  remaining: bigint
  isScheduled: boolean
  readonly effectiveAt: number
  /** Infinity for never. */
  readonly expiresAt: number
}

interface Part {
  readonly grant: ReferenceGrant
  readonly amount: bigint
}

export interface ReferenceReservation {
  readonly account: string
  readonly sequence: number
  readonly holder: string
  readonly amount: bigint
  readonly pins: readonly Part[]
  readonly overrun: string
  readonly operation: string
  readonly customer: string | null
  expiresAt: number
  state: 'open' | 'settled' | 'released' | 'expired'
}

export interface ReferenceCharge {
  readonly account: string
  readonly at: number
  readonly operation: string
  readonly customer: string | null
  readonly credits: bigint
  /** In the order of payment; null where nothing but a debt paid. */
  readonly payments: readonly { readonly grant: ReferenceGrant | null; readonly amount: bigint }[]
  refunded: bigint
}

export interface ReferenceRow {
  readonly type: string
  readonly at: number
  readonly credits: bigint
  readonly balance: bigint
}

/**
 * The rules written a second time, as plainly as can be, from the design alone: nothing of the product is used. Sums are
 * made anew whenever they are asked for; nothing is cached that could be wrong.
 */
export class ReferenceAccount {
  readonly debtMax: bigint
  readonly createdAt: number
  state = 'active'
  lastAt: number
  sequence = 0
  debt = 0n
  spent = 0n
  plan: { readonly id: string; readonly anchor: number; period: number; end: number; base: bigint } | null = null
  /** Grants with something left, and promised ones. */
  grants: ReferenceGrant[] = []
  open: ReferenceReservation[] = []
  readonly journal: ReferenceRow[] = []

  constructor(at: number, debtMax: bigint) {
    this.createdAt = at
    this.lastAt = at
    this.debtMax = debtMax
  }

  get balance(): bigint {
    return this.burnable().reduce((sum, grant) => sum + grant.remaining, -this.debt)
  }

  get reserved(): bigint {
    return this.open.reduce((sum, row) => sum + row.amount, 0n)
  }

  /** What can be spent, in the order in which it is. */
  burnable(): ReferenceGrant[] {
    const usable = this.grants.filter((grant) => !grant.isScheduled && grant.remaining > 0n)
    return usable.sort(
      (a, b) =>
        a.priority - b.priority ||
        (a.expiresAt < b.expiresAt ? -1 : a.expiresAt > b.expiresAt ? 1 : 0) ||
        Number(a.isPaid) - Number(b.isPaid) ||
        a.sequence - b.sequence,
    )
  }

  level(): string {
    if (this.balance <= 0n) return 'exhausted'
    return this.plan !== null && this.plan.base > 0n && this.balance * 100n <= this.plan.base * 20n ? 'low' : 'ok'
  }

  /** Everything that becomes due, at the earliest first; what has expired can be late by a command, never by a read. */
  catchUp(now: number): void {
    for (;;) {
      const [next] = this.#events().sort((a, b) => a.at - b.at || a.rank - b.rank || a.sequence - b.sequence)
      if (next === undefined || next.at > now) return
      next.happen()
    }
  }

  /** When something happens by itself, for a generator that wants to be there. */
  dueInstants(): number[] {
    return this.#events().map((event) => event.at)
  }

  #events() {
    const events: { at: number; rank: number; sequence: number; happen: () => void }[] = []
    for (const row of this.open) events.push({ at: row.expiresAt, rank: 0, sequence: row.sequence, happen: () => this.#timeOut(row) })
    for (const grant of this.grants) {
      const { sequence, effectiveAt, expiresAt } = grant
      if (grant.isScheduled) events.push({ at: effectiveAt, rank: 2, sequence, happen: () => this.#begin(grant) })
      else if (grant.remaining > 0n && expiresAt !== Infinity) events.push({ at: expiresAt, rank: 1, sequence, happen: () => this.#expire(grant, expiresAt) })
    }
    if (this.plan !== null) events.push({ at: this.plan.end, rank: 3, sequence: 0, happen: () => this.#renew() })
    return events
  }

  #timeOut(row: ReferenceReservation): void {
    this.end(row, 'expired')
    this.giveBack(row.pins)
    this.post('release', row.amount, row.expiresAt)
    this.expireReturned(row.pins, row.expiresAt)
  }

  #begin(grant: ReferenceGrant): void {
    grant.isScheduled = false
    if (this.state === 'closed') return this.post('amend', 0n, grant.effectiveAt)
    this.giveBack([{ grant, amount: grant.amount }])
    this.post('grant', grant.amount, grant.effectiveAt)
  }

  #expire(grant: ReferenceGrant, at: number): void {
    const expired = grant.remaining
    grant.remaining = 0n
    this.post('expire', expired, at)
  }

  expireReturned(parts: readonly Part[], at: number): void {
    for (const { grant } of parts) if (grant.remaining > 0n && grant.expiresAt <= at) this.#expire(grant, at)
  }

  #renew(): void {
    const { plan } = this
    if (plan === null) return
    this.openPeriod(plan.id, plan.anchor, plan.period + 1)
  }

  openPeriod(id: string, anchor: number, period: number): void {
    const allowance = monthlyCredits(id)
    const start = monthsAfter(anchor, period)
    const end = monthsAfter(anchor, period + 1)
    this.plan = { id, anchor, period, end, base: allowance + (this.balance > 0n ? this.balance : 0n) }
    if (allowance > 0n) this.give({ amount: allowance, source: 'allowance', priority: 10, isPaid: false, effectiveAt: start, expiresAt: end }, 'grant', start)
  }

  give(facts: Omit<ReferenceGrant, 'sequence' | 'remaining' | 'isScheduled'>, type: string, at: number): void {
    const grant: ReferenceGrant = { ...facts, sequence: this.sequence + 1, remaining: 0n, isScheduled: false }
    this.grants.push(grant)
    this.giveBack([{ grant, amount: grant.amount }])
    this.post(type, grant.amount, at)
  }

  promise(facts: Omit<ReferenceGrant, 'sequence' | 'remaining' | 'isScheduled'>, at: number): void {
    this.post('amend', 0n, at)
    this.grants.push({ ...facts, sequence: this.sequence, remaining: 0n, isScheduled: true })
  }

  /** Takes up to `amount` in burn order. */
  take(amount: bigint): Part[] {
    const parts: Part[] = []
    let left = amount
    for (const grant of this.burnable()) {
      if (left === 0n) break
      const part = grant.remaining < left ? grant.remaining : left
      grant.remaining -= part
      left -= part
      parts.push({ grant, amount: part })
    }
    return parts
  }

  /** Credits come to grants; what is owed is repaid from them first. */
  giveBack(parts: readonly Part[]): void {
    for (const { grant, amount } of parts) {
      const repaid = amount < this.debt ? amount : this.debt
      this.debt -= repaid
      grant.remaining += amount - repaid
      if (!this.grants.includes(grant)) this.grants.push(grant)
    }
  }

  end(row: ReferenceReservation, state: 'settled' | 'released' | 'expired'): void {
    row.state = state
    this.open = this.open.filter((open) => open !== row)
  }

  isLate(row: ReferenceReservation, at: number): boolean {
    return row.state === 'expired' && at < row.expiresAt + DAY_MS
  }

  post(type: string, credits: bigint, at: number): void {
    this.sequence += 1
    this.lastAt = at
    this.journal.push({ type, at, credits, balance: this.balance })
    this.grants = this.grants.filter((grant) => grant.isScheduled || grant.remaining > 0n)
  }
}
