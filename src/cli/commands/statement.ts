import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import { command } from '../definition.js'
import { given } from './spend.js'

interface Options {
  readonly month?: string
  readonly tz?: string
  readonly csv?: boolean
  readonly html?: boolean
}

export const statementCommand = command<Options>({
  name: 'statement',
  isReading: true,
  // Of the accounts that report to this one as well, while a key is one account's.
  scope: 'admin',
  summary: 'a calendar month of the account and of those that report to it: opening, what came and went, closing, proof',
  options: [
    { flags: '--month <month>', summary: 'like 2026-11; the running month so far unless told' },
    { flags: '--tz <zone>', summary: "the time zone whose month it is; the account's unless told" },
    { flags: '--csv', summary: 'print CSV: one line an entry, what goes out negative' },
    { flags: '--html', summary: 'print a page to be kept or printed' },
  ],
  example: 'statement --month 2026-11 --html > statement.html',
  fields: { month: '--month' },
  run: async ({ open, options, settings, style, io }) => {
    if ([options.csv, options.html, settings.isJson].filter((one) => one === true).length > 1) {
      throw new CreditError('invalid_request', 'give one of --csv, --html and --json')
    }
    const { month, tz: timeZone } = options
    const statement = await (await open()).statement(given<Input<'statement'>>({ month, timeZone }))
    // Loaded here and not at the top: the start of a server does without it.
    const { statementCsv, statementHtml, statementLines } = await import('../statement-forms.js')
    if (options.csv !== true && options.html !== true) return { result: statement, text: () => statementLines(statement, style) }
    await io.write(options.csv === true ? statementCsv(statement) : statementHtml(statement))
    return { exitCode: 0 }
  },
})
