import type { MicroCredits } from '../money/credits.js'
import { NEVER, type Instant } from '../time/instant.js'
import type { Books } from './books.js'
import { genesisHash } from './chain.js'

export const ACCOUNT_STATES = ['active', 'suspended', 'closed'] as const
export type AccountState = (typeof ACCOUNT_STATES)[number]

/** The running plan of an account: period n began at `periodStart` and ends, with the next grant, at `periodEnd`. */
export interface Subscription {
  readonly plan: string
  readonly anchorAt: Instant
  readonly period: number
  readonly periodStart: Instant
  readonly periodEnd: Instant
  /** Allowance of the period plus the other credits held at its start: the whole of which "20 % remain" is said (ND-10). */
  readonly periodBase: MicroCredits
  /** The plan of the next period where it is another one, `none` for no plan any more; null to go on. */
  readonly nextPlan: string | null
}

/** The wallet that pays, and the unit of consistency: every rule reads rows of one account. */
export interface Account {
  readonly id: string
  readonly state: AccountState
  readonly parent: string | null
  readonly timeZone: string
  readonly isTest: boolean
  /** How far `available` may go below zero when a reservation's overrun policy is `debt`. */
  readonly debtMax: MicroCredits
  /** Salts the digests of labels and inputs in the journal, so that erased personal data cannot be guessed back from them. */
  readonly labelSalt: string
  readonly createdAt: Instant
  /** The instant of the newest transaction: a clock that steps back never reorders a ledger. */
  readonly lastAt: Instant
  /** How many transactions the account has; the newest one's sequence. */
  readonly sequence: number
  /** The newest transaction's hash; the genesis hash before the first. */
  readonly head: string
  readonly books: Books
  /** Available credits that no grant covers: below zero by the overrun policy `debt`. The next credits repay it first. */
  readonly debt: MicroCredits
  /** Grants that have something left, and scheduled ones, which will. */
  readonly openGrants: number
  readonly openReservations: number
  /** Nothing of this account is due before this instant. May be too early, never too late. */
  readonly nextDueAt: Instant
  readonly subscription: Subscription | null
  /**
   * The newest transaction when the plan last began or ended. Billing periods are counted anew from then on, and within one
   * millisecond only the order of transactions tells what came before it.
   */
  readonly planChangedBy: number
  /** Open budgets and alerts: an account without any spares the look at them. */
  readonly rules: number
  /** Credits of purchases that are not settled yet. */
  readonly pending: MicroCredits
  /** The thresholds of the balance that were told of: told of again only once more credits or a new period re-arm them (T38). */
  readonly fired: readonly string[]
  /** How far a test account's own time is ahead of the clock, in milliseconds; zero for every other (AX-24). */
  readonly clockAheadMs: number
  /** When the recurring items of the running month are charged; `NEVER` without any. */
  readonly itemsDueAt: Instant
}

const EMPTY_BOOKS: Books = { issued: 0n, available: 0n, reserved: 0n, spent: 0n, expired: 0n, revoked: 0n, uncollected: 0n }

/** Bounds what one write may have to look at; a renewal every month for eighty years stays below the first. */
export const OPEN_GRANTS_MAX = 1_000
export const OPEN_RESERVATIONS_MAX = 10_000

export interface NewAccount {
  readonly id: string
  readonly timeZone: string
  readonly parent: string | null
  readonly isTest: boolean
  readonly debtMax: MicroCredits
  readonly labelSalt: string
}

export function openAccount(input: NewAccount, at: Instant): Account {
  return {
    ...input,
    state: 'active',
    createdAt: at,
    lastAt: at,
    sequence: 0,
    head: genesisHash(input.id, at),
    books: EMPTY_BOOKS,
    debt: 0n,
    openGrants: 0,
    openReservations: 0,
    nextDueAt: NEVER,
    subscription: null,
    planChangedBy: 0,
    rules: 0,
    pending: 0n,
    fired: [],
    clockAheadMs: 0,
    itemsDueAt: NEVER,
  }
}
