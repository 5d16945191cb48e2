import type { Input } from '../../facade/inputs.js'
import type { ItemResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { credits, moment } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { readNumber } from '../words.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const set = command<{ readonly idempotencyKey?: string }>({
  name: 'item set',
  summary: 'say how many units of a recurring item are kept from now on; they are charged by the hour, at the end of the month',
  arguments: [
    { flags: '<item>', summary: "its id, one of the catalog's recurring items" },
    { flags: '<quantity>', summary: 'how many units; 0 ends it' },
  ],
  options: [IDEMPOTENCY_KEY],
  example: 'item set custom-domain 2',
  fields: { item: '<item>', quantity: '<quantity>' },
  run: async ({ open, arguments: [item = '', amount = ''], options: { idempotencyKey }, style }) => {
    const quantity = readNumber(amount, '<quantity>')
    const ledger = await open()
    const done = await ledger.setItem(given<Input<'setItem'>>({ item, quantity, idempotencyKey }))
    return { result: done, text: () => [`${style.bold(`${credits(done.quantity)} of ${printable(done.item)}`)} from now on${again(done)}`] }
  },
})

const list = command({
  name: 'item list',
  isReading: true,
  summary: 'list the recurring items that the account keeps, with what each has come to since it was charged last',
  example: 'item list',
  run: async ({ open, style }) => {
    const ledger = await open()
    const items = await ledger.items()
    const { timeZone } = await ledger.account()
    return { result: items, text: () => itemLines(items, timeZone, style) }
  },
})

export const itemCommands: readonly CommandDefinition[] = [set, list]

function itemLines(items: readonly ItemResult[], timeZone: string, style: Style): readonly string[] {
  if (items.length === 0) return ['The account keeps no recurring items.']
  return tableLines(
    items,
    [
      { head: 'Item', cell: ({ id }) => id },
      { head: 'Name', cell: ({ name }) => name },
      { head: 'Quantity', cell: ({ quantity }) => credits(quantity), isNumber: true },
      { head: 'Unit hours', cell: ({ unitHours }) => credits(unitHours), isNumber: true },
      { head: 'Credits so far', cell: ({ accrued }) => credits(accrued), isNumber: true },
      { head: 'Charged', cell: ({ chargedAt }) => (chargedAt === null ? '' : moment(chargedAt, timeZone)) },
    ],
    style,
  )
}
