import { formatLocal } from '../time/calendar.js'
import type { AccountStatement, StatementFigures, StatementLines, StatementResult } from './results.js'
import { rowsOf, type StatementRow } from './statement-table.js'

/** A statement as one page to be printed or kept: nothing is loaded, nothing runs, every name is escaped. */
export function statementHtml(statement: StatementResult): string {
  const { period, account, children, total, test } = statement
  const title = `Statement ${period.month}: ${account}`
  const local = (at: string): string => formatLocal(Date.parse(at), period.timeZone)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${escaped(`${local(period.since)} to ${local(period.until)}, in ${statement.unit.plural}`)}${test ? '. <strong>Test account</strong>' : ''}</p>
${[statement, ...children].map((one) => accountSection(one)).join('\n')}
${total === null ? '' : `<section>\n<h2>All accounts together</h2>\n${table('total', total)}\n</section>\n`}</body>
</html>
`
}

function accountSection(statement: AccountStatement): string {
  const { account, transactions, head } = statement
  const rows = transactions === null ? 'No transactions' : `Transactions ${transactions.first} to ${transactions.last}`
  const proof = head === null ? '' : `; head <code>${escaped(head)}</code>`
  return `<section>\n<h2>${escaped(account)}</h2>\n${table(account, statement)}\n<p class="proof">${rows}${proof}</p>\n</section>`
}

function table(account: string, figures: StatementFigures & StatementLines): string {
  const rows = rowsOf(account, figures).filter(({ line, credits }) => ALWAYS.has(line) || credits !== 0)
  return `<table>
<thead><tr><th scope="col">Line</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Credits</th></tr></thead>
<tbody>
${rows.map(tableRow).join('\n')}
</tbody>
</table>`
}

/** A line of nothing is left out, but for the two ends. */
const ALWAYS: ReadonlySet<StatementRow['line']> = new Set(['opening', 'closing'])

const WORDS: Readonly<Record<StatementRow['line'], string>> = {
  opening: 'Opening balance',
  granted: 'Granted',
  spent: 'Spent',
  refunded: 'Refunded',
  expired: 'Expired',
  revoked: 'Revoked',
  adjusted: 'Adjusted',
  closing: 'Closing balance',
  reserved: 'of which reserved',
  uncollected: 'Consumed and not paid',
}

function tableRow({ line, of, calls, credits }: StatementRow): string {
  const name = of === null ? WORDS[line] : `${WORDS[line]}: ${of}`
  const cell = (value: number | null): string => `<td class="number">${value === null ? '' : numbers.format(value)}</td>`
  return `<tr class="${line}"><th scope="row">${escaped(name)}</th>${cell(calls)}${cell(credits)}</tr>`
}

/** Amounts have at most six decimals, and a statement shows every one of them. */
const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] as string)
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.125rem; margin: 2rem 0 0.5rem; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.25rem 0.5rem; border-bottom: 1px solid #ddd; text-align: left; font-weight: normal; overflow-wrap: anywhere; }
thead th { color: #595959; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.opening *, .closing * { font-weight: bold; }
.proof { color: #595959; font-size: 0.8125rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; margin: 0; font-size: 11pt; } section { break-inside: avoid; } }
`
