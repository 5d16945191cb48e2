import type { PlanResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { credits, usd } from '../format.js'
import type { Style } from '../output.js'
import { tableLines } from '../table.js'

export const plansCommand = command({
  name: 'plans',
  isReading: true,
  summary: 'list the plans, with what a credit costs in each and what else they bring',
  example: 'plans',
  run: async ({ open, style }) => {
    const plans = await (await open()).plans()
    return { result: plans, text: () => planLines(plans, style) }
  },
})

function planLines(plans: readonly PlanResult[], style: Style): readonly string[] {
  if (plans.length === 0) return ['The catalog has no plans.']
  return tableLines(
    plans,
    [
      { head: 'Plan', cell: ({ id }) => id },
      { head: 'Name', cell: ({ name }) => name },
      { head: 'Credits a month', cell: allowanceWords, isNumber: true },
      { head: 'Price', cell: ({ priceUsd }) => (priceUsd === null ? '' : usd(priceUsd)), isNumber: true },
      { head: 'Per credit', cell: ({ pricePerCredit }) => (pricePerCredit === null ? '' : usd(pricePerCredit)), isNumber: true },
      { head: 'Discount', cell: ({ discountPercent }) => discountWords(discountPercent) },
      { head: 'Rollover', cell: ({ rollover }) => rollover.replaceAll('_', ' ') },
      { head: 'Cap', cell: ({ spendingCap }) => capWords(spendingCap) },
      { head: 'Entitlements', cell: entitlementWords },
    ],
    style,
  )
}

function allowanceWords({ monthlyCredits, trial }: PlanResult): string {
  if (monthlyCredits === null) return 'agreed'
  return `${credits(monthlyCredits)}${trial ? ' once' : ''}`
}

/** Of the dearest plan, against which the others are compared, `base`. */
function discountWords(percent: number | null): string {
  return percent === null ? '' : percent === 0 ? 'base' : `${percent} % off`
}

function capWords(cap: PlanResult['spendingCap']): string {
  return cap === null ? '' : `${credits(cap.credits)} ${cap.window === 'period' ? 'a period' : 'for good'}`
}

/** What a plan brings besides credits (ND-09). */
function entitlementWords({ entitlements }: PlanResult): string {
  return Object.entries(entitlements).map(([name, value]) => `${name}: ${String(value)}`).join(', ')
}
