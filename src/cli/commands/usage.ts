import type { Credits } from '../../credits.js'
import { CreditError } from '../../errors.js'
import { command } from '../definition.js'
import { csv } from '../../csv.js'
import { count, credits, moment, usd } from '../format.js'
import { tableLines } from '../table.js'
import { readLabel, readOptionalNumber } from '../words.js'
import type { Style } from '../output.js'
import type { UsageResult } from '../../usage/results.js'

interface Options {
  readonly by?: string
  readonly since?: string
  readonly until?: string
  readonly last?: string
  readonly tz?: string
  readonly label?: string
  readonly csv?: boolean
}

export const usageCommand = command<Options>({
  name: 'usage',
  isReading: true,
  summary: 'report what was spent in a period',
  options: [
    { flags: '--by <group>', summary: 'tool, operation, category, member, key, variant, label:<name>, day, week or month' },
    { flags: '--since <instant>', summary: 'from this instant on (ISO 8601); 30 days ago unless told' },
    { flags: '--until <instant>', summary: 'up to this instant, itself not included; now unless told' },
    { flags: '--last <n>', summary: 'the last n days, today included; by week or month: the last n of those' },
    { flags: '--tz <zone>', summary: "the time zone that days are counted in; the account's unless told" },
    { flags: '--label <name=value>', summary: 'only what carries this label' },
    { flags: '--csv', summary: 'print CSV' },
  ],
  example: 'usage --by day --last 7',
  run: async ({ open, options, settings, style, io }) => {
    if (options.csv === true && settings.isJson) throw new CreditError('invalid_request', 'give either --csv or --json')
    const ledger = await open()
    const label = readLabel(options.label)
    const timeZone = options.tz ?? (await ledger.account()).timeZone
    const usage = await ledger.usage({
      since: options.last === undefined ? options.since : await sinceOf(ledger, options, timeZone),
      until: options.until,
      timeZone,
      ...(options.by === undefined ? {} : { groupBy: options.by }),
      ...(label === undefined ? {} : { label }),
    })
    if (options.csv !== true) return { result: usage, text: () => usageLines(usage, options.by ?? 'tool', style) }
    await io.write(usageCsv(usage))
    return { exitCode: 0 }
  },
})

/** Bounds the walk back through the calendar: ten years of days. */
const PERIODS_MAX = 3_660

/** The beginning of the last `n` calendar periods in the zone, the running one among them. */
async function sinceOf(ledger: Credits, { by, since, until, last }: Options, timeZone: string): Promise<string> {
  const count = readOptionalNumber(last, '--last') ?? 1
  if (since !== undefined || until !== undefined) throw new CreditError('invalid_request', '--last goes without --since and --until')
  if (!Number.isInteger(count) || count < 1 || count > PERIODS_MAX) {
    throw new CreditError('invalid_request', `--last: expected a whole number from 1 to ${PERIODS_MAX}, found ${last ?? ''}`)
  }
  const { calendarPeriod, isTimeZone } = await import('../../time/calendar.js')
  if (!isTimeZone(timeZone)) throw new CreditError('invalid_request', `--tz: ${JSON.stringify(timeZone)} is no time zone; expected a name like Europe/Berlin`)
  const unit = by === 'week' || by === 'month' ? by : 'day'
  let begin = calendarPeriod(await nowOf(ledger), unit, timeZone).since
  for (let more = count - 1; more > 0; more -= 1) begin = calendarPeriod(begin - 1, unit, timeZone).since
  return new Date(begin).toISOString()
}

/** The account's own time: a test account's has been moved forward. A report that is not told its end ends just after it. */
async function nowOf(ledger: Credits): Promise<number> {
  const { period } = await ledger.usage()
  return Date.parse(period.until) - 1
}

function usageCsv({ rows }: UsageResult): string {
  return csv(['key', 'calls', 'credits', 'usd', 'share'], rows.map((row) => [row.key, row.calls, row.credits, row.usd, row.share]))
}

function usageLines(usage: UsageResult, by: string, style: Style): readonly string[] {
  const { since, until, timeZone } = usage.period
  const period = style.dim(`${moment(since, timeZone)} to ${moment(until, timeZone)}`)
  if (usage.rows.length === 0) return [period, 'Nothing was spent.']
  const isPriced = usage.rows.some((row) => row.usd !== null)
  const table = tableLines(
    usage.rows,
    [
      { head: by, cell: ({ key }) => key ?? '(none)' },
      { head: 'Calls', cell: ({ calls }) => credits(calls), isNumber: true },
      { head: 'Credits', cell: (row) => credits(row.credits), isNumber: true },
      ...(isPriced ? [{ head: 'USD', cell: (row: UsageResult['rows'][number]) => (row.usd === null ? '' : usd(row.usd)), isNumber: true as const }] : []),
      { head: 'Share', cell: ({ share }) => `${(share * 100).toFixed(1)} %`, isNumber: true },
    ],
    style,
  )
  const pace = `${count(Math.round(usage.burnRatePerDay * 100) / 100, 'credit')} a day`
  return [
    period,
    ...table,
    '',
    `${style.bold(count(usage.totalCredits, 'credit'))} in ${count(usage.totalCalls, 'call')}; ${pace}`,
    ...trendLines(usage),
    ...(usage.runsOutAt === null ? [] : [`At this pace the balance is used up by ${moment(usage.runsOutAt, timeZone)}.`]),
  ]
}

function trendLines({ previous, change }: UsageResult): readonly string[] {
  if (previous === null) return []
  const trend = change === null ? '' : ` (${change > 0 ? '+' : ''}${(change * 100).toFixed(1)} %)`
  return [`In the time of the same length before it: ${count(previous.credits, 'credit')} in ${count(previous.calls, 'call')}${trend}`]
}
