import { type Owner, ReferenceBudgets, type Spender } from './reference-budgets.js'
import { calendarSpan, monthsAfter } from './reference-calendar.js'
import { type CatalogDocument, isPaidPlan, micro, type PlanDocument } from './reference-catalog.js'
import { type Quoted, upwards } from './reference-prices.js'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export interface ReferenceGrant {
  readonly sequence: number
  readonly source: string
  readonly priority: number
  readonly isPaid: boolean
  readonly endsWithPlan: boolean
  readonly amount: bigint
  remaining: bigint
  isScheduled: boolean
  readonly effectiveAt: number
  /** Infinity for never. */
  readonly expiresAt: number
}

type GrantFacts = Omit<ReferenceGrant, 'sequence' | 'remaining' | 'isScheduled' | 'endsWithPlan'> & { readonly endsWithPlan?: boolean }

export interface Part {
  readonly grant: ReferenceGrant
  readonly amount: bigint
}

export interface ReferenceReservation {
  readonly account: string
  readonly sequence: number
  readonly holder: string
  readonly key: string | null
  readonly amount: bigint
  readonly pins: readonly Part[]
  readonly overrun: string
  readonly price: Quoted
  readonly operation: string
  readonly spender: Spender
  readonly openedAt: number
  expiresAt: number
  state: 'open' | 'settled' | 'released' | 'expired'
}

export interface ReferenceCharge {
  readonly account: string
  readonly at: number
  /** When and by which row its work began: where budgets count it. */
  readonly began: number
  readonly beganBy: number
  readonly sequence: number
  /** What of it was charged last, beyond what had been set aside. */
  readonly beyond: bigint
  readonly operation: string
  readonly spender: Spender
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

interface RunningPlan {
  readonly id: string
  readonly anchor: number
  readonly period: number
  readonly start: number
  readonly end: number
  readonly base: bigint
  readonly next: string | null
}

interface KeptItem {
  quantity: number
  /** Millionths of a unit times milliseconds. */
  metered: bigint
  until: number
}

export interface ReferencePurchase {
  readonly account: string
  readonly pack: string
  readonly credits: bigint
  readonly orderedAt: number
  readonly budget: string | null
  state: 'pending' | 'settled' | 'cancelled' | 'refunded'
  settledAt: number
  settledBy: number
  raisedBudget: boolean
  readonly isSelfService: boolean
  grants: ReferenceGrant[]
}

/** A charge that time alone has made, for whoever adds up reports. */
export type ItemCharge = Omit<ReferenceCharge, 'refunded' | 'payments'>

export const NOBODY: Spender = { keys: [], environment: null, member: null, run: null, operation: null, category: null, labels: {} }

/**
 * The rules written a second time, as plainly as can be, from the design alone: nothing of the product is used. Sums are
 * made anew whenever they are asked for; nothing is cached that could be wrong.
 */
export class ReferenceAccount {
  readonly id: string
  readonly catalog: CatalogDocument
  readonly debtMax: bigint
  readonly createdAt: number
  readonly budgets = new ReferenceBudgets()
  readonly members = new Map<string, string>()
  readonly keys = new Map<string, { readonly scopes: readonly string[]; readonly ancestors: readonly string[]; readonly environment: string | null; readonly member: string | null; isRevoked: boolean }>()
  readonly items = new Map<string, KeptItem>()
  readonly trials = new Set<string>()
  readonly itemCharges: ItemCharge[] = []
  zone: string
  state = 'active'
  lastAt: number
  sequence = 0
  debt = 0n
  spent = 0n
  pending = 0n
  uncollected = 0n
  itemsDueAt = Infinity
  isSelfServiceSet: boolean | null = null
  plan: RunningPlan | null = null
  planChangedBy = 0
  /** The newest row when a plan last ended: what lasted as long as that does not come back. */
  #endedBy = 0
  /** The cap of the last boundary at which one held on what rolled over. */
  #carried: { readonly cap: bigint; readonly from: number } | null = null
  #had: { readonly anchor: number; readonly period: number; readonly allowance: bigint } | null = null
  /** Grants with something left, and promised ones. */
  grants: ReferenceGrant[] = []
  open: ReferenceReservation[] = []
  readonly journal: ReferenceRow[] = []

  constructor(facts: { readonly id: string; readonly catalog: CatalogDocument; readonly at: number; readonly debtMax: bigint; readonly zone: string }) {
    this.id = facts.id
    this.catalog = facts.catalog
    this.createdAt = facts.at
    this.lastAt = facts.at
    this.debtMax = facts.debtMax
    this.zone = facts.zone
  }

  get balance(): bigint {
    return this.grants.reduce((sum, grant) => (grant.isScheduled ? sum : sum + grant.remaining), -this.debt)
  }

  get reserved(): bigint {
    return this.open.reduce((sum, row) => sum + row.amount, 0n)
  }

  get owner(): Owner {
    const { zone, createdAt, plan, planChangedBy } = this
    if (plan === null) return { zone, createdAt, period: null, nextPeriod: null, planChangedBy }
    const nextPeriod = { since: plan.end, until: monthsAfter(plan.anchor, plan.period + 2, zone) }
    return { zone, createdAt, period: { since: plan.start, until: plan.end }, nextPeriod, planChangedBy }
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

  /** How much is left, in one word: by the catalog's thresholds, whose percentages are of what the period began with. */
  level(): string {
    return this.levelOf(this.balance)
  }

  levelOf(balance: bigint): string {
    const { plan } = this
    if (balance <= 0n) return 'exhausted'
    const reached = (this.catalog.thresholds ?? []).filter(({ kind, value, when = 'at_or_below' }) => {
      if (kind === 'absolute') return when === 'below' ? balance < micro(value) : balance <= micro(value)
      if (plan === null || plan.base === 0n) return false
      const [left, right] = [balance * 100_000_000n, plan.base * micro(value)]
      return when === 'below' ? left < right : left <= right
    })
    if (reached.some(({ level }) => level === 'critical')) return 'critical'
    return reached.length > 0 ? 'low' : 'ok'
  }

  /** When the next credits come by themselves; null where none will. */
  nextGrantAt(): number | null {
    const { plan } = this
    if (plan === null || plan.next === 'none') return null
    const next = this.catalog.plans[plan.next ?? plan.id]
    if (next === undefined) return null
    const isFirst = plan.next !== null && plan.next !== plan.id
    return this.#periodGrants(next, 'renewal', isFirst).length > 0 ? plan.end : null
  }

  /** Everything that becomes due, the earliest first. */
  catchUp(now: number): void {
    for (;;) {
      let next: Event | undefined
      for (const event of this.#events()) if (next === undefined || isEarlier(event, next)) next = event
      if (next === undefined || next.at > now) return
      next.happen()
    }
  }

  /** When something happens by itself, for a generator that wants to be there. */
  dueInstants(): number[] {
    return this.#events().map((event) => event.at)
  }

  #events(): Event[] {
    const events: Event[] = []
    for (const row of this.open) events.push({ at: row.expiresAt, rank: 0, sequence: row.sequence, happen: () => this.#timeOut(row) })
    for (const grant of this.grants) {
      const { sequence, effectiveAt, expiresAt } = grant
      if (grant.isScheduled) events.push({ at: effectiveAt, rank: 2, sequence, happen: () => this.#begin(grant) })
      else if (grant.remaining > 0n && expiresAt !== Infinity) events.push({ at: expiresAt, rank: 1, sequence, happen: () => this.expire(grant, expiresAt) })
    }
    if (this.plan !== null) events.push({ at: this.plan.end, rank: 3, sequence: 0, happen: () => this.#renew() })
    if (this.itemsDueAt !== Infinity) events.push({ at: this.itemsDueAt, rank: 4, sequence: 0, happen: () => this.#chargeItems() })
    return events
  }

  #timeOut(row: ReferenceReservation): void {
    this.end(row, 'expired')
    this.giveBack(row.pins)
    this.post('release', row.amount, row.expiresAt)
    this.countReturned(row, row.expiresAt)
    this.expireReturned(row.pins, row.expiresAt)
  }

  countReturned(row: ReferenceReservation, at: number): void {
    const moved = { used: 0n, reserved: -row.amount, at, began: row.openedAt, beganBy: row.sequence }
    this.budgets.count(row.spender, moved, this.owner)
  }

  #begin(grant: ReferenceGrant): void {
    grant.isScheduled = false
    if (this.state === 'closed') return this.post('amend', 0n, grant.effectiveAt)
    this.giveBack([{ grant, amount: grant.amount }])
    this.post('grant', grant.amount, grant.effectiveAt)
  }

  expire(grant: ReferenceGrant, at: number, amount = grant.remaining): void {
    grant.remaining -= amount
    this.post('expire', amount, at)
  }

  expireReturned(parts: readonly Part[], at: number): void {
    for (const { grant } of parts) {
      const isOver = grant.expiresAt <= at || (grant.endsWithPlan && (this.plan === null || grant.sequence <= this.#endedBy))
      if (grant.remaining > 0n && isOver) this.expire(grant, at)
    }
    if (this.#carried !== null) this.#holdToCap(this.#carried.cap, this.#carried.from, at)
  }

  #renew(): void {
    const { plan } = this
    if (plan === null) return
    this.#rollOver(plan)
    if (plan.next !== 'none') return this.openPeriod(plan.next ?? plan.id, plan, 'renewal', plan.next !== null && plan.next !== plan.id)
    this.post('amend', 0n, plan.end)
    this.endPlan(plan.end)
  }

  #rollOver({ id, end }: RunningPlan): void {
    const rollover = this.catalog.plans[id]?.rollover
    if (rollover?.kind !== 'capped') return
    this.#carried = { cap: micro(rollover.cap ?? '0'), from: end }
    this.#holdToCap(this.#carried.cap, end, end)
  }

  /** Of the allowances from before a boundary no more than the cap is held, the newest. */
  #holdToCap(cap: bigint, from: number, at: number): void {
    const allowances = this.grants.filter((grant) => grant.source === 'allowance' && !grant.isScheduled && grant.effectiveAt < from && grant.remaining > 0n).sort((a, b) => a.sequence - b.sequence)
    let over = allowances.reduce((sum, grant) => sum + grant.remaining, 0n) - cap
    for (const grant of allowances) {
      if (over <= 0n) return
      const part = grant.remaining < over ? grant.remaining : over
      over -= part
      this.expire(grant, at, part)
    }
  }

  endPlan(at: number): void {
    this.plan = null
    this.planChangedBy = this.sequence
    this.setCap(null, at)
    for (const grant of this.burnable()) if (grant.endsWithPlan) this.expire(grant, at)
    this.#endedBy = this.sequence
  }

  /** `before` is the period that it follows; null for a plan that begins now. */
  openPeriod(id: string, before: RunningPlan | null, occasion: 'sign_up' | 'subscription' | 'renewal', isFirst: boolean, at = 0): void {
    const plan = this.catalog.plans[id] as PlanDocument
    if (before === null) this.planChangedBy = this.sequence
    const rows = this.sequence
    const anchor = before?.anchor ?? at
    const period = before === null ? 0 : before.period + 1
    const start = before?.end ?? at
    const end = monthsAfter(anchor, period + 1, this.zone)
    const held = this.balance > 0n ? this.balance : 0n
    const grants = this.#periodGrants(plan, occasion, isFirst, id, end)
    const given = grants.reduce((sum, grant) => sum + grant.amount, 0n)
    this.plan = { id, anchor, period, start, end, base: given + held, next: null }
    for (const grant of grants) this.give({ ...grant, effectiveAt: start }, 'grant', start)
    if (plan.trial === true && isFirst) this.trials.add(id)
    if (occasion !== 'subscription') this.setCap(plan, start, { isSamePlan: before?.id === id, takesRow: this.sequence === rows })
  }

  #periodGrants(plan: PlanDocument, occasion: 'sign_up' | 'subscription' | 'renewal', isFirst: boolean, id = '', end = 0): Omit<GrantFacts, 'effectiveAt'>[] {
    if (plan.trial === true && !isFirst) return []
    const bonus = {
      sign_up: { source: 'sign_up', credits: plan.grants?.sign_up?.credits },
      subscription: { source: 'subscription_purchase', credits: isPaidPlan(this.catalog, id) ? plan.grants?.purchase?.credits : undefined },
      renewal: { source: 'renewal_bonus', credits: plan.grants?.renewal?.credits },
    }[occasion]
    return [
      { ...allowanceTerms(plan, end), amount: micro(plan.monthly_credits ?? '0') },
      { source: bonus.source, amount: micro(bonus.credits ?? '0'), priority: 20, isPaid: false, expiresAt: Infinity },
    ].filter(({ amount }) => amount > 0n)
  }

  /** Another plan takes the running one's place; what its allowance is more comes for the rest of the period, once. */
  switchPlan(id: string, at: number): void {
    const running = this.plan as RunningPlan
    const plan = this.catalog.plans[id] as PlanDocument
    const isSame = this.#had !== null && this.#had.anchor === running.anchor && this.#had.period === running.period
    const from = isSame ? (this.#had?.allowance ?? 0n) : this.allowanceOf(running.id)
    const to = this.allowanceOf(id)
    const amount = to > from ? ((to - from) * BigInt(running.end - at)) / BigInt(running.end - running.start) : 0n
    this.plan = { ...running, id, next: null, base: running.base + amount }
    this.#had = { anchor: running.anchor, period: running.period, allowance: to > from ? to : from }
    if (amount > 0n) this.give({ ...allowanceTerms(plan, running.end), amount, effectiveAt: at }, 'grant', at)
  }

  allowanceOf(plan: string): bigint {
    return micro(this.catalog.plans[plan]?.monthly_credits ?? '0')
  }

  /** The plan's cap is a budget like any other, which goes on while its window is the same; said after the rows of its write. */
  setCap(plan: PlanDocument | null, at: number, { isSamePlan = false, takesRow = false } = {}): void {
    const before = this.budgets.open.get('spending_cap')
    const cap = plan?.spending_cap
    if (cap === undefined) {
      if (before !== undefined && takesRow) this.post('amend', 0n, at)
      this.budgets.open.delete('spending_cap')
      return
    }
    const window = cap.window === 'period' ? 'billing_period' : 'total'
    const isSameWindow = before?.window === window
    const raisedBy = isSamePlan && isSameWindow ? before.raisedBy : 0n
    const limit = micro(cap.credits) + raisedBy
    if (isSameWindow && before.limit === limit && before.raisedBy === raisedBy) return
    if (takesRow) this.post('amend', 0n, at)
    const kept = isSameWindow ? { since: before.since, origin: before.origin, raises: before.raises } : { since: at, origin: this.sequence, raises: [] }
    this.budgets.set({ id: 'spending_cap', scope: {}, window, limit, enforcement: 'hard', thresholds: [80, 95], raisedBy, setBy: isSamePlan && isSameWindow ? before.setBy : this.sequence, ...kept })
  }

  #chargeItems(): void {
    const at = this.itemsDueAt
    for (const [id, item] of [...this.items].sort(([a], [b]) => (a < b ? -1 : 1))) {
      this.chargeItem(id, item, at + 1, at)
      if (item.quantity === 0) this.items.delete(id)
    }
    this.itemsDueAt = this.items.size === 0 ? Infinity : calendarSpan(at + 1 + 3 * DAY_MS, 'month', this.zone).until - 1
  }

  meter(item: KeptItem, until: number): void {
    if (until <= item.until) return
    item.metered += micro(item.quantity) * BigInt(until - item.until)
    item.until = until
  }

  /** A month of an item: whatever is available pays, and nothing else. Budgets have no say in what is kept. */
  chargeItem(id: string, item: KeptItem, until: number, at: number): void {
    this.meter(item, until)
    const price = this.catalog.recurring_items?.[id]?.price_per_unit_hour ?? '0'
    const [whole = '0', fraction = ''] = price.split('.')
    const cost = upwards(item.metered * BigInt(whole + fraction.padEnd(12, '0')), 1_000_000n * 1_000_000n * BigInt(HOUR_MS))
    item.metered = 0n
    if (cost === 0n) return
    const operation = `recurring.${id}`
    const spender = { ...NOBODY, operation }
    const payments = this.take(cost < this.balance ? cost : this.balance > 0n ? this.balance : 0n)
    const paid = payments.reduce((sum, part) => sum + part.amount, 0n)
    this.spent += paid
    this.uncollected += cost - paid
    this.post('charge', paid, at)
    this.itemCharges.push({ account: this.id, at, sequence: this.sequence, beyond: 0n, began: at, beganBy: this.sequence, operation, spender, credits: paid })
  }

  /** As much of an amount as the balance and every hard limit allow. */
  within(amount: bigint, spender: Spender, at: number): bigint {
    const available = this.balance > 0n ? this.balance : 0n
    const hard = this.hardRemaining(spender, at)
    return [amount, available, ...(hard === null ? [] : [hard])].reduce((least, one) => (one < least ? one : least))
  }

  hardRemaining(spender: Spender, at: number): bigint | null {
    const hard = this.budgets.standings(spender, at, this.owner).filter(({ budget }) => budget.enforcement === 'hard')
    return hard.length === 0 ? null : hard.map(({ remaining }) => remaining).reduce((least, one) => (one < least ? one : least))
  }

  give(facts: GrantFacts, type: string, at: number): ReferenceGrant {
    const grant: ReferenceGrant = { endsWithPlan: false, ...facts, sequence: this.sequence + 1, remaining: 0n, isScheduled: false }
    this.giveBack([{ grant, amount: grant.amount }])
    this.post(type, grant.amount, at)
    return grant
  }

  promise(facts: GrantFacts, at: number): void {
    this.post('amend', 0n, at)
    this.grants.push({ endsWithPlan: false, ...facts, sequence: this.sequence, remaining: 0n, isScheduled: true })
  }

  /** Takes up to `amount` in burn order. */
  take(amount: bigint): Part[] {
    const parts: Part[] = []
    let left = amount
    for (const grant of left === 0n ? [] : this.burnable()) {
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
    if (this.grants.some((grant) => !grant.isScheduled && grant.remaining === 0n)) this.grants = this.grants.filter((grant) => grant.isScheduled || grant.remaining > 0n)
  }
}

interface Event {
  readonly at: number
  readonly rank: number
  readonly sequence: number
  readonly happen: () => void
}

function isEarlier(a: Event, b: Event): boolean {
  return (a.at - b.at || a.rank - b.rank || a.sequence - b.sequence) < 0
}

function allowanceTerms(plan: PlanDocument, end: number) {
  const { kind } = plan.rollover
  return { source: 'allowance', priority: 10, isPaid: false, expiresAt: kind === 'none' ? end : Infinity, endsWithPlan: kind === 'while_active' }
}
