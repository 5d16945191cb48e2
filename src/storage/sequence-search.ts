import { type RawBuilder, sql } from 'kysely'
import type { Instant } from '../time/instant.js'

export interface SequenceFound {
  readonly at: number | string
  readonly found: number | string | null
}

/**
 * Finds where instants fall in an account's journal: time within an account never runs backwards, so a few steps of
 * halving by primary key find each, in one statement, and no index of instants is kept.
 */
export function sequenceSearch(account: string, edges: readonly Instant[]): RawBuilder<SequenceFound> {
  const rows = edges.map((edge) => sql`select cast(${edge} as bigint) as at`)
  return sql<SequenceFound>`
    with recursive halving (at, low, high) as (
      select edge.at, cast(1 as bigint), accounts.sequence + 1
      from accounts, (${sql.join(rows, sql` union all `)}) as edge
      where accounts.id = ${account}
      union all
      select
        halving.at,
        case when middle.at < halving.at then middle.sequence + 1 else halving.low end,
        case when middle.at < halving.at then halving.high else middle.sequence end
      from halving left join transactions as middle
        on middle.account = ${account} and middle.sequence = (halving.low + halving.high) / 2
      where halving.low < halving.high
    )
    select at, high as found from halving where low = high or high is null`
}

/** The first sequence at or after an instant that was searched for; one past the newest where there is none, 1 without an account. */
export function firstSequence(rows: readonly SequenceFound[], account: string, edge: Instant): number {
  const row = rows.find(({ at }) => Number(at) === edge)
  if (row?.found === null) throw new Error(`The journal of ${account} has a gap: mcp-credits doctor tells where`)
  return Number(row?.found ?? 1)
}
