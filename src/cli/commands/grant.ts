import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import { formatInstant, parseInstant } from '../../time/instant.js'
import { command } from '../definition.js'
import { count, credits } from '../format.js'
import { shellWord } from '../shell-word.js'
import { readOptionalNumber } from '../words.js'
import { again, given, IDEMPOTENCY_KEY, named } from './spend.js'

interface GrantOptions {
  readonly source?: string
  readonly priority?: string
  readonly paid?: boolean
  readonly from?: string
  readonly expires?: string
  readonly reason?: string
  readonly idempotencyKey?: string
}

export const grantCommand = command<GrantOptions>({
  name: 'grant',
  summary: 'give the account credits',
  arguments: [{ flags: '<credits>', summary: 'how many' }],
  options: [
    { flags: '--source <name>', summary: 'where they come from; "adjustment" unless told' },
    { flags: '--priority <n>', summary: 'lower is spent first, 0 to 100' },
    { flags: '--paid', summary: 'they were paid for: free credits are spent before them' },
    { flags: '--from <instant>', summary: 'spendable from this instant on (ISO 8601)' },
    { flags: '--expires <instant>', summary: 'spendable until this instant (ISO 8601); never expire unless told' },
    { flags: '--reason <text>', summary: 'why' },
    IDEMPOTENCY_KEY,
  ],
  example: 'grant 100 --reason "welcome back"',
  run: async ({ open, arguments: [amount = ''], options, style }) => {
    const input = given<Input<'grant'>>({
      credits: amount,
      source: options.source,
      priority: readOptionalNumber(options.priority, '--priority'),
      paid: options.paid,
      effectiveAt: options.from,
      expiresAt: options.expires,
      reason: options.reason,
      idempotencyKey: options.idempotencyKey,
    })
    const ledger = await open()
    const granted = await ledger.grant(input)
    const from = parseInstant(options.from)
    const since = from === null ? '' : ` from ${formatInstant(from)}`
    const until = granted.expiresAt === null ? '' : ` until ${granted.expiresAt}`
    return {
      result: granted,
      text: () => [
        `${style.bold(`${count(granted.granted, 'credit')}`)} granted${again(granted)}${since}${until}; the balance is ${credits(granted.balance)}${named(granted.transaction)}`,
      ],
    }
  },
})

export const refundCommand = command<{ readonly reason?: string; readonly idempotencyKey?: string }>({
  name: 'refund',
  summary: 'give the credits of a charge back, all that is left of it unless told',
  arguments: [
    { flags: '<transaction>', summary: 'the charge, from `history`' },
    { flags: '[credits]', summary: 'how many' },
  ],
  options: [{ flags: '--reason <text>', summary: 'why' }, IDEMPOTENCY_KEY],
  example: 'refund tx_2_0f3a 10 --reason "half of it was wrong"',
  run: async ({ open, arguments: [transaction = '', amount], options, style }) => {
    const input = given<Input<'refund'>>({ transaction, credits: amount, reason: options.reason, idempotencyKey: options.idempotencyKey })
    const ledger = await open()
    const refunded = await ledger.refund(input).catch((error: unknown) => {
      throw withRefundAdvice(error, transaction)
    })
    return {
      result: refunded,
      text: () => [
        `${style.bold(`${count(refunded.refunded, 'credit')}`)} given back${again(refunded)}; the balance is ${credits(refunded.balance)}${named(refunded.transaction)}`,
      ],
    }
  },
})

/** Why a refund is not allowed stands in what became of the charge. */
function withRefundAdvice(error: unknown, transaction: string): unknown {
  if (!(error instanceof CreditError) || error.code !== 'refund_not_allowed' || error.advice.length > 0) return error
  const advice = [`What was charged and given back: npx mcp-credits explain ${shellWord(transaction)}`]
  return new CreditError(error.code, error.message, { ...error, advice, cause: error })
}
