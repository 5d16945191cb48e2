import type { PackResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, credits, usd } from '../format.js'
import type { Style } from '../output.js'
import { tableLines } from '../table.js'

export const packsCommand = command({
  name: 'packs',
  isReading: true,
  summary: 'list what can be bought once, with what a credit costs in each',
  example: 'packs',
  run: async ({ open, style }) => {
    const packs = await (await open()).packs()
    return { result: packs, text: () => packLines(packs, style) }
  },
})

function packLines(packs: readonly PackResult[], style: Style): readonly string[] {
  if (packs.length === 0) return ['The catalog sells no packs.']
  return tableLines(
    packs,
    [
      { head: 'Pack', cell: ({ id }) => id },
      { head: 'Name', cell: ({ name }) => name },
      { head: 'Credits', cell: (pack) => credits(pack.credits), isNumber: true },
      { head: 'Of these', cell: partWords },
      { head: 'Price', cell: ({ priceUsd }) => usd(priceUsd), isNumber: true },
      { head: 'Per credit', cell: ({ pricePerCredit }) => (pricePerCredit === null ? '' : usd(pricePerCredit)), isNumber: true },
      { head: 'Valid', cell: ({ validMonths }) => (validMonths === null ? 'no expiry' : count(validMonths, 'month')) },
      { head: 'Refund', cell: ({ refund }) => refundWords(refund) },
    ],
    style,
  )
}

/** What is paid for and what comes on top; nothing to say of a pack that is all paid for. */
function partWords({ parts }: PackResult): string {
  return parts.some(({ kind }) => kind === 'bonus') ? parts.map((part) => `${credits(part.credits)} ${part.kind}`).join(' + ') : ''
}

function refundWords(refund: PackResult['refund']): string {
  if (refund === null) return 'none'
  const { days, maxUsedPercent } = refund
  const within = days === null ? '' : ` within ${count(days, 'day')}`
  const used = maxUsedPercent === null ? '' : `, at most ${maxUsedPercent} % used`
  return `what is unused${within}${used}`
}
