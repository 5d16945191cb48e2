import type { Credits } from '../../credits.js'
import { CreditError } from '../../errors.js'
import type { TransactionResult, TransactionsResult } from '../../usage/results.js'
import { toWire } from '../../wire.js'
import { csv } from '../../csv.js'
import { command, type Invocation } from '../definition.js'
import { credits, localTime } from '../format.js'
import type { Style } from '../output.js'
import { pause } from '../pause.js'
import { type Column, tableLines } from '../table.js'
import { readLabel, readOptionalNumber } from '../words.js'

interface Options {
  readonly type?: string
  readonly operation?: string
  readonly label?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: string
  readonly cursor?: string
  readonly csv?: boolean
  readonly follow?: boolean
}

const LIMIT_DEFAULT = 50

export const historyCommand = command<Options>({
  name: 'history',
  isReading: true,
  summary: 'list transactions, newest first',
  options: [
    { flags: '--type <type>', summary: 'only this type: grant, charge, reserve, settle, release, refund, expire, …' },
    { flags: '--operation <id>', summary: 'only this operation' },
    { flags: '--label <name=value>', summary: 'only what carries this label' },
    { flags: '--since <instant>', summary: 'from this instant on (ISO 8601)' },
    { flags: '--until <instant>', summary: 'up to this instant, itself not included' },
    { flags: '--limit <n>', summary: `at most so many; ${LIMIT_DEFAULT} unless told` },
    { flags: '--cursor <cursor>', summary: 'go on from where the page before ended' },
    { flags: '--csv', summary: 'print CSV' },
    { flags: '--follow', summary: 'go on with new transactions as they are made, oldest first; with --json one object a line' },
  ],
  example: 'history --type charge --limit 20',
  run: async (invocation) => {
    const { open, options, settings, style, io } = invocation
    if ([options.csv, options.follow, options.cursor !== undefined].filter(Boolean).length > 1 || (options.csv === true && settings.isJson)) {
      throw new CreditError('invalid_request', 'of --csv, --follow and --cursor only one can be given, and --csv not with --json')
    }
    const ledger = await open()
    const query = queryOf(options)
    if (options.follow === true) return follow(ledger, query, invocation)
    const page = await fullPage(ledger, query)
    if (options.csv !== true) {
      const { timeZone } = await ledger.account()
      return { result: page, text: () => pageLines(page, timeZone, style) }
    }
    await io.write(historyCsv(page.transactions))
    return { exitCode: 0 }
  },
})

type Query = NonNullable<Parameters<Credits['transactions']>[0]> & { readonly limit: number }

function queryOf(options: Options): Query {
  const label = readLabel(options.label)
  const limit = readOptionalNumber(options.limit, '--limit') ?? LIMIT_DEFAULT
  const asked = { type: options.type, operation: options.operation, since: options.since, until: options.until, cursor: options.cursor, limit, label }
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Query
}

/** The ledger breaks a long search off with what it has found so far; whoever waits at a terminal has it go on. */
async function fullPage(ledger: Credits, query: Query): Promise<TransactionsResult> {
  const found: TransactionResult[] = []
  let page = await ledger.transactions(query)
  found.push(...page.transactions)
  while (page.nextCursor !== null && found.length < query.limit) {
    page = await ledger.transactions({ ...query, cursor: page.nextCursor, limit: query.limit - found.length })
    found.push(...page.transactions)
  }
  return { ...page, transactions: found }
}

function historyCsv(transactions: readonly TransactionResult[]): string {
  return csv(
    ['id', 'type', 'at', 'operation', 'variant', 'tool', 'credits', 'balance_after', 'labels', 'reservation', 'idempotency_key'],
    transactions.map((row) => [
      row.id,
      row.type,
      row.at,
      row.operation,
      row.variant,
      row.tool,
      row.credits,
      row.balanceAfter,
      Object.keys(row.labels).length === 0 ? null : JSON.stringify(row.labels),
      row.reservation,
      row.idempotencyKey,
    ]),
  )
}

function pageLines({ transactions, nextCursor }: TransactionsResult, timeZone: string, style: Style): readonly string[] {
  if (transactions.length === 0) return ['There are no such transactions.']
  const more = nextCursor === null ? [] : ['', style.dim(`More: --cursor ${nextCursor}`)]
  return [...tableLines(transactions, columns(timeZone), style), ...more]
}

function columns(timeZone: string): readonly Column<TransactionResult>[] {
  return [
    { head: `At (${timeZone})`, cell: ({ at }) => localTime(at, timeZone) },
    { head: 'Type', cell: ({ type }) => type },
    { head: 'Credits', cell: (row) => credits(row.credits), isNumber: true },
    { head: 'Balance', cell: ({ balanceAfter }) => (balanceAfter === null ? '' : credits(balanceAfter)), isNumber: true },
    { head: 'For', cell: subjectOf },
    { head: 'Transaction', cell: ({ id }) => id },
  ]
}

/** The tool where there is one: that is the name which the reader has called. */
export function subjectOf({ tool, operation, variant }: TransactionResult): string {
  return tool ?? (operation === null ? '' : variant === null ? operation : `${operation}/${variant}`)
}

/** How often the ledger is asked whether anything has changed: a reader sees it within a second. */
const POLL_MS = 500

/** Prints the newest page, then whatever comes after it, until it is told to stop. */
async function follow(ledger: Credits, query: Query, { io, settings, style }: Invocation<Options>): Promise<{ readonly exitCode: number }> {
  const stop = io.stop()
  const { timeZone } = await ledger.account()
  let mark: string | null = null
  let newest: string | null = null
  let isFirst = true
  while (!stop.aborted) {
    const now = await ledger.changeMark()
    if (now !== mark) {
      const fresh = await newerThan(ledger, query, newest)
      newest = fresh.at(-1)?.id ?? newest
      const lines = settings.isJson ? fresh.map((row) => JSON.stringify(toWire(row))) : followLines(fresh, timeZone, style, isFirst)
      await io.write(lines.map((line) => `${line}\n`).join(''))
      mark = now
      isFirst = false
    }
    await pause(POLL_MS, stop)
  }
  return { exitCode: 0 }
}

/** Without a row to stop at one page, otherwise as many as it takes to meet that row. Oldest first. */
async function newerThan(ledger: Credits, query: Query, newest: string | null): Promise<readonly TransactionResult[]> {
  const found: TransactionResult[] = []
  let cursor: string | null = null
  do {
    const page: TransactionsResult = await fullPage(ledger, cursor === null ? query : { ...query, cursor })
    const known = page.transactions.findIndex(({ id }) => id === newest)
    found.push(...(known === -1 ? page.transactions : page.transactions.slice(0, known)))
    cursor = known === -1 && newest !== null ? page.nextCursor : null
  } while (cursor !== null)
  return found.reverse()
}

/** Lines that come one by one are as wide as their page; the head stands above the first. */
function followLines(rows: readonly TransactionResult[], timeZone: string, style: Style, isFirst: boolean): readonly string[] {
  const lines = tableLines(rows, columns(timeZone), style)
  return isFirst ? lines : lines.slice(1)
}
