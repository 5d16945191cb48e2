import type { SeededRandom } from '../support/seeded-random.js'
import type { Call, ReferenceLedger } from './reference-ledger.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

const OPERATIONS = [
  { operation: 'chat.message' },
  { operation: 'page.edit' },
  { operation: 'blog.post' },
  { operation: 'translate' },
  { operation: 'social.post', variant: 'image' },
  { operation: 'social.post' },
  { operation: 'video.clip' },
  { operation: 'video.clip', variant: 'premium' },
  { operation: 'webhook.retry' },
  { operation: 'content.read' },
] as const

const UNKNOWN = [{ operation: 'no.such' }, { operation: 'video.clip', variant: 'no-such' }] as const

const QUANTITIES = [undefined, undefined, 1, 2, 3, 0.5, 0.333333, 0.000001, 0]

const GRANTED = [1, 5, 12, 60.5, 0.000001, 33.333333]

/** The account that is closed one day; the others never are, or their histories would end early. */
export const CLOSING = 'closing'

/** How many of the newest keyed calls are tried again. */
const REPEATED = 30

/** Where a random history may go next; numbers are those of the calls before. */
export class Generator {
  readonly #random: SeededRandom
  readonly #reference: ReferenceLedger
  readonly #accounts: readonly string[]
  readonly #reserved: { readonly account: string; readonly number: number }[] = []
  readonly #charged: { readonly account: string; readonly number: number }[] = []
  readonly #keyed: Call[] = []
  #keys = 0

  constructor(random: SeededRandom, reference: ReferenceLedger, accounts: readonly string[]) {
    this.#random = random
    this.#reference = reference
    this.#accounts = accounts
  }

  /** The next moment: mostly the same, often a boundary or a millisecond beside it, seldom far off or a step back. */
  nextInstant(now: number): number {
    const random = this.#random
    const kind = random.below(100)
    if (kind < 76) return now
    if (kind < 78) return now - random.below(2 * MINUTE_MS)
    if (kind < 79) return now + random.below(2 * DAY_MS)
    if (kind < 90) return now + random.below(4 * MINUTE_MS)
    // Renewals are a month away: gone to each time, years would pass and nothing else would ever be due.
    const horizon = now + (random.below(20) === 0 ? 40 : 1) * DAY_MS
    const timedOut = this.#reserved.slice(-60).map(({ number }) => (this.#reference.reservations.get(number)?.expiresAt ?? 0) + DAY_MS)
    const instants = [...this.#reference.account(random.pick(this.#accounts)).dueInstants(), ...(random.below(4) === 0 ? timedOut : [])]
    const due = instants.filter((at) => at > now && at < horizon)
    const soon = due.sort((a, b) => a - b)[random.below(3)]
    return soon === undefined ? now + 1 : soon - 1 + random.below(3)
  }

  nextCall(number: number, now: number): Call {
    const random = this.#random
    if (this.#keyed.length > 0 && random.below(15) === 0) return random.pick(this.#keyed.slice(-REPEATED))
    const call = this.#newCall(number, now)
    if (call.input.idempotencyKey !== undefined) this.#keyed.push(call)
    return call
  }

  #newCall(number: number, now: number): Call {
    const random = this.#random
    const account = random.pick(this.#accounts)
    const idempotencyKey = random.below(5) > 0 ? undefined : `key-${random.below(10) === 0 ? random.below(this.#keys + 1) : this.#keys++}`
    const shared = { account, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }
    const holder = random.below(4) === 0 ? 'agent' : 'operator'
    const make = (verb: Call['verb'], input: object, about?: number): Call =>
      ({ verb, holder, input: { ...shared, ...input }, ...(about === undefined ? {} : { about }) }) as Call
    switch (random.below(20)) {
      case 0:
      case 1:
        return make('grant', this.#grant(now))
      case 2:
        return make('adjust', { credits: random.pick([5, -1, -20, 0.5, 0, -0.000001]) })
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        this.#charged.push({ account, number })
        return make('charge', this.#job())
      case 9:
      case 10:
      case 11:
        this.#reserved.push({ account, number })
        return make('reserve', {
          ...this.#job(),
          ...optional('ttlSeconds', random.pick([undefined, undefined, 60, 600.5, 3_600, 86_400, 86_401])),
          ...optional('overrun', random.pick([undefined, 'cap', 'reject', 'debt', 'debt'])),
        })
      case 12:
      case 13:
      case 14:
        this.#charged.push({ account, number })
        return make('settle', optional('actual', random.pick([undefined, 0, 1, 5, 33.25, 61, 100, 400])), this.#held(account, now))
      case 15:
        return make('release', {}, this.#held(account, now))
      case 16:
        return make('extend', { ttlSeconds: random.pick([1, 1_800, 86_400, 90_000]) }, this.#held(account, now))
      case 17:
      case 18:
        return make('refund', optional('credits', random.pick([undefined, 1, 0.25, 30])), this.#recent(this.#charged, account))
      default:
        return random.below(4) === 0
          ? make('subscribe', { plan: random.pick(['free', 'no-such']) })
          : make('setAccountState', { state: this.#state(account) })
    }
  }

  #state(account: string): string {
    const random = this.#random
    if (account === CLOSING && random.below(8) === 0) return 'closed'
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

  #job() {
    const random = this.#random
    const labels = random.below(2) === 0 ? { customer: `c${random.below(3)}` } : undefined
    const job = random.below(20) === 0 ? random.pick(UNKNOWN) : random.pick(OPERATIONS)
    return { ...job, ...optional('quantity', random.pick(QUANTITIES)), ...optional('labels', labels) }
  }

  /** Mostly a reservation that is open or may still be settled late, often another that is neither. */
  #held(account: string, now: number): number | undefined {
    const recent = this.#reserved.slice(-60).filter(({ number }) => {
      const row = this.#reference.reservations.get(number)
      return row?.account === account && (row.state === 'open' || (row.state === 'expired' && row.expiresAt + DAY_MS > now))
    })
    return this.#random.below(6) === 0 || recent.length === 0 ? this.#recent(this.#reserved, account) : this.#random.pick(recent).number
  }

  /** One of the last rows, seldom of another account, whose id is the same miss as one that is none. */
  #recent(rows: readonly { readonly account: string; readonly number: number }[], account: string): number | undefined {
    const random = this.#random
    const isRow = (number: number) => this.#reference.charges.has(number) || this.#reference.reservations.has(number)
    const recent = rows.slice(-60).filter((row) => (row.account === account && isRow(row.number)) || random.below(20) === 0)
    return random.below(20) === 0 ? undefined : recent.at(-1 - random.below(8))?.number
  }
}

function optional<Name extends string>(name: Name, value: unknown): object {
  return value === undefined ? {} : { [name]: value }
}
