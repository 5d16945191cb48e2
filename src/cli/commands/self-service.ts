import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import { command } from '../definition.js'
import { printable } from '../output.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

export const selfServiceCommand = command<{ readonly idempotencyKey?: string }>({
  name: 'self-service',
  summary: 'show the customers of the account that credits can be bought, with what they bought, or hide it',
  arguments: [{ flags: '<on|off>', summary: "whether it is shown; until it is said, the catalog's word holds" }],
  options: [IDEMPOTENCY_KEY],
  example: 'self-service on --account acme',
  run: async ({ open, arguments: [word = ''], options: { idempotencyKey }, settings, style }) => {
    const enabled = readSwitch(word)
    const ledger = await open()
    const done = await ledger.setSelfService(given<Input<'setSelfService'>>({ enabled, idempotencyKey }))
    const shown = style.bold(enabled ? 'shown to' : 'hidden from')
    return {
      result: { ...done, enabled },
      text: () => [`Buying credits is ${shown} the customers of ${printable(settings.account)}${again(done)}.`],
    }
  },
})

function readSwitch(word: string): boolean {
  if (word === 'on') return true
  if (word === 'off') return false
  throw new CreditError('invalid_request', `<on|off>: expected on or off, found ${JSON.stringify(word)}`)
}
