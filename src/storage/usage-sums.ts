import { type RawBuilder, sql } from 'kysely'
import type { Instant } from '../time/instant.js'
import type { LedgerDatabase } from './database.js'
import { QUARTER_MS, type SequenceRange, type UsageQuery, type UsageSum } from './port.js'
import type { LabelOf } from './queries.js'
import { dimensionOf, type Quarters, rolledSums, type Steps, usageMark } from './rollups.js'
import { firstSequence, type SequenceFound, sequenceSearch } from './sequence-search.js'

/**
 * What was spent in a window: charges and settlements by their own time, less refunds, counted at the time of the
 * charge that they refund, whenever they were made. Whole quarters of an hour come from the roll-ups as far as these go;
 * the ragged ends of the window, and what was written since, come from the journal.
 */
export function* usageSums(db: LedgerDatabase, query: UsageQuery, labelOf: LabelOf): Steps<readonly UsageSum[]> {
  const { account, since, until } = query
  const quarters = wholeQuarters(query)
  const dimension = dimensionOf(query)
  const mark = quarters === null || dimension === null ? 0 : yield* usageMark(db, account)
  const edges = [since, until, ...(quarters === null ? [] : [quarters.from * QUARTER_MS, quarters.to * QUARTER_MS])]
  const found = (yield sequenceSearch(account, edges).compile(db)) as readonly SequenceFound[]
  const between = (from: Instant, to: Instant): SequenceRange => ({
    first: firstSequence(found, account, from),
    last: firstSequence(found, account, to) - 1,
  })
  const journal = new Journal(db, query, labelOf)
  const window = between(since, until)
  if (quarters === null || dimension === null) return yield* journal.sums(window)
  const whole = between(quarters.from * QUARTER_MS, quarters.to * QUARTER_MS)
  if (mark < whole.first) return yield* journal.sums(window)
  return [
    ...(yield* rolledSums(db, dimension, quarters)),
    ...(yield* journal.spent({ first: Math.max(whole.first, mark + 1), last: whole.last })),
    ...(yield* journal.refundsSince(mark, whole)),
    ...(yield* journal.sums({ first: window.first, last: whole.first - 1 })),
    ...(yield* journal.sums({ first: whole.last + 1, last: window.last })),
  ]
}

/** The quarters of an hour that lie in a window as a whole; null where none does. */
function wholeQuarters({ since, until }: UsageQuery): Quarters | null {
  const [from, to] = [Math.ceil(since / QUARTER_MS), Math.floor(until / QUARTER_MS)]
  return from < to ? { from, to } : null
}

interface SumRow {
  readonly group_key: string | null
  readonly quarter: number | string
  readonly calls: number | string
  readonly credits: string
}

/** By output names: PostgreSQL does not see that an expression with a parameter in it is the one selected. */
const GROUPS = [sql`group_key`, sql`quarter`]

/** Sums over rows of the journal itself, by ranges of the charges' sequences. */
class Journal {
  readonly #db: LedgerDatabase
  readonly #query: UsageQuery
  readonly #labelOf: LabelOf

  constructor(db: LedgerDatabase, query: UsageQuery, labelOf: LabelOf) {
    this.#db = db
    this.#query = query
    this.#labelOf = labelOf
  }

  /** Charges of a range, less all of their refunds. */
  *sums(range: SequenceRange): Steps<readonly UsageSum[]> {
    if (range.last < range.first) return []
    return [...(yield* this.spent(range)), ...(yield* this.#refunded(range, sql.ref('r.refers_to'), 0))]
  }

  /** Charges of a range, whatever was refunded of them. */
  *spent(range: SequenceRange): Steps<readonly UsageSum[]> {
    if (range.last < range.first) return []
    let select = this.#db
      .selectFrom('transactions as t')
      .select([this.#key().as('group_key'), QUARTER.as('quarter'), sql<number>`count(*)`.as('calls'), exactSumOf('t').as('credits')])
      .where('t.account', '=', this.#query.account)
      .where('t.sequence', '>=', range.first)
      .where('t.sequence', '<=', range.last)
      .where('t.kind', 'in', ['charge', 'settle'])
      .groupBy(GROUPS)
    const { label, keys } = this.#query
    if (label !== undefined) select = select.where(this.#labelOf('t.labels', label.name), '=', label.value)
    if (keys !== undefined) select = select.where('t.key', 'in', [...keys])
    return ((yield select.compile()) as readonly SumRow[]).map((row) => sumFromRow(row, 1n))
  }

  /** Refunds later than a sequence, of charges of a range. They are few and lie together: the refunds of a year do not. */
  *refundsSince(after: number, range: SequenceRange): Steps<readonly UsageSum[]> {
    return yield* this.#refunded(range, sql<number>`(r.refers_to + 0)`, after)
  }

  /** `refersTo` decides the index: by the column itself the refunds of a range are found, by an expression those of a time. */
  *#refunded(range: SequenceRange, refersTo: RawBuilder<unknown> | ReturnType<typeof sql.ref>, after: number): Steps<readonly UsageSum[]> {
    let select = this.#db
      .selectFrom('transactions as r')
      .innerJoin('transactions as t', (join) => join.onRef('t.account', '=', 'r.account').onRef('t.sequence', '=', 'r.refers_to'))
      .select([this.#key().as('group_key'), QUARTER.as('quarter'), sql<number>`0`.as('calls'), exactSumOf('r').as('credits')])
      .where('r.account', '=', this.#query.account)
      .where('r.kind', '=', sql.lit('refund'))
      .where(refersTo, '>=', range.first)
      .where(refersTo, '<=', range.last)
      .groupBy(GROUPS)
    if (after > 0) select = select.where('r.sequence', '>', after)
    const { label, keys } = this.#query
    if (label !== undefined) select = select.where(this.#labelOf('t.labels', label.name), '=', label.value)
    if (keys !== undefined) select = select.where('t.key', 'in', [...keys])
    return ((yield select.compile()) as readonly SumRow[]).map((row) => sumFromRow(row, -1n))
  }

  #key(): RawBuilder<string | null> {
    const { by } = this.#query
    if (by === null) return sql<string | null>`cast(null as text)`
    return 'label' in by ? this.#labelOf('t.labels', by.label) : sql<string | null>`${sql.ref(`t.${by.column}`)}`
  }
}

const QUARTER = sql<number>`t.at / ${sql.lit(QUARTER_MS)}`

/** As text: what was charged and refunded over and over may add up to more than a JavaScript number holds exactly. */
function exactSumOf(alias: string): RawBuilder<string> {
  return sql<string>`cast(sum(${sql.ref(`${alias}.credits`)}) as text)`
}

function sumFromRow(row: SumRow, sign: bigint): UsageSum {
  return { key: row.group_key, quarter: Number(row.quarter), calls: Number(row.calls), credits: sign * BigInt(row.credits) }
}
