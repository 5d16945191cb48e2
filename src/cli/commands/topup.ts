import type { Input } from '../../facade/inputs.js'
import type { PurchaseResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, credits, usd } from '../format.js'
import { printable, type Style } from '../output.js'
import { shellWord } from '../shell-word.js'
import { given, IDEMPOTENCY_KEY } from './spend.js'

interface Options {
  readonly pending?: boolean
  readonly reference?: string
  readonly budget?: string
  readonly idempotencyKey?: string
}

export const topupCommand = command<Options>({
  name: 'topup',
  summary: 'sell the account a pack: what is paid for is granted at once',
  arguments: [{ flags: '<pack>', summary: 'its id, from `packs`' }],
  options: [
    { flags: '--pending', summary: 'it is not paid yet; nothing is granted until `purchase settle`' },
    { flags: '--reference <text>', summary: 'the payment it was or will be paid by: the same one is the same purchase' },
    { flags: '--budget <id>', summary: 'a budget whose limit its credits raise' },
    IDEMPOTENCY_KEY,
  ],
  example: 'topup popular --reference invoice-2026-117',
  fields: { pack: '<pack>', budget: '--budget', reference: '--reference' },
  run: async ({ open, arguments: [pack = ''], options, style }) => {
    const { pending, reference, budget, idempotencyKey } = options
    const ledger = await open()
    const bought = await ledger.purchase(given<Input<'purchase'>>({ pack, pending, reference, budget, idempotencyKey }))
    return { result: bought, text: () => boughtLines(bought, style) }
  },
})

function boughtLines(bought: PurchaseResult, style: Style): readonly string[] {
  if (bought.state !== 'pending') return [purchaseLine(bought, style)]
  const settle = `npx mcp-credits purchase settle ${shellWord(bought.purchase)}`
  const next = bought.payUrl === null ? `Once it is paid: ${settle}` : `To be paid at ${printable(bought.payUrl)}`
  return [purchaseLine(bought, style), next]
}

/** What became of a purchase, in one line. Told of again by its key, its payment or its id, it was done before. */
export function purchaseLine(bought: PurchaseResult, style: Style): string {
  const { purchase, pack, state, priceUsd, balance, replayed } = bought
  const what = `${style.bold(count(bought.credits, 'credit'))} of the pack ${printable(pack)} for ${usd(priceUsd)}`
  return `${what} ${DONE[state]}${replayed ? ' before' : ''}; the balance is ${credits(balance)} (${purchase})`
}

const DONE: Readonly<Record<PurchaseResult['state'], string>> = {
  settled: 'granted',
  pending: 'ordered',
  cancelled: 'not bought: the order is cancelled',
  refunded: 'granted, and refunded since',
}
