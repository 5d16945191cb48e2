import type { Input } from '../../facade/inputs.js'
import { command, type CommandDefinition } from '../definition.js'
import { count } from '../format.js'
import { printable } from '../output.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const advance = command<{ readonly idempotencyKey?: string }>({
  name: 'clock advance',
  summary: "move a test account's own time forward: renewals, expiries and alerts on the way happen",
  arguments: [{ flags: '<time>', summary: 'how far, like 30d, 12h or 15m' }],
  options: [IDEMPOTENCY_KEY],
  example: 'clock advance 30d --account trial',
  fields: { by: '<time>' },
  run: async ({ open, arguments: [by = ''], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const done = await ledger.advanceClock(given<Input<'advanceClock'>>({ by, idempotencyKey }))
    return {
      result: done,
      text: () => [`${style.bold(printable(done.id))} is ${printable(by)} further${again(done)}; the balance is ${count(done.balance, 'credit')}`],
    }
  },
})

export const clockCommands: readonly CommandDefinition[] = [advance]
