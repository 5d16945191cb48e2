/**
 * What an account has beside its credits: each kind is a small document with a reader of its own in the folder that
 * knows its rules. One table holds them all, so that a further kind needs no further storage.
 *
 * `budget` limits spending (src/budgets), `alert` is a threshold of one's own, `message` is what a person is to be told,
 * `member` and `key` are who may act (src/keys), `purchase` is credits bought (src/plans), `item` is metered by the hour,
 * `trial` remembers a plan that is given once, `setting` is a switch of the account, `quote` is a price that binds,
 * `approval` is what a person is asked to allow, `guard` is a rule that stops or asks, `streak` is what a guard has seen.
 */
export const RECORD_KINDS = [
  'budget', 'alert', 'message', 'member', 'key', 'purchase', 'item', 'trial', 'setting', 'quote', 'approval', 'guard', 'streak',
] as const
export type RecordKind = (typeof RECORD_KINDS)[number]

/** The budget that a plan's spending cap is; its terms come and go with the plan, in no row of its own. */
export const SPENDING_CAP = 'spending_cap'

/** The kinds that an account's `rules` counts: what every piece of its spending looks at. */
export const RULE_KINDS: readonly RecordKind[] = ['budget', 'alert', 'guard']

/** A document in JSON: amounts are numbers of micro-credits, exact below 2⁵³, instants are epoch milliseconds. */
export type RecordDocument = Readonly<Record<string, unknown>>

export interface AccountRecord {
  readonly kind: RecordKind
  /** Unique among the account's records of its kind. */
  readonly id: string
  /** The sequence of the transaction in whose write it became what it is. */
  readonly sequence: number
  /** Whether it holds: a removed budget, a revoked key, a settled purchase, a trial used up are closed and stay readable. */
  readonly isOpen: boolean
  /** Finds the record without knowing its account: a key by its secret's digest. Unique in the ledger. */
  readonly lookup: string | null
  readonly document: RecordDocument
}

/** Bounds what one write may have to look at. */
export const OPEN_RECORDS_MAX: Readonly<Record<RecordKind, number>> = {
  budget: 500,
  alert: 100,
  message: Number.MAX_SAFE_INTEGER,
  member: 10_000,
  key: 10_000,
  purchase: 1_000,
  item: 500,
  trial: 100,
  setting: 100,
  quote: Number.MAX_SAFE_INTEGER,
  approval: 1_000,
  guard: 20,
  streak: Number.MAX_SAFE_INTEGER,
}
