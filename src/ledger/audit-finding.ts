/**
 * What must hold in every ledger, by name: the chain and sequence of its journal, its entries and the columns that
 * repeat them, and the rules I1 to I5. `due`: nobody passes over what has become necessary. `account`: its state, plan,
 * zone and clock are what the journal made them. `records`: budgets, alerts, members, keys, purchases, items and settings
 * are what the journal says of them, and the account counts them right. `counters`: each budget has counted what the
 * journal says was spent and set aside under it. `catalogs`: prices can be read, and what was reserved has one of them.
 */
export const INVARIANTS = [
  'sequence', 'chain', 'entries', 'columns', 'rows', 'idempotency', 'due', 'I1', 'I2', 'I3', 'I4', 'I5',
  'account', 'records', 'counters', 'catalogs',
] as const
export type Invariant = (typeof INVARIANTS)[number]

/** A row that breaks an invariant: a transaction's, grant's or reservation's id, a record or counter by its kind and name, or the account's. */
export interface Finding {
  readonly row: string
  readonly invariant: Invariant
  readonly message: string
}

/** Takes what an audit finds, in the order in which it is found. */
export type Report = (row: string, invariant: Invariant, message: string) => void
