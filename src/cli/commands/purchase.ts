import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import type { PaymentResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { count, credits, localTime, usd } from '../format.js'
import type { Style } from '../output.js'
import { tableLines } from '../table.js'
import { shellWord } from '../shell-word.js'
import { again, given, IDEMPOTENCY_KEY, named } from './spend.js'
import { purchaseLine } from './topup.js'

const PURCHASE = { flags: '<purchase>', summary: 'its id, from `purchase list`' } as const

interface WriteOptions {
  readonly idempotencyKey?: string
}

const list = command({
  name: 'purchase list',
  isReading: true,
  summary: 'list what was bought, newest first, with what is not paid yet',
  example: 'purchase list',
  run: async ({ open, style }) => {
    const ledger = await open()
    const purchases = await ledger.purchases()
    const { timeZone } = await ledger.account()
    return { result: purchases, text: () => listLines(purchases, timeZone, style) }
  },
})

const settle = command<WriteOptions>({
  name: 'purchase settle',
  summary: 'say that a pending purchase is paid: its credits are granted, once however often it is said',
  arguments: [PURCHASE],
  options: [IDEMPOTENCY_KEY],
  example: 'purchase settle pu_2_0f3a',
  run: async ({ open, arguments: [purchase = ''], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const settled = await ledger.settlePurchase(given<Input<'byPurchase'>>({ purchase, idempotencyKey }))
    return { result: settled, text: () => [purchaseLine(settled, style)] }
  },
})

const cancel = command<WriteOptions>({
  name: 'purchase cancel',
  summary: 'drop a pending purchase that was never paid',
  arguments: [PURCHASE],
  options: [IDEMPOTENCY_KEY],
  example: 'purchase cancel pu_2_0f3a',
  run: async ({ open, arguments: [purchase = ''], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const cancelled = await ledger.cancelPurchase(given<Input<'byPurchase'>>({ purchase, idempotencyKey }))
    return { result: cancelled, text: () => [purchaseLine(cancelled, style)] }
  },
})

interface RefundOptions extends WriteOptions {
  readonly force?: boolean
  readonly reason?: string
}

const refund = command<RefundOptions>({
  name: 'purchase refund',
  summary: 'take the unused credits of a purchase back, and say how much money goes back for them',
  arguments: [PURCHASE],
  options: [
    { flags: '--force', summary: "go past the pack's rule; what is used is not refunded all the same" },
    { flags: '--reason <text>', summary: 'why' },
    IDEMPOTENCY_KEY,
  ],
  example: 'purchase refund pu_2_0f3a --reason "bought by mistake"',
  run: async ({ open, arguments: [purchase = ''], options, style }) => {
    const { force, reason, idempotencyKey } = options
    const ledger = await open()
    const refunded = await ledger
      .refundPurchase(given<Input<'refundPurchase'>>({ purchase, force, reason, idempotencyKey }))
      .catch((error: unknown) => {
        throw withForceAdvice(error, purchase)
      })
    return {
      result: refunded,
      text: () => [
        `${style.bold(usd(refunded.refundedUsd))} to be paid back for ${count(refunded.revoked, 'credit')}${again(refunded)}; ` +
          `the balance is ${credits(refunded.balance)}${named(refunded.transaction)}`,
      ],
    }
  },
})

export const purchaseCommands: readonly CommandDefinition[] = [list, settle, cancel, refund]

/** The rules that only screen (ND-15): of these an operator may go past every one. */
const SCREENING: ReadonlySet<unknown> = new Set(['no_refunds', 'age', 'used', 'standing'])

function withForceAdvice(error: unknown, purchase: string): unknown {
  if (!(error instanceof CreditError) || error.code !== 'refund_not_allowed' || !SCREENING.has(error.details['rule'])) return error
  const advice = [...error.advice, `Refund what is unused all the same: npx mcp-credits purchase refund ${shellWord(purchase)} --force`]
  return new CreditError(error.code, error.message, { ...error, advice, cause: error })
}

function listLines(purchases: readonly PaymentResult[], timeZone: string, style: Style): readonly string[] {
  if (purchases.length === 0) return ['Nothing was bought yet.']
  return tableLines(
    purchases,
    [
      { head: `Ordered (${timeZone})`, cell: ({ orderedAt }) => localTime(orderedAt, timeZone) },
      { head: 'Pack', cell: ({ name }) => name },
      { head: 'Credits', cell: (row) => credits(row.credits), isNumber: true },
      { head: 'Price', cell: ({ priceUsd }) => usd(priceUsd), isNumber: true },
      { head: 'State', cell: ({ state }) => state },
      { head: 'Paid back', cell: ({ refundedUsd }) => (refundedUsd === null ? '' : usd(refundedUsd)), isNumber: true },
      { head: 'Reference', cell: ({ reference }) => reference ?? '' },
      { head: 'Purchase', cell: ({ id }) => id },
    ],
    style,
  )
}
