import { CreditError } from '../../errors.js'
import type { CopyProgress, CopyResult } from '../../facade/copy-ledger.js'
import { command, type Invocation, type Report } from '../definition.js'
import { count } from '../format.js'
import { printable, type Style } from '../output.js'

interface Options {
  readonly from?: string
  readonly to?: string
  readonly db?: string
}

export const migrateCommand = command<Options>({
  name: 'migrate',
  summary:
    "bring the ledger's schema up to date (opening a ledger does the same); with --from and --to, copy a whole ledger to another " +
    'database: stop whatever writes to it first. A copy that was cut is continued by the same command, and opened by nothing until ' +
    'it is finished and checked',
  options: [
    { flags: '--from <file|url>', summary: 'the ledger to copy: it is left as it is, and nobody can write to it meanwhile' },
    { flags: '--to <url|file>', summary: 'an empty database, or a file to make' },
  ],
  example: 'migrate --from ledger.db --to postgres://user@host/database',
  fields: { from: '--from', to: '--to' },
  run: async (invocation) => {
    const { from, to } = invocation.options
    if (from === undefined && to === undefined) return migrated(invocation)
    if (from === undefined || to === undefined) throw new CreditError('invalid_request', 'give both --from and --to, or neither')
    return copied({ from, to }, invocation)
  },
})

async function migrated({ open, style }: Invocation<Options>): Promise<Report> {
  const ledger = await open()
  const { from, to } = ledger.schema
  const words = from === to ? `is at schema ${to} already` : from === 0 ? `was made at schema ${to}` : `went from schema ${from} to ${to}`
  return { result: { ledger: ledger.location, from, to }, text: () => [`${style.bold(printable(ledger.location))} ${words}`] }
}

interface Copied {
  readonly from: string
  readonly to: string
}

async function copied(named: Copied, { options, settings, io, style }: Invocation<Options>): Promise<Report> {
  if (options.db !== undefined) throw new CreditError('invalid_request', '--db: the ledgers to copy are named by --from and --to')
  // A key is one account's, or an operator's of one ledger; who copies a ledger has the database itself.
  if (settings.key !== null) {
    throw new CreditError('forbidden', 'This concerns the whole ledger; a key acts for its own account alone', {
      advice: ['Copy it without --key and MCP_CREDITS_KEY, as who may open both databases.'],
    })
  }
  const { copyLedger } = await import('../../facade/copy-ledger.js')
  const result = await copyLedger({ ...named, ...(io.isErrorTerminal ? { onProgress: progressNotes(io.note) } : {}) })
  return { result, text: () => copyLines(result, style), exitCode: result.ok ? 0 : 1 }
}

/** A line for each table and each tenth of a long one. */
function progressNotes(note: (line: string) => void): (progress: CopyProgress) => void {
  let last = ''
  return ({ step, table, done, total }) => {
    const line = step === 'copying' ? tenthOf(table ?? '', done, total) : `${STEPS[step]}: ${count(total, 'transaction')}`
    if (line !== last) note(line)
    last = line
  }
}

const STEPS = { summing: 'summing up usage', checking: 'checking the copy' } as const

function tenthOf(table: string, done: number, total: number): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 10) * 10
  return `copying ${table}: ${percent}% of ${count(total, 'row')}`
}

function copyLines({ from, to, ok, continued, accounts, transactions, changed, problems }: CopyResult, style: Style): readonly string[] {
  const scope = `${count(accounts, 'account')}, ${count(transactions, 'transaction')}`
  const [source, target] = [printable(from), style.bold(printable(to))]
  const changes = `${count(changed, 'row')} that it had copied had changed since and were taken along`
  const taken = continued ? [`An earlier run was continued; ${changes}.`] : []
  if (ok) {
    return [
      `${style.good('The copy is whole and adds up')}: ${scope}, from ${source} to ${target}.`,
      ...taken,
      `Use it by --db or MCP_CREDITS_DB. ${source} is as it was: what is still written there is not in the copy.`,
    ]
  }
  return [
    `${style.bad('The copy does not add up')}: ${scope}, ${count(problems.length, 'problem')}. Nothing can open ${target}.`,
    ...taken,
    `See whether ${source} itself adds up: npx mcp-credits doctor --db <that ledger>`,
    '',
    ...problems.map(({ account, row, invariant, message }) => `  ${printable(`${account} ${row} ${invariant}: ${message}`)}`),
  ]
}
