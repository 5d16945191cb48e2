import type { MessageResult, TransactionResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, credits, localTime } from '../format.js'
import { lastCharges } from '../last-charges.js'
import type { Style } from '../output.js'
import { tableLines } from '../table.js'
import { readNumber } from '../words.js'
import { subjectOf } from './history.js'

const LIMIT_DEFAULT = '20'

export const messagesCommand = command<{ readonly limit?: string }>({
  name: 'messages',
  isReading: true,
  summary: 'list what you are to be told, newest first: thresholds reached, prices announced, and the last charges',
  options: [{ flags: '--limit <n>', summary: `at most so many; ${LIMIT_DEFAULT} unless told` }],
  example: 'messages --limit 5',
  run: async ({ open, options, style }) => {
    const limit = readNumber(options.limit ?? LIMIT_DEFAULT, '--limit')
    const ledger = await open()
    const told = await ledger.messages({ limit })
    const charges = (await lastCharges(ledger, limit)).map(chargeMessage)
    const messages = [...told, ...charges].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, limit)
    const { timeZone } = await ledger.account()
    return { result: messages, text: () => messageLines(messages, timeZone, style) }
  },
})

function chargeMessage(transaction: TransactionResult): MessageResult {
  const { id, type, at, credits: amount, balanceAfter, ...rest } = transaction
  const what = subjectOf(transaction)
  const text = `${count(amount, 'credit')} charged${what === '' ? '' : ` for ${what}`}${balanceAfter === null ? '' : `; ${credits(balanceAfter)} left`}`
  return { id, type, at, text, facts: { credits: amount, balanceAfter, ...rest } }
}

function messageLines(messages: readonly MessageResult[], timeZone: string, style: Style): readonly string[] {
  if (messages.length === 0) return ['There is nothing to tell.']
  return tableLines(
    messages,
    [
      { head: `At (${timeZone})`, cell: ({ at }) => localTime(at, timeZone) },
      { head: 'Type', cell: ({ type }) => type },
      { head: 'Message', cell: ({ text }) => text },
    ],
    style,
  )
}
