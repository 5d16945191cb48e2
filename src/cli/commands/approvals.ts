import type { Credits } from '../../credits.js'
import type { Input } from '../../facade/inputs.js'
import type { ApprovalResult, ResolvedApprovalResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { count, credits, localTime } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const list = command<{ readonly all?: boolean }>({
  name: 'approvals',
  isReading: true,
  summary: 'list what waits for your yes or no: calls that cost much, and what agents ask for',
  options: [{ flags: '--all', summary: 'also what was answered, used or has lapsed' }],
  example: 'approvals',
  run: async ({ open, options: { all }, style }) => {
    const ledger = await open()
    const approvals = await ledger.approvals({ all: all === true })
    const { timeZone } = await ledger.account()
    return { result: approvals, text: () => listLines(approvals, timeZone, style) }
  },
})

const APPROVAL = { flags: '<approval>', summary: 'its id, from `approvals` or the refusal' } as const

function answering(name: 'approve' | 'deny', summary: string, words: (done: ResolvedApprovalResult) => string): CommandDefinition {
  return command<{ readonly idempotencyKey?: string }>({
    name,
    summary,
    arguments: [APPROVAL],
    options: [IDEMPOTENCY_KEY],
    example: `${name} ap_0f3a92c41b7d5e68`,
    fields: { id: '<approval>' },
    run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
      const ledger: Credits = await open()
      const done = await ledger[name](given<Input<'byId'>>({ id, idempotencyKey }))
      return { result: done, text: () => [`${style.bold(printable(approvalWords(done)))}: ${words(done)}${again(done)}`] }
    },
  })
}

const approve = answering('approve', 'say yes: a call may then be made once, and a request is granted at once', (done) => {
  if (done.asks === 'budget') return `the budget ${printable(done.budget ?? '')} is raised by ${count(done.credits, 'credit')}`
  if (done.asks === 'top_up') return `granted; the balance is ${count(done.balance, 'credit')}`
  return `approved once, until ${done.expiresAt}`
})

const deny = answering('deny', 'say no, or take back a yes that was not used', ({ expiresAt }) => `denied, until ${expiresAt}`)

export const approvalCommands: readonly CommandDefinition[] = [list, approve, deny]

/** What is asked, in a few words. */
export function approvalWords({ asks, credits: amount, operation, variant, tool, budget }: ApprovalResult): string {
  const sum = count(amount, 'credit')
  switch (asks) {
    case 'call':
      return `${tool ?? operation ?? ''}${variant === null ? '' : ` (${variant})`} for at most ${sum}`
    case 'approval':
      return `any one call for at most ${sum}`
    case 'budget':
      return `${sum} more for the budget ${budget ?? ''}`
    case 'top_up':
      return `a top-up of ${sum}`
  }
}

function listLines(approvals: readonly ApprovalResult[], timeZone: string, style: Style): readonly string[] {
  if (approvals.length === 0) return ['Nothing waits for an answer.']
  return tableLines(
    approvals,
    [
      { head: 'Approval', cell: ({ id }) => id },
      { head: 'Asks for', cell: approvalWords },
      { head: 'Quantity', cell: ({ quantity }) => (quantity === null ? '' : credits(quantity)), isNumber: true },
      { head: 'Labels', cell: ({ labels }) => Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`).join(' ') },
      { head: 'Key', cell: ({ key, keyName }) => (keyName === null ? (key ?? '') : `${keyName} (${key ?? ''})`) },
      { head: 'Because', cell: ({ reason }) => reason ?? '' },
      { head: 'Status', cell: ({ status }) => status },
      { head: 'Answered by', cell: ({ answeredBy }) => answeredBy ?? '' },
      { head: `Asked (${timeZone})`, cell: ({ askedAt }) => localTime(askedAt, timeZone) },
      { head: `Until (${timeZone})`, cell: ({ expiresAt }) => localTime(expiresAt, timeZone) },
    ],
    style,
  )
}
