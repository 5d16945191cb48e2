import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import type { GuardResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { count, credits } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { readOptionalNumber } from '../words.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const ID = { flags: '<id>', summary: 'approval or runaway' } as const

const list = command({
  name: 'guard list',
  isReading: true,
  summary: 'list the guards: what a person is asked about, and what is stopped as running away',
  example: 'guard list',
  run: async ({ open, style }) => {
    const guards = await (await open()).guards()
    return { result: guards, text: () => listLines(guards, style) }
  },
})

interface SetOptions {
  readonly above?: string
  readonly valid?: string
  readonly wait?: string
  /** False for `--no-client`. */
  readonly client?: boolean
  readonly identical?: string
  readonly within?: string
  readonly burn?: string
  readonly idempotencyKey?: string
}

const set = command<SetOptions>({
  name: 'guard set',
  summary: 'set a guard: approval asks a person before costly calls, runaway stops loops and haste; set anew, it begins anew',
  arguments: [ID],
  options: [
    { flags: '--above <credits>', summary: 'approval: ask about each call that may cost more than this' },
    { flags: '--valid <duration>', summary: 'approval: how long a yes can be used; 24h unless told' },
    { flags: '--wait <duration>', summary: 'approval: how long a question waits, and a no holds; 1h unless told' },
    { flags: '--no-client', summary: 'approval: only an operator answers, not whoever sits at the client' },
    { flags: '--identical <n>', summary: 'runaway: stop a call once it was made so often, 100 at most' },
    { flags: '--within <duration>', summary: 'runaway: within so long, for --identical; 60s unless told' },
    { flags: '--burn <credits/duration>', summary: 'runaway: stop a key that would spend more than so many credits within so long, like 100/1h' },
    IDEMPOTENCY_KEY,
  ],
  example: 'guard set approval --above 50',
  fields: {
    id: '<id>',
    above: '--above',
    valid: '--valid',
    wait: '--wait',
    client: '--no-client',
    identical: '--identical',
    within: '--within',
    burn: '--burn',
    burnWithin: '--burn',
  },
  run: async ({ open, arguments: [id = ''], options, style }) => {
    const { above, valid, wait, client, identical, within, burn, idempotencyKey } = options
    const input = given<Input<'setGuard'>>({
      id: id as Input<'setGuard'>['id'],
      above,
      valid,
      wait,
      client: client === false ? false : undefined,
      identical: readOptionalNumber(identical, '--identical'),
      within,
      ...readBurn(burn),
      idempotencyKey,
    })
    const done = await (await open()).setGuard(input)
    return { result: done, text: () => [`${style.bold(printable(id))}: ${guardWords(done)}${again(done)}`] }
  },
})

/** `100/1h`. @throws CreditError `invalid_request` */
function readBurn(text: string | undefined): { readonly burn?: string; readonly burnWithin?: string } {
  if (text === undefined) return {}
  const [burn, burnWithin, more] = text.split('/')
  if (burn !== undefined && burn !== '' && burnWithin !== undefined && burnWithin !== '' && more === undefined) return { burn, burnWithin }
  const message = `--burn: expected credits and a duration like 100/1h, found ${JSON.stringify(text)}`
  throw new CreditError('invalid_request', message, { details: { field: '--burn' } })
}

interface WriteOptions {
  readonly idempotencyKey?: string
}

const remove = command<WriteOptions>({
  name: 'guard remove',
  summary: 'remove a guard: nothing is asked or stopped by it any more',
  arguments: [ID],
  options: [IDEMPOTENCY_KEY],
  example: 'guard remove runaway',
  fields: { id: '<id>' },
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const done = await (await open()).removeGuard(given<Input<'byGuard'>>({ id: id as Input<'byGuard'>['id'], idempotencyKey }))
    return { result: { id, ...done }, text: () => [`${style.bold(printable(id))} is removed${again(done)}`] }
  },
})

const reset = command<WriteOptions>({
  name: 'guard reset',
  summary: 'let go at once of whatever the runaway guard has stopped',
  arguments: [{ flags: '<id>', summary: 'runaway' }],
  options: [IDEMPOTENCY_KEY],
  example: 'guard reset runaway',
  fields: { id: '<id>' },
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const done = await (await open()).resetGuard(given<Input<'byGuard'>>({ id: id as Input<'byGuard'>['id'], idempotencyKey }))
    return { result: done, text: () => [`${style.bold(printable(id))} lets go, and counts anew${again(done)}`] }
  },
})

export const guardCommands: readonly CommandDefinition[] = [list, set, remove, reset]

function listLines(guards: readonly GuardResult[], style: Style): readonly string[] {
  if (guards.length === 0) return ['There are no guards.']
  return tableLines(
    guards,
    [
      { head: 'Guard', cell: ({ id }) => id },
      { head: 'Does', cell: guardWords },
    ],
    style,
  )
}

function guardWords({ id, above, validSeconds, waitSeconds, client, identical, burn }: GuardResult): string {
  if (id === 'approval') {
    const who = client === true ? 'an operator or the person at the client' : 'an operator'
    const spans = `waits ${spanWords(waitSeconds ?? 0)} for a yes, which is good for ${spanWords(validSeconds ?? 0)}`
    return `${who} is asked about each call that may cost more than ${count(above ?? 0, 'credit')}; ${spans}`
  }
  const rules = [
    ...(identical === null ? [] : [`after ${identical.calls} identical calls within ${spanWords(identical.withinSeconds)} the next is stopped`]),
    ...(burn === null ? [] : [`more than ${credits(burn.credits)} credits of one key within ${spanWords(burn.withinSeconds)} are stopped`]),
  ]
  return rules.join('; ')
}

const SPANS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
] as const

/** In the largest unit that says it whole. */
function spanWords(seconds: number): string {
  const [length, unit] = SPANS.find(([one]) => seconds % one === 0) ?? [1, 's']
  return `${seconds / length}${unit}`
}
