import { CreditError } from '../../errors.js'
import type { VerifyResult } from '../../usage/results.js'
import { command } from '../definition.js'
import { count } from '../format.js'
import { printable, type Style } from '../output.js'

interface Options {
  readonly head?: boolean
  readonly since?: string
  readonly account?: string
}

export const doctorCommand = command<Options>({
  name: 'doctor',
  isReading: true,
  scope: 'admin',
  summary: 'recompute balances, grants, reservations and the hash chain from the journal; exits 1 when they do not add up',
  options: [
    { flags: '--head', summary: "print the hash of the account's newest transaction: keep it to prove later that nothing before it was changed" },
    { flags: '--since <head>', summary: 'prove that what led to this head is still what it was' },
  ],
  example: 'doctor',
  run: async ({ open, options, style }) => {
    if (options.head === true && options.since !== undefined) throw new CreditError('invalid_request', 'give either --head or --since')
    // A head is one account's; everything else is asked of the whole ledger unless an account is named.
    const isOfOne = options.head === true || options.since !== undefined || options.account !== undefined
    const ledger = await open()
    const found = await ledger.verify({
      ...(isOfOne ? { account: (await ledger.account()).id } : {}),
      ...(options.since === undefined ? {} : { since: options.since }),
    })
    return {
      result: found,
      text: () => (options.head === true && found.ok ? [found.head ?? 'There are no transactions yet.'] : verdict(found, style)),
      exitCode: found.ok ? 0 : 1,
    }
  },
})

function verdict({ ok, problems, accounts, transactions }: VerifyResult, style: Style): readonly string[] {
  const scope = `${count(accounts, 'account')}, ${count(transactions, 'transaction')}`
  if (ok) return [`${style.good('The ledger adds up')}: ${scope}.`]
  const [first] = problems
  return [
    `${style.bad('The ledger does not add up')}: ${scope}, ${count(problems.length, 'problem')}.`,
    ...(first === undefined ? [] : [`The first bad row is ${printable(first.row)} of account ${printable(first.account)}.`]),
    '',
    ...problems.map(({ account, row, invariant, message }) => `  ${printable(`${account} ${row} ${invariant}: ${message}`)}`),
  ]
}
