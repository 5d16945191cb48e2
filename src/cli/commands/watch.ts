import type { Credits } from '../../credits.js'
import type { BalanceResult, TransactionResult, UsageResult } from '../../usage/results.js'
import { toWire } from '../../wire.js'
import { budgetWords } from '../budget-words.js'
import { command, type Invocation } from '../definition.js'
import { count, credits, creditsOf, localTime, moment } from '../format.js'
import { lastCharges } from '../last-charges.js'
import { printable, type Style } from '../output.js'
import { pause } from '../pause.js'
import { cardLines, tableLines } from '../table.js'
import { subjectOf } from './history.js'

interface Options {
  readonly once?: boolean
}

export const watchCommand = command<Options>({
  name: 'watch',
  isReading: true,
  summary: 'show balance, burn rate and the last charges as they change; without a terminal, one line for each change',
  options: [{ flags: '--once', summary: 'show it once and end' }],
  example: 'watch',
  run: async (invocation) => {
    const { open, options, style } = invocation
    if (options.once !== true) return watch(invocation)
    const seen = await look(await open())
    return { result: resultOf(seen), text: () => viewLines(seen, style) }
  },
})

/** How often the ledger is asked whether anything has changed. */
const POLL_MS = 1_000

/** Polls without a change after which a terminal is drawn again: what time alone changes is not to stand still. */
const IDLE_POLLS_MAX = 60

const CHARGES_SHOWN = 10

interface Seen {
  readonly balance: BalanceResult
  readonly usage: UsageResult
  readonly charges: readonly TransactionResult[]
  /** The budget that would stop first, in words. */
  readonly tightest: string | null
  readonly timeZone: string
}

async function look(ledger: Credits): Promise<Seen> {
  const { timeZone } = await ledger.account()
  const { tightest } = await ledger.budgets()
  return {
    balance: await ledger.balance(),
    usage: await ledger.usage(),
    charges: await lastCharges(ledger, CHARGES_SHOWN),
    tightest: tightest === null ? null : `${tightest.id}: ${budgetWords(tightest, timeZone)}`,
    timeZone,
  }
}

/** Shows what there is, then each change of it, until it is told to stop. Nothing is kept but what was shown last. */
async function watch(invocation: Invocation<Options>): Promise<{ readonly exitCode: number }> {
  const { open, io, settings } = invocation
  const show = settings.isJson || !io.isTerminal ? lineByLine(invocation) : inPlace(invocation)
  const stop = io.stop()
  let mark: string | null = null
  let idlePolls = 0
  try {
    while (!stop.aborted) {
      // Opened each time: a key that was revoked sees no more.
      const ledger = await open()
      const now = await ledger.changeMark()
      if (now !== mark || idlePolls >= IDLE_POLLS_MAX) {
        await show.draw(await look(ledger))
        mark = now
        idlePolls = 0
      } else idlePolls += 1
      await pause(POLL_MS, stop)
    }
  } finally {
    await show.end()
  }
  return { exitCode: 0 }
}

interface Shown {
  readonly draw: (seen: Seen) => Promise<void>
  readonly end: () => Promise<void>
}

/** A line for each change of what is shown: that another account has changed is none. */
function lineByLine({ io, settings }: Invocation<Options>): Shown {
  let last = ''
  return {
    draw: async (seen) => {
      const line = settings.isJson ? JSON.stringify(toWire(resultOf(seen))) : viewLine(seen)
      const facts = settings.isJson ? JSON.stringify(toWire(factsOf(seen))) : line
      if (facts !== last) await io.write(`${line}\n`)
      last = facts
    },
    end: () => Promise.resolve(),
  }
}

const OTHER_SCREEN = '\u001B[?1049h'
const OWN_SCREEN = '\u001B[?1049l'
const FROM_THE_TOP = '\u001B[H\u001B[J'

/** On the terminal's other screen, drawn from the top each time; what was seen last stays on its own when it ends. */
function inPlace({ io, style }: Invocation<Options>): Shown {
  let text: string | null = null
  return {
    draw: async (seen) => {
      const isFirst = text === null
      text = viewLines(seen, style).map((line) => `${line}\n`).join('')
      await io.write(`${isFirst ? OTHER_SCREEN : ''}${FROM_THE_TOP}${text}`)
    },
    end: () => (text === null ? Promise.resolve() : io.write(`${OWN_SCREEN}${text}`)),
  }
}

function resultOf({ balance, usage: { burnRatePerDay, runsOutAt }, charges }: Seen) {
  return { ...balance, burnRatePerDay, runsOutAt, lastCharges: charges }
}

/** Without what moves by itself as time goes on. */
function factsOf(seen: Seen): object {
  const { burnRatePerDay: _pace, runsOutAt: _end, ...facts } = resultOf(seen)
  return facts
}

function viewLines(seen: Seen, style: Style): readonly string[] {
  const { balance, usage, charges, tightest, timeZone } = seen
  const card = cardLines(
    [
      ['Balance', style.bold(creditsOf(balance.balance, balance.unit))],
      ['Spendable', balance.spendable === balance.balance ? null : creditsOf(balance.spendable, balance.unit)],
      ['Reserved', balance.reserved === 0 ? null : creditsOf(balance.reserved, balance.unit)],
      ['Level', balance.level],
      ['Tightest', tightest === null ? null : printable(tightest)],
      ['Burn rate', pace(usage)],
      ['Runs out', usage.runsOutAt === null ? null : moment(usage.runsOutAt, timeZone)],
      ['Account', printable(balance.account)],
    ],
    style,
  )
  if (charges.length === 0) return [...card, '', 'Nothing was charged yet.']
  const table = tableLines(
    charges,
    [
      { head: `At (${timeZone})`, cell: ({ at }) => localTime(at, timeZone) },
      { head: 'Credits', cell: (row) => credits(row.credits), isNumber: true },
      { head: 'Balance', cell: ({ balanceAfter }) => (balanceAfter === null ? '' : credits(balanceAfter)), isNumber: true },
      { head: 'For', cell: subjectOf },
    ],
    style,
  )
  return [...card, '', ...table]
}

/** Without the pace, which moves with time: a line is one change. */
function viewLine({ balance, charges: [last], timeZone }: Seen): string {
  const held = balance.reserved === 0 ? '' : `, ${credits(balance.reserved)} reserved`
  const charge = last === undefined ? '' : `; last charge ${credits(last.credits)} for ${printable(subjectOf(last))}, ${moment(last.at, timeZone)} (${last.id})`
  return `${creditsOf(balance.balance, balance.unit)}${held}, ${balance.level}${charge}`
}

function pace({ burnRatePerDay }: UsageResult): string {
  return `${count(Math.round(burnRatePerDay * 100) / 100, 'credit')} a day`
}
