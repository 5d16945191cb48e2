import type { SeededRandom } from '../support/seeded-random.js'
import type { CatalogDocument, OperationDocument } from './reference-catalog.js'
import { type Call, type ReferenceLedger, SPENDING_VERBS, type Verb } from './reference-ledger.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

const QUANTITIES = [undefined, undefined, undefined, 1, 2, 3, 0.5, 0.333333, 0.000001, 0, 11, 250.5]
const GRANTED = [1, 5, 12, 60.5, 0.000001, 33.333333]
const TOKENS = [0, 1, 999, 12_345, 1_000_000]

export const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe']
const ENVIRONMENTS = ['production', 'preview']
const MEMBERS = ['ada', 'bob', 'eve']
const ROLES = ['owner', 'admin', 'member', 'member', 'viewer']
const RUNS = ['r1', 'r2', 'r3']
const WINDOWS = ['day', 'week', 'month', 'billing_period', 'total', 'run', 'rolling:1h', 'rolling:24h', 'rolling:168h']
const BUDGETS = ['b1', 'b2', 'b3', 'b4', 'b5']
const LABELS = ['c1', 'c2', 'c3']

/** The account that is closed one day; the others never are, or their histories would end early. */
export const CLOSING = 'closing'

/** More than one batch makes of one kind. */
const LOOKED_BACK = 300

/** How many of the newest keyed calls are tried again. */
const REPEATED = 30

/** What is done how often: of these, one by chance. */
const VERBS: readonly Verb[] = [
  ...times('charge', 34),
  ...times('reserve', 18),
  ...times('settle', 17),
  ...times('release', 4),
  ...times('extend', 3),
  ...times('refund', 8),
  ...times('grant', 5),
  ...times('adjust', 4),
  ...times('setBudget', 3),
  ...times('raiseBudget', 2),
  'removeBudget',
  ...times('purchase', 3),
  'settlePurchase',
  'cancelPurchase',
  'refundPurchase',
  ...times('subscribe', 2),
  'cancelSubscription',
  'setAccountState',
  'setAccountState',
  'setItem',
  'setItem',
  'putMember',
  'removeMember',
  'createKey',
  'createKey',
  'revokeKey',
  'setTimeZone',
  'setSelfService',
]

function times(verb: Verb, count: number): readonly Verb[] {
  return new Array<Verb>(count).fill(verb)
}

/** Of these the library asks the ledger more than once, so that what is done at the same moment may come between. */
export const ALONE: ReadonlySet<Verb> = new Set(['purchase', 'setBudget', 'raiseBudget', 'createKey'])

const TOGETHER = VERBS.filter((verb) => !ALONE.has(verb))

/** Verbs whose answers tell no row of their own, or more than it: they are asked without an idempotency key. */
const AGENTS_VERBS: readonly Verb[] = [...SPENDING_VERBS, 'purchase']

const UNKEYED: ReadonlySet<Verb> = new Set(['setBudget', 'raiseBudget', 'putMember', 'createKey', 'setTimeZone', 'settlePurchase', 'cancelPurchase', 'refundPurchase'])

/** What is mostly done with a key, in a member's name or in a run. */
const KEYED_VERBS: ReadonlySet<Verb> = new Set(['charge', 'reserve', 'settle'])

/** Where a random history may go next, by the data of a catalog; numbers are those of the calls before. */
export class Generator {
  readonly #random: SeededRandom
  readonly #reference: ReferenceLedger
  readonly #catalog: CatalogDocument
  readonly #accounts: readonly string[]
  readonly #operations: readonly string[]
  readonly #rows: Record<'reserve' | 'charge' | 'purchase', { readonly account: string; readonly number: number }[]> = { reserve: [], charge: [], purchase: [] }
  readonly #keyed: Call[] = []
  #keys = 0
  #made = 0
  #before = Infinity
  #verbs = VERBS

  constructor(random: SeededRandom, reference: ReferenceLedger, accounts: readonly string[]) {
    this.#random = random
    this.#reference = reference
    this.#catalog = reference.catalog
    this.#accounts = accounts
    // What costs something is asked for more often than what is free.
    const isFree = (operation: OperationDocument) => operation.price?.model === 'flat' && Number(operation.price.credits) === 0
    const all = Object.keys(this.#catalog.operations)
    const paid = all.filter((id) => !isFree(this.#catalog.operations[id] as OperationDocument))
    this.#operations = [...paid, ...paid, ...paid, ...all]
  }

  /** The next moment: mostly the same, often a boundary or a millisecond beside it, seldom far off or a step back. */
  nextInstant(now: number): number {
    const random = this.#random
    const kind = random.below(100)
    if (kind < 76) return now
    if (kind < 78) return now - random.below(2 * MINUTE_MS)
    if (kind < 79) return now + random.below(2 * DAY_MS)
    if (kind < 92) return now + random.below(4 * MINUTE_MS)
    // Renewals are a month away: gone to each time, years would pass and nothing else would ever be due.
    const horizon = now + (random.below(20) === 0 ? 40 : 1) * DAY_MS
    const reserved = this.#rows.reserve.slice(-60)
    const timedOut = random.below(4) === 0 ? reserved.map(({ number }) => (this.#reference.reservations.get(number)?.expiresAt ?? 0) + DAY_MS) : []
    const instants = [...this.#reference.account(random.pick(this.#accounts)).dueInstants(), ...timedOut]
    const due = instants.filter((at) => at > now && at < horizon)
    const soon = due.sort((a, b) => a - b)[random.below(3)]
    return soon === undefined ? now + 1 : soon - 1 + random.below(3)
  }

  nextCall(number: number, now: number): Call {
    if (this.#keyed.length > 0 && this.#random.below(15) === 0) return this.#repeated(this.#random.pick(this.#keyed.slice(-REPEATED)))
    const call = this.#newCall(number, now)
    if (call.input.idempotencyKey !== undefined) this.#keyed.push(call)
    return call
  }

  /** Tried again: as often by another party of the account as by the same one. */
  #repeated(call: Call): Call {
    const random = this.#random
    if (random.below(2) === 0) return call
    const { key: _key, member: _member, run: _run, ...asked } = call
    const keys = KEYED_VERBS.has(call.verb) ? [...this.#reference.account(call.input.account).keys.keys()].slice(-6) : []
    const holder = random.pick(['agent', 'agent', 'operator'] as const)
    return { ...asked, ...this.#partyOf(call.verb, call.input.account), holder, ...optional('key', random.pick([undefined, ...keys])) }
  }

  /** So many calls of one moment, none of which needs another's answer; the first may be of those that are made alone. */
  nextBatch(first: number, size: number, now: number): readonly Call[] {
    this.#before = first
    this.#verbs = VERBS
    const head = this.nextCall(first, now)
    this.#verbs = TOGETHER
    const rest = Array.from({ length: ALONE.has(head.verb) ? 0 : size - 1 }, (_, index) => this.nextCall(first + 1 + index, now))
    return [head, ...rest]
  }

  #newCall(number: number, now: number): Call {
    const random = this.#random
    const account = random.pick(this.#accounts)
    const verb = random.pick(this.#verbs)
    if (verb === 'charge' || verb === 'settle') this.#rows.charge.push({ account, number })
    if (verb === 'reserve' || verb === 'purchase') this.#rows[verb].push({ account, number })
    const isKeyed = !UNKEYED.has(verb) && random.below(5) === 0
    const idempotencyKey = isKeyed ? { idempotencyKey: `key-${random.below(10) === 0 ? random.below(this.#keys + 1) : this.#keys++}` } : {}
    const { about, ...input } = this.#inputOf(verb, account, now)
    return {
      verb,
      // An agent mostly does what agents do.
      holder: random.below((AGENTS_VERBS as readonly Verb[]).includes(verb) ? 4 : 30) === 0 ? 'agent' : 'operator',
      ...this.#partyOf(verb, account),
      input: { account, ...idempotencyKey, ...input },
      ...(about === undefined ? {} : { about: about as number }),
    }
  }

  /** Mostly nobody in particular; now and then with a key, in a member's name, in a run. */
  #partyOf(verb: Verb, account: string): Pick<Call, 'key' | 'member' | 'run'> {
    const random = this.#random
    const isSpending = KEYED_VERBS.has(verb)
    const keys = [...this.#reference.account(account).keys.keys()].slice(-6)
    return {
      ...optional('key', (isSpending || verb === 'grant') && random.below(isSpending ? 3 : 12) === 0 ? random.pick([...keys, 'no-such']) : undefined),
      ...optional('member', isSpending && random.below(6) === 0 ? random.pick(MEMBERS) : undefined),
      ...optional('run', isSpending && random.below(4) === 0 ? random.pick(RUNS) : undefined),
    }
  }

  #inputOf(verb: Verb, account: string, now: number): Record<string, unknown> {
    const random = this.#random
    const packs = Object.keys(this.#catalog.packs ?? {})
    switch (verb) {
      case 'charge':
        return this.#job(true)
      case 'reserve':
        return {
          ...this.#job(false),
          ...optional('ttlSeconds', random.pick([undefined, undefined, 60, 600.5, 3_600, 86_400, 86_401])),
          ...optional('overrun', random.pick([undefined, 'cap', 'reject', 'debt', 'debt'])),
        }
      case 'settle':
        return { ...this.#actual(), about: this.#held(account, now) }
      case 'release':
        return { about: this.#held(account, now) }
      case 'extend':
        return { ttlSeconds: random.pick([1, 1_800, 86_400, 90_000]), about: this.#held(account, now) }
      case 'refund':
        return { ...optional('credits', random.pick([undefined, 1, 0.25, 30])), about: this.#recent('charge', account) }
      case 'grant':
        return this.#grant(now)
      case 'adjust':
        return { credits: random.pick([5, -1, -20, 0.5, 0, -0.000001]) }
      case 'setBudget':
        return this.#budget()
      case 'raiseBudget':
        return { id: random.pick([...BUDGETS, 'spending_cap']), credits: random.pick([1, 20, 0.5]), ...optional('until', random.pick([undefined, now - 1, now + random.below(3 * DAY_MS)])) }
      case 'removeBudget':
        return { id: random.pick([...BUDGETS, 'spending_cap']) }
      case 'purchase':
        return { pack: random.pick([...packs, ...packs, 'no-such']), ...optional('pending', random.pick([undefined, true])), ...optional('budget', random.pick([undefined, undefined, ...BUDGETS])) }
      case 'settlePurchase':
      case 'cancelPurchase':
        return { about: this.#recent('purchase', account) }
      case 'refundPurchase':
        return { ...optional('force', random.pick([undefined, true])), about: this.#recent('purchase', account) }
      case 'subscribe':
        return { plan: random.below(20) === 0 ? 'no-such' : random.pick(Object.keys(this.#catalog.plans)), ...optional('when', random.pick([undefined, 'renewal', 'now'])) }
      case 'setAccountState':
        return { state: this.#state(account) }
      case 'setItem':
        return { item: random.pick([...Object.keys(this.#catalog.recurring_items ?? {}), 'no-such']), quantity: random.pick([0, 0, 1, 2.5, 40, 0.000001]) }
      case 'putMember':
        return { id: random.pick(MEMBERS), role: random.pick(ROLES) }
      case 'removeMember':
        return { id: random.pick([...MEMBERS, 'no-such']) }
      case 'createKey':
        return this.#key(account)
      case 'revokeKey':
        return { id: random.pick([...this.#reference.account(account).keys.keys(), 'no-such']) }
      case 'setTimeZone':
        return { timeZone: random.pick(ZONES) }
      case 'setSelfService':
        return { enabled: random.below(2) === 0 }
      case 'cancelSubscription':
        return {}
    }
  }

  #state(account: string): string {
    const random = this.#random
    if (account === CLOSING && random.below(25) === 0) return 'closed'
    return random.below(6) === 0 ? 'suspended' : 'active'
  }

  #grant(now: number) {
    const random = this.#random
    const begins = random.below(4) === 0 ? now + random.below(120) * MINUTE_MS : undefined
    const ends = random.below(2) === 0 ? (begins ?? now) + (random.below(240) - 10) * MINUTE_MS : undefined
    return {
      credits: random.pick(GRANTED),
      ...optional('effectiveAt', begins),
      ...optional('expiresAt', ends),
      ...optional('priority', random.pick([undefined, 10, 20, 50])),
      ...optional('paid', random.pick([undefined, true, false])),
    }
  }

  #job(isCharge: boolean) {
    const random = this.#random
    const operation = random.below(40) === 0 ? 'no.such' : random.pick(this.#operations)
    const known = this.#catalog.operations[operation]
    const variants = Object.keys(known?.variants ?? {})
    const variant = random.below(40) === 0 ? 'no-such' : random.pick([undefined, ...variants])
    const labels = random.below(2) === 0 ? { customer: random.pick(LABELS) } : undefined
    return {
      operation,
      ...optional('variant', variant),
      ...optional('quantity', random.pick(QUANTITIES)),
      ...optional('labels', labels),
      ...(isCharge ? this.#consumed(known, variant) : {}),
    }
  }

  /** What is known only afterwards is charged by what was used or by its sum; now and then that is said of what has a price. */
  #consumed(known: OperationDocument | undefined, variant: string | undefined) {
    const random = this.#random
    const price = known?.variants?.[variant ?? known.default_variant ?? '']?.price ?? known?.price
    const isOpen = price?.model === 'range' || price?.model === 'pass_through'
    if (random.below(12) === (isOpen ? 0 : 1)) return isOpen ? {} : { actual: 3 }
    if (price?.model === 'pass_through' && random.below(3) > 0) return { usage: this.#usage(Object.keys(price.rates)) }
    return isOpen ? { actual: random.pick([0, 0.04, 0.5, 1, 2.25, 4, 70]) } : {}
  }

  #usage(components: readonly string[]) {
    const random = this.#random
    const named = components.filter(() => random.below(4) > 0)
    const unknown = random.below(20) === 0 ? { other_tokens: random.pick(TOKENS) } : {}
    return { ...Object.fromEntries(named.map((name) => [name, random.pick(TOKENS)])), ...unknown }
  }

  #actual() {
    const random = this.#random
    switch (random.below(6)) {
      case 0:
        return {}
      case 1:
        return { quantity: random.pick([0, 1, 2, 0.5]) }
      case 2:
        return { usage: this.#usage(['input_tokens', 'output_tokens', 'cached_tokens']) }
      default:
        return { actual: random.pick([0, 0.000001, 0.05, 1, 5, 33.25, 61, 100, 400]) }
    }
  }

  #budget() {
    const random = this.#random
    const window = random.pick(WINDOWS)
    const operations = Object.keys(this.#catalog.operations)
    const operation = random.pick(operations)
    const category = this.#catalog.operations[operation]?.category ?? operation.split('.')[0]
    const keys = [...this.#reference.account(random.pick(this.#accounts)).keys.keys(), 'k1']
    const each = random.pick(['key', 'member', 'operation', 'category', 'environment', 'run', 'label:customer'])
    const scope = random.pick([
      {}, {}, { operation }, { category }, { member: random.pick(MEMBERS) }, { environment: random.pick(ENVIRONMENTS) }, { run: random.pick(RUNS) },
      { label: { name: 'customer', value: random.pick(LABELS) } }, { key: random.pick(keys) }, { each }, { operation, each },
    ])
    return {
      id: random.pick(BUDGETS),
      window,
      limit: random.pick([0, 10, 60, 250.5, 1_000, 100_000, 100_000, 1_000_000]),
      scope: window === 'run' && 'each' in scope ? {} : scope,
      ...optional('enforcement', random.pick([undefined, 'hard', 'alert'])),
    }
  }

  #key(account: string) {
    const random = this.#random
    const { keys } = this.#reference.account(account)
    const parent = random.pick([undefined, ...[...keys.keys()].slice(-4)])
    const operation = random.pick(Object.keys(this.#catalog.operations))
    const category = this.#catalog.operations[operation]?.category ?? operation.split('.')[0]
    const id = random.below(12) === 0 ? random.pick(['k1', ...keys.keys()]) : `k${(this.#made += 1)}`
    return {
      id,
      scopes: random.pick([['credits:read', 'credits:spend'], ['credits:read', 'credits:spend'], ['admin'], ['credits:read'], [`${category}:*`]]),
      ...optional('environment', random.pick([undefined, ...ENVIRONMENTS])),
      ...optional('member', random.pick([undefined, undefined, ...MEMBERS])),
      ...optional('ancestors', parent === undefined ? undefined : [parent, ...(keys.get(parent)?.ancestors ?? [])]),
    }
  }

  /** Mostly a reservation that is open or may still be settled late, often another that is neither. */
  #held(account: string, now: number): number | undefined {
    const recent = this.#rows.reserve.slice(-LOOKED_BACK).filter(({ number }) => {
      const row = number < this.#before ? this.#reference.reservations.get(number) : undefined
      return row?.account === account && (row.state === 'open' || (row.state === 'expired' && row.expiresAt + DAY_MS > now))
    })
    return this.#random.below(6) === 0 || recent.length === 0 ? this.#recent('reserve', account) : this.#random.pick(recent).number
  }

  /** One of the last rows, seldom of another account, whose id is the same miss as one that is none. */
  #recent(kind: 'reserve' | 'charge' | 'purchase', account: string): number | undefined {
    const random = this.#random
    const { charges, reservations, purchases } = this.#reference
    const isRow = (number: number) => charges.has(number) || reservations.has(number) || purchases.has(number)
    const known = this.#rows[kind].slice(-LOOKED_BACK).filter(({ number }) => number < this.#before)
    const recent = known.slice(-60).filter((row) => (row.account === account && isRow(row.number)) || random.below(20) === 0)
    return random.below(20) === 0 ? undefined : recent.at(-1 - random.below(8))?.number
  }
}

function optional<Name extends string>(name: Name, value: unknown): object {
  return value === undefined ? {} : { [name]: value }
}
