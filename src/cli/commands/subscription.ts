import type { Credits } from '../../credits.js'
import type { Input } from '../../facade/inputs.js'
import type { BalanceResult, WriteResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, moment } from '../format.js'
import { printable, type Style } from '../output.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

export const subscribeCommand = command<{ readonly now?: boolean; readonly idempotencyKey?: string }>({
  name: 'subscribe',
  summary: 'put the account on a plan: at once where it has no paid one, otherwise at the next renewal',
  arguments: [{ flags: '<plan>', summary: 'its id, from `plans`' }],
  options: [
    { flags: '--now', summary: 'change from one paid plan to another at once, with a part of the larger allowance for the rest of the period' },
    IDEMPOTENCY_KEY,
  ],
  example: 'subscribe pro',
  fields: { plan: '<plan>' },
  run: async ({ open, arguments: [plan = ''], options: { now, idempotencyKey }, style }) => {
    const ledger = await open()
    const done = await ledger.subscribe(given<Input<'subscribe'>>({ plan, when: now === true ? 'now' : undefined, idempotencyKey }))
    return reportOf(ledger, done, style)
  },
})

export const unsubscribeCommand = command<{ readonly idempotencyKey?: string }>({
  name: 'unsubscribe',
  summary: 'end the plan with its running period; until then everything stays as it is',
  options: [IDEMPOTENCY_KEY],
  example: 'unsubscribe',
  run: async ({ open, options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const done = await ledger.cancelSubscription(given<Input<'write'>>({ idempotencyKey }))
    return reportOf(ledger, done, style)
  },
})

async function reportOf(ledger: Credits, done: WriteResult, style: Style) {
  const { account, plan } = await ledger.balance()
  const { timeZone } = await ledger.account()
  return { result: { id: account, ...done, plan }, text: () => [`${planWords(plan, timeZone, style)}${again(done)}; the balance is ${count(done.balance, 'credit')}`] }
}

function planWords(plan: BalanceResult['plan'], timeZone: string, style: Style): string {
  if (plan === null) return 'On no plan'
  const grant = plan.renewsAt === null ? 'without a further grant' : `next grant ${moment(plan.renewsAt, timeZone)}`
  const next = plan.nextPlan === null ? '' : `, then ${plan.nextPlan === 'none' ? 'no plan' : `on ${printable(plan.nextPlan)}`}`
  return `On ${style.bold(printable(plan.name))}, ${grant}${next}`
}
