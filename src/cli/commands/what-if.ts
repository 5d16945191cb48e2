import type { Input } from '../../facade/inputs.js'
import type { WhatIfResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, credits } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { given } from './spend.js'

/** The catalog that a command is about. */
export const SOURCE = { flags: '<catalog>', summary: 'a file (JSON or YAML) or the name of a bundled catalog' } as const

interface WhatIfOptions {
  readonly since?: string
  readonly until?: string
}

export const whatIfCommand = command<WhatIfOptions>({
  name: 'catalog whatif',
  isReading: true,
  // Of all accounts, while a key is one account's.
  scope: 'admin',
  summary: 'replay a draft over what was really spent: the difference by account and operation; changes nothing',
  arguments: [SOURCE, { flags: '[accounts...]', summary: 'only these accounts; the one of --account, else every live one, unless told' }],
  options: [
    { flags: '--since <instant>', summary: 'from this instant on (ISO 8601); 30 days before the end unless told' },
    { flags: '--until <instant>', summary: 'up to this instant, itself not included; now unless told' },
  ],
  example: 'catalog whatif draft.yaml --since 2026-10-01',
  fields: { accounts: '[accounts...]' },
  run: async ({ open, arguments: [source = '', ...named], options: { since, until }, settings, style }) => {
    const own = settings.isDefaultAccount ? undefined : [settings.account]
    const accounts = named.length > 0 ? named : own
    const replayed = await (await open()).whatIf(source, given<Input<'whatIf'>>({ accounts, since, until }))
    return { result: replayed, text: () => whatIfLines(replayed, style) }
  },
})

function whatIfLines({ period, rows, unpriced, totalCalls, ...total }: WhatIfResult, style: Style): readonly string[] {
  const head = style.dim(`${period.since} to ${period.until}`)
  if (rows.length === 0 && unpriced.length === 0) return [head, 'Nothing was spent.']
  return [
    head,
    ...(rows.length === 0 ? [] : whatIfTable(rows, style)),
    '',
    `${style.bold(count(totalCalls, 'call'))}: ${credits(total.creditsNow)} as it was, ` +
      `${credits(total.creditsThen)} by the draft (${signed(total.difference)})`,
    ...unpriced.map(({ account, operation, variant, calls, creditsNow, reason }) =>
      style.warning(
        `Not in these sums, since the draft has no price for it: ${count(calls, 'call')} of ${printable(named(operation, variant))} ` +
          `for ${count(creditsNow, 'credit')} on ${printable(account)}: ${printable(reason)}`,
      ),
    ),
  ]
}

function whatIfTable(rows: WhatIfResult['rows'], style: Style): readonly string[] {
  return tableLines(
    rows,
    [
      { head: 'Account', cell: ({ account }) => account },
      { head: 'Operation', cell: ({ operation }) => operation },
      { head: 'Calls', cell: ({ calls }) => credits(calls), isNumber: true },
      { head: 'As it was', cell: ({ creditsNow }) => credits(creditsNow), isNumber: true },
      { head: 'Draft', cell: ({ creditsThen }) => credits(creditsThen), isNumber: true },
      { head: 'Difference', cell: ({ difference }) => signed(difference), isNumber: true },
    ],
    style,
  )
}

function named(operation: string, variant: string | null): string {
  return variant === null ? operation : `${operation}/${variant}`
}

function signed(amount: number): string {
  return `${amount > 0 ? '+' : ''}${credits(amount)}`
}
