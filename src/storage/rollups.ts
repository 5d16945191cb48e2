import { type CompiledQuery, type RawBuilder, sql } from 'kysely'
import { DAY_MS } from '../time/instant.js'
import type { LedgerDatabase } from './database.js'
import { QUARTER_MS, type UsageQuery, type UsageSum } from './port.js'

/** Statements that a store answers one by one, all in one transaction. */
export type Steps<T> = Generator<CompiledQuery, T, readonly unknown[]>

/** What the two databases spell differently when usage is rolled up. */
export interface RollUpDialect {
  /** The labels of a row as rows `l (key, value)`. */
  readonly labelRows: (column: string) => RawBuilder<unknown>
  /** Ends a select that is to lock the rows of a table; nothing where one writes at a time anyway. */
  readonly lock: (table: string) => RawBuilder<unknown>
  /** The columns that identify a key, with what they hold: PostgreSQL's index takes a digest instead of a long text. */
  readonly keyColumns: readonly { readonly name: string; readonly value: RawBuilder<unknown> }[]
}

/** Bounds a write, and keeps even the sum of so many charges of the largest amount within 64 bits. */
const ROWS_MAX = 4_000

/** The roll-ups have rows for quarters of an hour, for every zone's offset is a multiple of one, and for whole UTC days. */
const QUARTERS_A_DAY = DAY_MS / QUARTER_MS

const COLUMNS = ['operation', 'tool', 'member', 'key', 'variant'] as const

/** One transaction's steps: how many rows of an account's journal no roll-up holds yet. */
export function* usageTail(db: LedgerDatabase, account: string): Steps<number> {
  const [row] = (yield sql`
    select a.sequence as newest, coalesce(m.sequence, 0) as mark
    from accounts as a left join usage_marks as m on m.account = a.id
    where a.id = ${account}`.compile(db)) as readonly { newest: number | string; mark: number | string }[]
  return row === undefined ? 0 : Number(row.newest) - Number(row.mark)
}

/** How far an account's journal is in its roll-ups; 0 where nothing of it is. */
export function* usageMark(db: LedgerDatabase, account: string): Steps<number> {
  const [row] = (yield sql`select sequence from usage_marks where account = ${account}`.compile(db)) as readonly { sequence: number | string }[]
  return Number(row?.sequence ?? 0)
}

/**
 * One write's steps: adds at most `limit` more rows of an account's journal to its roll-ups and answers how many are left.
 * The mark is locked before the journal is looked at, and moved together with the sums, so that processes that do this at
 * once count nothing twice. A refund counts, negative, in the quarter of its charge, wherever that lies.
 */
export function* rollUp(db: LedgerDatabase, account: string, limit: number, dialect: RollUpDialect): Steps<number> {
  yield sql`
    insert into usage_marks (account, sequence)
    select id, 0 from accounts where id = ${account}
    on conflict (account) do nothing`.compile(db)
  const [locked] = (yield sql`
    select m.sequence from usage_marks as m where m.account = ${account} ${dialect.lock('m')}`.compile(db)) as readonly { sequence: number | string }[]
  if (locked === undefined) return 0
  // Asked only now: a statement that waited for a lock sees rows of before it waited.
  const [{ newest }] = (yield sql`select sequence as newest from accounts where id = ${account}`.compile(db)) as unknown as [{ newest: number | string }]
  const mark = Number(locked.sequence)
  const to = Math.min(Number(newest), mark + Math.min(limit, ROWS_MAX))
  if (to > mark) {
    yield addRows(account, { after: mark, to }, dialect).compile(db)
    yield sql`update usage_marks set sequence = ${to} where account = ${account}`.compile(db)
  }
  return Number(newest) - to
}

function addRows(account: string, { after, to }: { readonly after: number; readonly to: number }, dialect: RollUpDialect): RawBuilder<unknown> {
  const columns = COLUMNS.map(
    (column) => sql`select ${sql.lit(column)}, quarter, ${keyOf(sql.ref(`counted.${column}`))}, calls, credits from counted`,
  )
  const identity = dialect.keyColumns.map(({ name }) => sql.ref(name))
  return sql`
    insert into usage_rollups (account, dimension, grain, begin, ${sql.join(identity)}, calls, credits)
    with counted as materialized (
      select at / ${sql.lit(QUARTER_MS)} as quarter, operation, tool, member, key, variant, labels, 1 as calls, credits
      from transactions
      where account = ${account} and sequence > ${after} and sequence <= ${to} and kind in ('charge', 'settle')
      union all
      select t.at / ${sql.lit(QUARTER_MS)}, t.operation, t.tool, t.member, t.key, t.variant, t.labels, 0, -r.credits
      from transactions as r join transactions as t on t.account = r.account and t.sequence = r.refers_to
      where r.account = ${account} and r.sequence > ${after} and r.sequence <= ${to} and r.kind = 'refund'
    ),
    keyed (dimension, quarter, key, calls, credits) as (
      select ${sql.lit(TOTAL)}, quarter, '', calls, credits from counted
      union all ${sql.join(columns, sql` union all `)}
      union all select ${sql.lit(LABEL)} || l.key, quarter, '=' || l.value, calls, credits from counted, ${dialect.labelRows('counted.labels')}
    ),
    quarters (dimension, quarter, key, calls, credits) as materialized (
      select dimension, quarter, key, sum(calls), sum(credits) from keyed group by dimension, quarter, key
    ),
    spans (dimension, grain, begin, key, calls, credits) as (
      select dimension, 1, quarter, key, calls, credits from quarters
      union all
      select dimension, ${sql.lit(QUARTERS_A_DAY)}, quarter - quarter % ${sql.lit(QUARTERS_A_DAY)}, key, sum(calls), sum(credits)
      from quarters
      group by dimension, quarter - quarter % ${sql.lit(QUARTERS_A_DAY)}, key
    )
    select ${account}, dimension, grain, begin, ${sql.join(dialect.keyColumns.map(({ value }) => value))}, calls, credits
    from spans
    where true
    on conflict (account, dimension, grain, begin, ${identity[0]})
    do update set calls = usage_rollups.calls + excluded.calls, credits = usage_rollups.credits + excluded.credits`
}

/** Nothing is the empty text and a value stands after `=`, so that the two are never mistaken for each other. */
function keyOf(column: RawBuilder<unknown> | ReturnType<typeof sql.ref>): RawBuilder<unknown> {
  return sql`case when ${column} is null then '' else '=' || ${column} end`
}

function keyFrom(text: string): string | null {
  return text === '' ? null : text.slice(1)
}

const TOTAL = 'total'
const LABEL = 'label:'

/** Where a question is answered in the roll-ups. */
export interface Dimension {
  readonly account: string
  readonly name: string
  /** One key of it alone, as it is stored; null for all. */
  readonly key: string | null
  readonly by: 'quarter' | 'key'
  /** Not everything has a key in it: what has none is the total less what has. */
  readonly isPartial: boolean
}

/** Null for what roll-ups do not tell: one label's or key's share of another grouping. */
export function dimensionOf({ account, by, label, keys }: UsageQuery): Dimension | null {
  if (keys !== undefined) {
    const isOneInAll = keys.length === 1 && by === null && label === undefined
    return isOneInAll ? { account, name: 'key', key: `=${keys[0]}`, by: 'quarter', isPartial: false } : null
  }
  if (label !== undefined) {
    const key = `=${label.value}`
    return by === null ? { account, name: LABEL + label.name, key, by: 'quarter', isPartial: false } : null
  }
  if (by === null) return { account, name: TOTAL, key: null, by: 'quarter', isPartial: false }
  const isLabel = 'label' in by
  return { account, name: isLabel ? LABEL + by.label : by.column, key: null, by: 'key', isPartial: isLabel }
}

/** Quarters of an hour since the epoch. */
export interface Quarters {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

interface RolledRow {
  readonly key: string
  readonly quarter: number | string | null
  readonly calls: number | string
  readonly credits: number | string
}

/** What the roll-ups say of whole quarters of an hour; by key, whole days are read as days. */
export function* rolledSums(db: LedgerDatabase, dimension: Dimension, quarters: Quarters): Steps<readonly UsageSum[]> {
  const rows = (yield rolledQuery(dimension, quarters).compile(db)) as readonly RolledRow[]
  const sums = rows.map(({ key, quarter, calls, credits }) => ({
    key: dimension.by === 'key' ? keyFrom(key) : null,
    quarter: quarter === null ? null : Number(quarter),
    calls: Number(calls),
    credits: BigInt(credits),
  }))
  if (!dimension.isPartial) return sums
  const total = yield* rolledSums(db, { ...dimension, name: TOTAL, isPartial: false }, quarters)
  const calls = sum(total, (one) => one.calls) - sum(sums, (one) => one.calls)
  const credits = creditsOf(total) - creditsOf(sums)
  return calls === 0 ? sums : [...sums, { key: null, quarter: null, calls, credits }]
}

function rolledQuery(dimension: Dimension, quarters: Quarters): RawBuilder<unknown> {
  if (dimension.by === 'quarter') {
    return sql`select key, begin as quarter, calls, credits from usage_rollups where ${spanOf(dimension, { grain: 1, ...quarters })}`
  }
  const spans = spansOf(quarters).map((span) => sql`select key, calls, credits from usage_rollups where ${spanOf(dimension, span)}`)
  return sql`
    select key, null as quarter, sum(calls) as calls, cast(sum(credits) as text) as credits
    from (${sql.join(spans, sql` union all `)}) as spans
    group by key`
}

interface Span extends Quarters {
  readonly grain: number
}

/** The whole days among quarters as days, the others as they are. */
function spansOf({ from, to }: Quarters): readonly Span[] {
  const firstDay = Math.ceil(from / QUARTERS_A_DAY) * QUARTERS_A_DAY
  const lastDay = Math.floor(to / QUARTERS_A_DAY) * QUARTERS_A_DAY
  if (firstDay >= lastDay) return [{ grain: 1, from, to }]
  const spans = [
    { grain: 1, from, to: firstDay },
    { grain: QUARTERS_A_DAY, from: firstDay, to: lastDay },
    { grain: 1, from: lastDay, to },
  ]
  return spans.filter((span) => span.from < span.to)
}

function spanOf({ account, name, key }: Dimension, { grain, from, to }: Span): RawBuilder<unknown> {
  const span = sql`account = ${account} and dimension = ${name} and grain = ${sql.lit(grain)} and begin >= ${from} and begin < ${to}`
  return key === null ? span : sql`${span} and key = ${key}`
}

function sum(sums: readonly UsageSum[], of: (one: UsageSum) => number): number {
  return sums.reduce((total, one) => total + of(one), 0)
}

function creditsOf(sums: readonly UsageSum[]): bigint {
  return sums.reduce((total, one) => total + one.credits, 0n)
}
