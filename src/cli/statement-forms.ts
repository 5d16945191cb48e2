import { csv } from '../csv.js'
import type { AccountStatement, StatementFigures, StatementLines, StatementResult } from '../usage/results.js'
import { rowsOf, type StatementRow, statementRows } from '../usage/statement-table.js'
import { credits, moment } from './format.js'
import { printable, type Style } from './output.js'
import { tableLines } from './table.js'

export { statementHtml } from '../usage/statement-html.js'

/** A line an entry, what goes out negative: an account's lines add up to its closing. */
export function statementCsv(statement: StatementResult): string {
  const { month } = statement.period
  const rows = statementRows(statement).map(({ account, line, of, calls, credits }) => [month, account, line, of, calls, credits])
  return csv(['month', 'account', 'line', 'of', 'calls', 'credits'], rows)
}

/** A table an account, with the proof of what it rests on. */
export function statementLines(statement: StatementResult, style: Style): readonly string[] {
  const { period, children, total, test } = statement
  return [
    style.bold(`Statement ${period.month}${test ? ' of a test account' : ''}`),
    style.dim(`${moment(period.since, period.timeZone)} to ${moment(period.until, period.timeZone)}`),
    ...[statement, ...children].flatMap((one) => accountLines(one, style)),
    ...(total === null ? [] : ['', style.bold('All accounts together'), ...figureLines('total', total, style)]),
  ]
}

function accountLines(statement: AccountStatement, style: Style): readonly string[] {
  const { account, transactions, head } = statement
  const range = transactions === null ? 'no transactions' : `transactions ${transactions.first} to ${transactions.last}`
  return [
    '',
    style.bold(printable(account)),
    ...figureLines(account, statement, style),
    style.dim(`${range}${head === null ? '' : `, head ${head}`}`),
  ]
}

/** A line of nothing is left out, but for the two ends. */
function figureLines(account: string, figures: StatementFigures & StatementLines, style: Style): readonly string[] {
  const rows = rowsOf(account, figures).filter(({ line, credits }) => line === 'opening' || line === 'closing' || credits !== 0)
  return tableLines<StatementRow>(
    rows,
    [
      { head: 'Line', cell: ({ line }) => line },
      { head: 'Of', cell: ({ of }) => of ?? '' },
      { head: 'Calls', cell: ({ calls }) => (calls === null ? '' : credits(calls)), isNumber: true },
      { head: 'Credits', cell: (row) => credits(row.credits), isNumber: true },
    ],
    style,
  )
}
