import { SPENDING_CAP } from '../../ledger/account-record.js'
import { budgetWords } from '../budget-words.js'
import { command } from '../definition.js'
import { credits, creditsOf, moment, usd } from '../format.js'
import { printable, type Style } from '../output.js'
import { cardLines, tableLines } from '../table.js'
import type { BalanceResult, TightestResult } from '../../usage/results.js'

export const balanceCommand = command({
  name: 'credits',
  isReading: true,
  alias: 'balance',
  summary: 'show the balance, what may be spent now and where it comes from',
  example: 'credits',
  run: async ({ open, style }) => {
    const ledger = await open()
    const balance = await ledger.balance()
    const { timeZone } = await ledger.account()
    const { tightest } = await ledger.budgets()
    return { result: balance, text: () => balanceLines(balance, { timeZone, tightest, location: ledger.location, style }) }
  },
})

interface Shown {
  /** The budget that would stop first. */
  readonly tightest: TightestResult | null
  readonly timeZone: string
  readonly location: string
  readonly style: Style
}

function balanceLines(balance: BalanceResult, { timeZone, tightest, location, style }: Shown): readonly string[] {
  const { unit, plan, spendingCap } = balance
  const card = cardLines(
    [
      ['Balance', style.bold(creditsOf(balance.balance, unit))],
      ['Spendable', balance.spendable === balance.balance ? null : creditsOf(balance.spendable, unit)],
      ['Reserved', balance.reserved === 0 ? null : creditsOf(balance.reserved, unit)],
      ['Pending', balance.pending === 0 ? null : `${creditsOf(balance.pending, unit)} of purchases that are not paid yet`],
      ['Level', paintLevel(balance.level, style)],
      ['Spending cap', spendingCap === null ? null : capLine(spendingCap, timeZone, unit)],
      ['Budget', tightest === null || tightest.id === SPENDING_CAP || tightest.remaining >= balance.balance ? null : `${printable(tightest.id)}: ${budgetWords(tightest, timeZone)}`],
      ['Plan', plan === null ? null : planLine(plan, timeZone, unit)],
      ['Next plan', plan === null || plan.nextPlan === null ? null : printable(plan.nextPlan)],
      ['Used so far', creditsOf(balance.lifetimeUsed, unit)],
      ['Unit', unit.creditUsd === null ? null : `1 ${printable(unit.name)} = ${usd(unit.creditUsd)}`],
      ['State', balance.state === 'active' ? null : style.bad(balance.state)],
      ['Account', printable(balance.account)],
      ['Ledger', printable(location)],
    ],
    style,
  )
  if (balance.grants.length === 0) return card
  const grants = tableLines(
    balance.grants,
    [
      { head: 'Grant', cell: ({ id }) => id },
      { head: 'From', cell: ({ source }) => source },
      { head: 'Left', cell: ({ remaining }) => credits(remaining), isNumber: true },
      { head: 'Expires', cell: ({ expiresAt }) => (expiresAt === null ? 'never' : moment(expiresAt, timeZone)) },
    ],
    style,
  )
  return [...card, '', ...grants]
}

function paintLevel(level: BalanceResult['level'], style: Style): string {
  return level === 'ok' ? style.good(level) : level === 'low' ? style.warning(level) : style.bad(level)
}

function planLine(plan: NonNullable<BalanceResult['plan']>, timeZone: string, unit: BalanceResult['unit']): string {
  const monthly = plan.monthlyCredits === null ? '' : `, ${creditsOf(plan.monthlyCredits, unit)} a month`
  const next = plan.renewsAt === null ? 'without a further grant' : `next grant ${moment(plan.renewsAt, timeZone)}`
  return `${printable(plan.name)}${monthly}, ${next}`
}

function capLine({ used, limit, resetsAt }: NonNullable<BalanceResult['spendingCap']>, timeZone: string, unit: BalanceResult['unit']): string {
  return `${credits(used)} of ${creditsOf(limit, unit)} used${resetsAt === null ? '' : `, resets ${moment(resetsAt, timeZone)}`}`
}
