import type { ExplainResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, credits, moment } from '../format.js'
import { printable, type Style } from '../output.js'
import { cardLines } from '../table.js'
import { estimateTable } from './prices.js'

interface Options {
  readonly idempotencyKey?: string
}

export const explainCommand = command<Options>({
  name: 'explain',
  isReading: true,
  summary: 'say why a transaction cost what it cost, or what became of a call by its idempotency key',
  arguments: [{ flags: '[transaction]', summary: 'its id, from `history` or from a receipt' }],
  options: [{ flags: '--idempotency-key <key>', summary: 'the key of a call whose answer was lost' }],
  example: 'explain tx_2_0f3a',
  run: async ({ open, arguments: [transaction], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const explained = await ledger.explain({
      ...(transaction === undefined ? {} : { transaction }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    })
    const { timeZone } = await ledger.account()
    return { result: explained, text: () => explainLines(explained, timeZone, style) }
  },
})

function explainLines(explained: ExplainResult, timeZone: string, style: Style): readonly string[] {
  const { transaction } = explained
  // A grant, say, was never about to be charged.
  const isOfCall = transaction === null || OF_CALLS.has(transaction.type)
  const positive = (amount: number | null): string | null => (amount === null || amount === 0 ? null : `${count(amount, 'credit')}`)
  return [
    style.bold(printable(explained.explanation)),
    '',
    ...cardLines(
      [
        ['Outcome', isOfCall ? explained.outcome.replaceAll('_', ' ') : null],
        ['Transaction', transaction === null ? null : `${transaction.id} (${transaction.type}), ${moment(transaction.at, timeZone)}`],
        ['Tool', transaction?.tool == null ? null : printable(transaction.tool)],
        ['Reserved', positive(explained.reserved)],
        ['Charged', isOfCall ? count(explained.charged, 'credit') : null],
        ['Released', positive(explained.released)],
        ['Uncollected', positive(explained.uncollected)],
        ['Refunded', positive(explained.refunded)],
        ['Balance after', transaction === null || transaction.balanceAfter === null ? null : count(transaction.balanceAfter, 'credit')],
        ['Price version', explained.priceVersion === null ? null : String(explained.priceVersion)],
        ['Paid from', explained.grants.length === 0 ? null : explained.grants.map(paidBy).join(', ')],
        ['Quote', explained.quote === null ? null : `${explained.quote.quoteId}, at most ${count(explained.quote.maximum, 'credit')}`],
        ['Approval', explained.approval === null ? null : approvedBy(explained.approval)],
        ['Refunds', explained.refunds.length === 0 ? null : explained.refunds.map(({ id }) => id).join(', ')],
      ],
      style,
    ),
    ...(explained.lines.length === 0 ? [] : ['', ...estimateTable(explained.lines, style)]),
  ]
}

const OF_CALLS: ReadonlySet<string> = new Set(['charge', 'reserve', 'settle', 'release'])

function approvedBy({ id, answeredBy }: NonNullable<ExplainResult['approval']>): string {
  return answeredBy === null ? id : `${id}, answered by the ${answeredBy}`
}

function paidBy(grant: ExplainResult['grants'][number]): string {
  return `${credits(grant.credits)} of ${printable(grant.source)}${grant.id === null ? '' : ` (${grant.id})`}`
}
