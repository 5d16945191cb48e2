import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import type { AccountResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { count, credits, moment } from '../format.js'
import { printable, type Style } from '../output.js'
import { cardLines, tableLines } from '../table.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const ID = { flags: '[id]', summary: 'the account; the one of --account unless told' } as const

interface CreateOptions {
  readonly plan?: string
  readonly tz?: string
  readonly parent?: string
  readonly test?: boolean
  readonly debtLimit?: string
  readonly idempotencyKey?: string
}

const create = command<CreateOptions>({
  name: 'account create',
  summary: 'open an account; the first credits of its plan come with it',
  arguments: [{ flags: '<id>', summary: 'its name in this ledger' }],
  options: [
    { flags: '--plan <id>', summary: "the catalog's plan; its default one unless told" },
    { flags: '--tz <zone>', summary: 'the time zone of its days and months, like Europe/Berlin; UTC unless told' },
    { flags: '--parent <id>', summary: 'an account that reports over this one' },
    { flags: '--test', summary: 'an account for trying things out' },
    { flags: '--debt-limit <credits>', summary: 'how far below zero a settlement may take it; 0 unless told' },
    IDEMPOTENCY_KEY,
  ],
  example: 'account create acme --plan free --tz Europe/Berlin',
  run: async ({ open, arguments: [id = ''], options, style }) => {
    const { plan, tz: timeZone, parent, test, debtLimit, idempotencyKey } = options
    const ledger = await open()
    const account = await ledger.createAccount(given<Input<'createAccount'>>({ id, plan, timeZone, parent, test, debtLimit, idempotencyKey }))
    return { result: account, text: () => accountLines(account, style) }
  },
})

const list = command({
  name: 'account list',
  isReading: true,
  // Of all accounts, while a key is one account's: the ledger refuses every key.
  scope: 'admin',
  summary: 'list the accounts of the ledger',
  example: 'account list',
  run: async ({ open, style }) => {
    const accounts = await (await open()).accounts()
    return { result: accounts, text: () => listLines(accounts, style) }
  },
})

const show = command({
  name: 'account show',
  isReading: true,
  summary: 'show an account',
  arguments: [ID],
  example: 'account show acme',
  run: async ({ open, arguments: [id], style }) => {
    const account = await (await open()).account(id === undefined ? {} : { account: id })
    return { result: account, text: () => accountLines(account, style) }
  },
})

const timeZone = command<{ readonly idempotencyKey?: string }>({
  name: 'account time-zone',
  summary: 'say in which time zone the days, weeks and months of an account are counted and shown from now on',
  arguments: [{ flags: '<zone>', summary: 'like Europe/Berlin' }, ID],
  options: [IDEMPOTENCY_KEY],
  example: 'account time-zone Europe/Berlin acme',
  fields: { timeZone: '<zone>' },
  run: async ({ open, arguments: [zone = '', id], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const done = await ledger.setTimeZone(given<Input<'setTimeZone'>>({ account: id, timeZone: zone, idempotencyKey }))
    const account = await ledger.account({ account: done.id })
    return { result: done, text: () => accountLines(account, style) }
  },
})

const suspend = stateCommand('suspend', 'suspended', 'stop all spending of an account; what was reserved can still be settled')
const resume = stateCommand('resume', 'active', 'let a suspended account spend again')
const close = stateCommand('close', 'closed', 'close an account for good')

export const accountCommands: readonly CommandDefinition[] = [create, list, show, timeZone, suspend, resume, close]

function stateCommand(name: string, state: Input<'setState'>['state'], summary: string): CommandDefinition {
  return command<{ readonly reason?: string; readonly idempotencyKey?: string }>({
    name: `account ${name}`,
    summary,
    arguments: [ID],
    options: [{ flags: '--reason <text>', summary: 'why' }, IDEMPOTENCY_KEY],
    example: `account ${name} acme`,
    run: async ({ open, arguments: [id], options: { reason, idempotencyKey }, settings, style }) => {
      if (id === undefined && settings.isMadeWhenMissing && state === 'closed') {
        throw new CreditError('invalid_request', 'name the account that is to be closed for good')
      }
      const ledger = await open()
      const account = id ?? (await ledger.account()).id
      const done = await ledger.setAccountState(given<Input<'setState'>>({ account, state, reason, idempotencyKey }))
      return { result: done, text: () => [`${printable(account)} is ${style.bold(state)}${again(done)}`] }
    },
  })
}

function accountLines(account: AccountResult, style: Style): readonly string[] {
  return cardLines(
    [
      ['Account', style.bold(printable(account.id))],
      ['State', account.state],
      ['Plan', account.plan === null ? 'none' : printable(account.plan)],
      ['Balance', `${count(account.balance, 'credit')}`],
      ['Time zone', account.timeZone],
      ['Parent', account.parent === null ? null : printable(account.parent)],
      ['Kind', account.test ? 'for tests' : null],
      ['Since', moment(account.createdAt, account.timeZone)],
    ],
    style,
  )
}

function listLines(accounts: readonly AccountResult[], style: Style): readonly string[] {
  if (accounts.length === 0) return ['There are no accounts yet.']
  return tableLines(
    accounts,
    [
      { head: 'Account', cell: ({ id }) => id },
      { head: 'State', cell: ({ state }) => state },
      { head: 'Plan', cell: ({ plan }) => plan ?? '' },
      { head: 'Balance', cell: ({ balance }) => credits(balance), isNumber: true },
      { head: 'Time zone', cell: ({ timeZone }) => timeZone },
      ...(accounts.some(({ parent }) => parent !== null) ? [{ head: 'Reports to', cell: ({ parent }: AccountResult) => parent ?? '' }] : []),
      ...(accounts.some(({ test }) => test) ? [{ head: 'Kind', cell: ({ test }: AccountResult) => (test ? 'for tests' : 'live') }] : []),
    ],
    style,
  )
}
