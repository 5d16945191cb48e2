import type { AccountStatement, StatementFigures, StatementLines, StatementResult } from './results.js'

/** One line of a statement as a table has it; what goes out is negative. */
export interface StatementRow {
  /** `total` for the sum of an account and those that report to it. */
  readonly account: string
  readonly line: 'opening' | 'granted' | 'spent' | 'refunded' | 'expired' | 'revoked' | 'adjusted' | 'closing' | 'reserved' | 'uncollected'
  /** The source of what was granted, the operation of what was spent. */
  readonly of: string | null
  readonly calls: number | null
  readonly credits: number
}

/**
 * A statement line by line, for a spreadsheet: an account's lines from `opening` to `adjusted` add up to `closing`; what
 * is `reserved` is a part of that, and what is `uncollected` none.
 */
export function statementRows(statement: StatementResult): readonly StatementRow[] {
  const accounts: readonly AccountStatement[] = [statement, ...statement.children]
  const rows = accounts.flatMap((one) => rowsOf(one.account, one))
  return statement.total === null ? rows : [...rows, ...rowsOf('total', statement.total)]
}

export function rowsOf(account: string, figures: StatementFigures & StatementLines): readonly StatementRow[] {
  const row = (line: StatementRow['line'], credits: number, of: string | null = null, calls: number | null = null): StatementRow => ({
    account,
    line,
    of,
    calls,
    credits,
  })
  return [
    row('opening', figures.opening),
    ...figures.grantedBy.map(({ source, credits }) => row('granted', credits, source)),
    ...figures.spentBy.map(({ operation, calls, credits }) => row('spent', out(credits), operation, calls)),
    row('refunded', figures.refunded),
    row('expired', out(figures.expired)),
    row('revoked', out(figures.revoked)),
    row('adjusted', figures.adjusted),
    row('closing', figures.closing),
    row('reserved', figures.reserved),
    row('uncollected', figures.uncollected),
  ]
}

/** Never -0, which no reader of numbers expects. */
function out(credits: number): number {
  return credits === 0 ? 0 : -credits
}
