import type { Input } from '../../facade/inputs.js'
import type { ReserveResult } from '../../usage/results.js'
import { readCallsFile } from '../calls-file.js'
import { command, type OptionDescription } from '../definition.js'
import { count, credits } from '../format.js'
import { printable, type Style } from '../output.js'
import { readCall, readLabels, readNumber, readOptionalNumber, readUsage } from '../words.js'
import { CALL_WORDS } from './prices.js'

const OPERATION = { flags: '[operation]', summary: 'its id, from `prices`; left out with --quote: what is left of that quote' } as const
const RESERVATION = { flags: '<reservation>', summary: 'its id, from `reserve`; the id of a quote for all that is set aside under it' } as const
const QUOTE: OptionDescription = { flags: '--quote <id>', summary: 'a quote from `quote`, whose price holds whatever prices are now' }
const FAULT: OptionDescription = { flags: '--fault <whose>', summary: 'whose fault it was: caller, provider or platform' }
const LABEL: OptionDescription = { flags: '--label <name=value>', summary: 'a label that the transaction carries', isRepeatable: true }
const USAGE: OptionDescription = { flags: '--usage <name=count>', summary: 'counted units of a pass-through price, like input_tokens=1000', isRepeatable: true }

/** Both `quote` and `reserve` take a plan so. */
export const CALLS: OptionDescription = { flags: '--calls <file>', summary: 'several calls, as a JSON list of { operation, variant, quantity, args }' }

/** Every command that writes has it: the same key with the same words is one write, however often it is sent. */
export const IDEMPOTENCY_KEY: OptionDescription = { flags: '--idempotency-key <key>', summary: 'the same key is done once, however often it is sent' }

interface WriteOptions {
  readonly idempotencyKey?: string
}

interface CallOptions extends WriteOptions {
  readonly label?: readonly string[]
  readonly usage?: readonly string[]
  readonly actual?: string
  readonly quote?: string
}

export const chargeCommand = command<CallOptions>({
  name: 'charge',
  scope: 'credits:spend',
  summary: 'price an operation and take its credits',
  arguments: [OPERATION, CALL_WORDS],
  options: [
    IDEMPOTENCY_KEY,
    LABEL,
    USAGE,
    QUOTE,
    { flags: '--actual <credits>', summary: 'what it cost, where the price is a range or passed through' },
  ],
  example: 'charge blog.post --label customer_id=acme --idempotency-key job-1',
  run: async ({ open, arguments: [operation, ...words], options, style }) => {
    const input = given<Input<'charge'>>({
      operation,
      quoteId: options.quote,
      ...readCall(words),
      actual: options.actual,
      usage: readUsage(options.usage),
      labels: readLabels(options.label),
      idempotencyKey: options.idempotencyKey,
    })
    const ledger = await open()
    const charge = await ledger.charge(input)
    return {
      result: charge,
      text: () => [
        `${style.bold(`${count(charge.charged, 'credit')}`)} charged${again(charge)}; ${credits(charge.balance)} left${named(charge.transaction)}`,
      ],
    }
  },
})

interface ReserveOptions extends WriteOptions {
  readonly label?: readonly string[]
  readonly ttl?: string
  readonly overrun?: string
  readonly quote?: string
  readonly calls?: string
}

export const reserveCommand = command<ReserveOptions>({
  name: 'reserve',
  scope: 'credits:spend',
  summary: 'set the highest price of an operation aside before it starts, or of several calls: all of them or none',
  arguments: [OPERATION, CALL_WORDS],
  options: [
    IDEMPOTENCY_KEY,
    LABEL,
    { flags: '--ttl <seconds>', summary: 'how long it is kept; 15 minutes unless told, 24 hours at most' },
    { flags: '--overrun <policy>', summary: 'if it costs more in the end: cap takes the rest from what is available and writes off what is not (unless told), reject refuses, debt owes it' },
    QUOTE,
    CALLS,
  ],
  example: 'reserve video.clip variant=premium',
  run: async ({ open, arguments: [operation, ...words], options, style }) => {
    const input = given<Input<'reserve'>>({
      operation,
      quoteId: options.quote,
      calls: options.calls === undefined ? undefined : await readCallsFile(options.calls),
      ...readCall(words),
      labels: readLabels(options.label),
      ttlSeconds: readOptionalNumber(options.ttl, '--ttl'),
      overrun: options.overrun,
      idempotencyKey: options.idempotencyKey,
    })
    const ledger = await open()
    const held = await ledger.reserve(input)
    return { result: held, text: () => reservedLines(held, style) }
  },
})

function reservedLines(held: ReserveResult, style: Style): readonly string[] {
  if (held.reservation === null) return ['It costs nothing: there is nothing to reserve and nothing to settle.']
  const { calls = [] } = held
  return [
    `${style.bold(`${count(held.reserved, 'credit')}`)} reserved${again(held)} until ${held.expiresAt}; ${credits(held.balance)} left (${held.reservation})`,
    ...calls.map(({ operation, variant, tool, quantity, reserved, reservation }) => {
      const what = [tool ?? operation, variant].filter((part) => part !== null).map(printable).join(', ')
      return `  ${what} × ${credits(quantity)}: ${count(reserved, 'credit')} (${reservation})`
    }),
  ]
}

/** As long as a reservation lives unless told. */
const TTL_SECONDS = '900'

export const extendCommand = command<WriteOptions & { readonly ttl?: string }>({
  name: 'extend',
  scope: 'credits:spend',
  summary: 'move the end of an open reservation; it never shortens',
  arguments: [RESERVATION],
  options: [{ flags: '--ttl <seconds>', summary: 'so many seconds from now; 15 minutes unless told' }, IDEMPOTENCY_KEY],
  example: 'extend rs_2_0f3a --ttl 600',
  run: async ({ open, arguments: [reservation = ''], options: { ttl = TTL_SECONDS, idempotencyKey } }) => {
    const ttlSeconds = readNumber(ttl, '--ttl')
    const ledger = await open()
    const extended = await ledger.extend(given<Input<'extend'>>({ reservation, ttlSeconds, idempotencyKey }))
    return { result: extended, text: () => [`${extended.reservation} is kept until ${extended.expiresAt}`] }
  },
})

interface SettleOptions extends WriteOptions {
  readonly quantity?: string
  readonly usage?: readonly string[]
  readonly fault?: string
}

export const settleCommand = command<SettleOptions>({
  name: 'settle',
  scope: 'credits:spend',
  summary: 'end a reservation by charging what was consumed; all of it unless told',
  arguments: [RESERVATION, { flags: '[credits]', summary: 'what it cost' }],
  options: [{ flags: '--quantity <n>', summary: 'how much was consumed, by the price of the reservation' }, USAGE, FAULT, IDEMPOTENCY_KEY],
  example: 'settle rs_2_0f3a 40',
  run: async ({ open, arguments: [reservation = '', actual], options, style }) => {
    const input = given<Input<'settle'>>({
      reservation,
      actual,
      quantity: readOptionalNumber(options.quantity, '--quantity'),
      usage: readUsage(options.usage),
      fault: options.fault,
      idempotencyKey: options.idempotencyKey,
    })
    const ledger = await open()
    const settled = await ledger.settle(input)
    const rest = [
      settled.released === 0 ? '' : `, ${credits(settled.released)} given back`,
      settled.uncollected === 0 ? '' : `, ${credits(settled.uncollected)} uncollected`,
      settled.late ? ', late: its reservation had timed out' : '',
    ].join('')
    return {
      result: settled,
      text: () => [
        `${style.bold(`${count(settled.charged, 'credit')}`)} charged${again(settled)}${rest}; ${credits(settled.balance)} left${named(settled.transaction)}`,
      ],
    }
  },
})

export const releaseCommand = command<WriteOptions & { readonly fault?: string }>({
  name: 'release',
  scope: 'credits:spend',
  summary: 'end a reservation without a charge',
  arguments: [RESERVATION],
  options: [FAULT, IDEMPOTENCY_KEY],
  example: 'release rs_2_0f3a --fault provider',
  run: async ({ open, arguments: [reservation = ''], options: { fault, idempotencyKey }, style }) => {
    const ledger = await open()
    const released = await ledger.release(given<Input<'release'>>({ reservation, fault, idempotencyKey }))
    return {
      result: released,
      text: () => [`${style.bold(`${count(released.released, 'credit')}`)} given back${again(released)}; ${credits(released.balance)} left`],
    }
  },
})

/**
 * Leaves out what was not typed. What a field may hold is for the library to check: a word of a command line is as
 * good or bad as any other text.
 */
export function given<T>(fields: Readonly<Record<string, unknown>>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** Said of an answer that was given before, so that nobody counts it twice. */
export function again({ replayed }: { readonly replayed: boolean }): string {
  return replayed ? ' before, with the same key' : ''
}

export function named(transaction: string | null): string {
  return transaction === null ? '' : ` (${transaction})`
}
