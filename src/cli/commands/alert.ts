import type { Credits } from '../../credits.js'
import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import type { AlertResult, BudgetResult } from '../../usage/results.js'
import { budgetWords } from '../budget-words.js'
import { command, type CommandDefinition } from '../definition.js'
import { count, credits } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { readOptionalNumber } from '../words.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const ID = { flags: '<id>', summary: 'its name in the account' } as const

/** Of the balance, or of what is spent in a window: the latter is a budget that only tells. */
type Alert = ({ readonly type: 'balance' } & AlertResult) | ({ readonly type: 'burn' } & BudgetResult)

const list = command({
  name: 'alert list',
  isReading: true,
  summary: 'list what you are to be told of: thresholds of the balance, and of what is spent in a window',
  example: 'alert list',
  run: async ({ open, style }) => {
    const ledger = await open()
    const alerts = await allAlerts(ledger)
    const { timeZone } = await ledger.account()
    return { result: alerts, text: () => listLines(alerts, timeZone, style) }
  },
})

interface SetOptions {
  readonly below?: string
  readonly remaining?: string
  readonly burn?: string
  readonly window?: string
  readonly level?: string
  readonly idempotencyKey?: string
}

const set = command<SetOptions>({
  name: 'alert set',
  summary: 'be told once when the balance falls to a threshold, or when so much was spent; once again after a top-up or reset',
  arguments: [ID],
  options: [
    { flags: '--below <credits>', summary: 'when the balance falls below so many credits' },
    { flags: '--remaining <percent>', summary: "when so many percent of the period's credits remain, or fewer" },
    { flags: '--burn <credits>', summary: 'when so many credits were spent in a window' },
    { flags: '--window <window>', summary: 'with --burn: day, week, month (unless told), billing_period, total or rolling:<hours>h' },
    { flags: '--level <level>', summary: 'with --below and --remaining, how pressing it is: low (unless told) or critical' },
    IDEMPOTENCY_KEY,
  ],
  example: 'alert set half --remaining 50',
  fields: { credits: '--below', percent: '--remaining', limit: '--burn', level: '--level', id: '<id>' },
  run: async ({ open, arguments: [id = ''], options, style }) => {
    const { below, remaining, burn, window, level, idempotencyKey } = options
    if ([below, remaining, burn].filter((one) => one !== undefined).length !== 1) {
      throw new CreditError('invalid_request', 'give one of --below, --remaining and --burn')
    }
    if (burn === undefined && window !== undefined) throw new CreditError('invalid_request', '--window goes with --burn only')
    if (burn !== undefined && level !== undefined) throw new CreditError('invalid_request', '--level goes with --below and --remaining only')
    const percent = readOptionalNumber(remaining, '--remaining')
    const ledger = await open()
    await seeThatItIsFree(ledger, id, burn === undefined ? 'balance' : 'burn')
    const done =
      burn === undefined
        ? { type: 'balance', ...(await ledger.setAlert(given<Input<'setAlert'>>({ id, credits: below, percent, level, when: below === undefined ? undefined : 'below', idempotencyKey }))) }
        : { type: 'burn', ...(await ledger.setBudget(given<Input<'setBudget'>>({ id, limit: burn, window, enforcement: 'alert', idempotencyKey }))) }
    const alert = (await allAlerts(ledger)).find((one) => one.id === id)
    const { timeZone } = await ledger.account()
    return { result: done, text: () => [`${style.bold(printable(id))}${alert === undefined ? ' is not there any more' : `: ${alertWords(alert, timeZone)}`}`] }
  },
})

const remove = command<{ readonly idempotencyKey?: string }>({
  name: 'alert remove',
  summary: 'be told of it no more',
  arguments: [ID],
  options: [IDEMPOTENCY_KEY],
  example: 'alert remove half',
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const input = given<Input<'byId'>>({ id, idempotencyKey })
    const isBurn = (await allAlerts(ledger)).some((alert) => alert.id === id && alert.type === 'burn')
    const done = isBurn ? await ledger.removeBudget(input) : await ledger.removeAlert(input)
    return { result: { id, ...done }, text: () => [`${style.bold(printable(id))} is removed${again(done)}`] }
  },
})

export const alertCommands: readonly CommandDefinition[] = [list, set, remove]

async function allAlerts(ledger: Credits): Promise<readonly Alert[]> {
  const { budgets } = await ledger.budgets()
  return [
    ...(await ledger.alerts()).map((alert) => ({ type: 'balance', ...alert }) as const),
    ...budgets.filter(({ enforcement }) => enforcement === 'alert').map((budget) => ({ type: 'burn', ...budget }) as const),
  ]
}

/** A limit that stops must not become one that only tells because somebody gave an alert its name. @throws CreditError `invalid_request` */
async function seeThatItIsFree(ledger: Credits, id: string, type: Alert['type']): Promise<void> {
  const { budgets } = await ledger.budgets()
  const stops = type === 'burn' && budgets.some((budget) => budget.id === id && budget.enforcement === 'hard')
  const isOther = (await allAlerts(ledger)).some((alert) => alert.id === id && alert.type !== type)
  if (!stops && !isOther) return
  throw new CreditError('invalid_request', `there is ${stops ? 'a budget' : 'another alert'} ${JSON.stringify(id.slice(0, 64))} already`, {
    details: { id },
    advice: ['Give the alert another id, or remove the other first: npx mcp-credits ' + (stops ? `budget remove ${id}` : `alert remove ${id}`)],
  })
}

function listLines(alerts: readonly Alert[], timeZone: string, style: Style): readonly string[] {
  if (alerts.length === 0) return ["There are none but the catalog's own."]
  return tableLines(
    alerts,
    [
      { head: 'Alert', cell: ({ id }) => id },
      { head: 'Of', cell: ({ type }) => type },
      { head: 'Tells', cell: (alert) => alertWords(alert, timeZone) },
    ],
    style,
  )
}

function alertWords(alert: Alert, timeZone: string): string {
  if (alert.type === 'burn') return `when ${count(alert.limit, 'credit')} are spent: ${budgetWords(alert, timeZone)}`
  const figure = alert.credits === null ? `${credits(alert.percent ?? 0)} % of the period's credits remain` : `${count(alert.credits, 'credit')} remain`
  return `when ${alert.when === 'below' ? `fewer than ${figure}` : `${figure} or fewer`} (${alert.level})`
}
