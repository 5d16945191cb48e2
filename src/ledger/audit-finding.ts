/**
 * What must hold in every ledger, by name: the chain and sequence of its journal, its entries and the columns that
 * repeat them, and the rules I1 to I5. `due`: nobody passes over what has become necessary.
 */
export const INVARIANTS = ['sequence', 'chain', 'entries', 'columns', 'rows', 'idempotency', 'due', 'I1', 'I2', 'I3', 'I4', 'I5'] as const
export type Invariant = (typeof INVARIANTS)[number]

/** A row that breaks an invariant: a transaction's, grant's or reservation's id, or the account's. */
export interface Finding {
  readonly row: string
  readonly invariant: Invariant
  readonly message: string
}

/** Takes what an audit finds, in the order in which it is found. */
export type Report = (row: string, invariant: Invariant, message: string) => void
