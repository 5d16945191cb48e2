import { command } from '../definition.js'
import { credits, creditsOf, moment, usd } from '../format.js'
import { printable, type Style } from '../output.js'
import { cardLines, tableLines } from '../table.js'
import type { BalanceResult } from '../../usage/results.js'

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
    return { result: balance, text: () => balanceLines(balance, { timeZone, location: ledger.location, style }) }
  },
})

interface Shown {
  readonly timeZone: string
  readonly location: string
  readonly style: Style
}

function balanceLines(balance: BalanceResult, { timeZone, location, style }: Shown): readonly string[] {
  const { unit, plan, spendingCap } = balance
  const card = cardLines(
    [
      ['Balance', style.bold(creditsOf(balance.balance, unit))],
      ['Spendable', balance.spendable === balance.balance ? null : creditsOf(balance.spendable, unit)],
      ['Reserved', balance.reserved === 0 ? null : creditsOf(balance.reserved, unit)],
      ['Pending', balance.pending === 0 ? null : creditsOf(balance.pending, unit)],
      ['Level', paintLevel(balance.level, style)],
      ['Spending cap', spendingCap === null ? null : `${credits(spendingCap.used)} of ${creditsOf(spendingCap.limit, unit)} used`],
      ['Plan', plan === null ? null : planLine(plan, timeZone, unit)],
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
  return `${printable(plan.name)}${monthly}, next grant ${moment(plan.renewsAt, timeZone)}`
}
