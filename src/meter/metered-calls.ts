import type { Credits } from '../credits.js'
import type { Actual } from '../decide/command.js'
import { CreditError } from '../errors.js'
import { keyOfHeader, withHeaderKey } from '../facade/idempotency-header.js'
import type { Rounds } from '../json/elicitation.js'
import { INTERNAL_ERROR, isObject, type JsonObject, type JsonRpcError } from '../json/json-rpc.js'
import { taskIdOf } from '../json/task-messages.js'
import { isName } from '../ledger/storable-text.js'
import { refusalResult } from '../refusal-body.js'
import { FAULT_META } from '../usage/held-call.js'
import { IDEMPOTENCY_KEY_META, type MeteredAnswer, type MeteredCall, type RunOutcome } from '../usage/metered-call.js'
import { type Arguments, protocolError, readCall, type ServedCall, signalOf } from './call-context.js'
import { clientPerson, withRounds } from './client-person.js'
import { actualOfCost } from './cost.js'
import type { MeterOptions, Payer } from './options.js'
import { subjectOf } from './price.js'
import { type Around, type Handler, isRecord, type ServedRequest } from './sdk-server.js'
import type { TaskBook } from './task-book.js'
import type { ToolRegistry } from './tool-registry.js'

export interface MeteringParts {
  /** The low-level server, which asks its client. */
  readonly server: object
  readonly options: MeterOptions
  readonly registry: ToolRegistry
  readonly tasks: TaskBook
  readonly report: Report
}

type Report = (line: string) => void

/** What is put around a server's `tools/call`: each call is priced and reserved before the tool runs, and settled after. */
export function meteredCalls(parts: MeteringParts): Around {
  // A tool that wraps handlers by itself may lead one request here twice; it is one call.
  const metering = new WeakSet<AbortSignal>()
  return (inner) => async (request, native) => {
    const signal = signalOf(native)
    if (metering.has(signal)) return inner(request, native)
    metering.add(signal)
    return meteredCall(parts, inner, request, native)
  }
}

async function meteredCall(parts: MeteringParts, inner: Handler, request: ServedRequest, native: object): Promise<unknown> {
  const call = readCall(request, native)
  const flight = new Flight(call.signal, async (rounds) => inner(request, withRounds(native, rounds)), parts.tasks, native)
  let answer: MeteredAnswer
  try {
    const asked = await askedOf(parts, call, native)
    const run: MeteredCall['run'] = (_, rounds) => flight.run(rounds)
    answer = await asked.credits.meter({ ...asked.call, run }, { withoutNotes: parts.options.withoutNotes ?? false })
  } catch (error) {
    flight.land(null)
    if (error instanceof CreditError) return refusalResult(error)
    throw protocolError(notMetered(error))
  }
  flight.land(answer.kind === 'task' ? answer.end.catch((error: unknown) => ({ kind: 'error', error: notMetered(error) })) : null)
  return flight.answer(answer)

  function notMetered(error: unknown): JsonRpcError {
    parts.report(`metering ${call.tool} failed: ${wordsOf(error)}`)
    return NOT_METERED
  }
}

const NOT_METERED: JsonRpcError = {
  code: INTERNAL_ERROR,
  message: 'The call could not be metered. What it may have cost stands in the transactions.',
}

interface AskedCall {
  readonly credits: Credits
  readonly call: Omit<MeteredCall, 'run'>
}

/** What is asked of the meter, by what the server's own functions say. @throws CreditError where they do not say it */
async function askedOf({ server, options, registry, report }: MeteringParts, served: ServedCall, native: object): Promise<AskedCall> {
  const { tool, context } = served
  const args = once(() => registry.parsed(tool, context.arguments))
  const unpaid = { refused: 'unauthenticated', saying: 'It is not known who pays for this call' } as const
  const credits = await guarded(unpaid, report, () => payerOf(options, served))
  const unpriced = { refused: 'price_unknown', saying: `What this call of ${tool} costs is not known` } as const
  const subject = await guarded(unpriced, report, () => subjectOf(options.price, { context, args }))
  const { cost } = options
  return {
    credits,
    call: {
      tool,
      arguments: served.arguments,
      meta: withHeaderKey(served.meta ?? {}, IDEMPOTENCY_KEY_META, keyOfHeader(served.keyHeader)),
      signal: served.signal,
      hasOutputSchema: registry.hasOutputSchema(tool),
      ...clientPerson(server, native, served.signal),
      ...(subject === undefined ? {} : { subject }),
      ...(cost === undefined ? {} : { consumed: (result) => consumed(async () => cost(await args(), result, context), served, report) }),
      report: (reason) => report(`the cost of ${tool} has no price, and what was reserved is charged: ${reason}`),
    },
  }
}

async function payerOf({ credits, account }: MeterOptions, { context }: ServedCall): Promise<Credits> {
  if (account === undefined) return credits
  const payer: unknown = typeof account === 'function' ? await account(context) : account
  const named: Partial<Record<keyof Exclude<Payer, string>, unknown>> = isRecord(payer) ? payer : { account: payer }
  const { account: id, key, member, run } = named
  if (typeof id !== 'string' || !isName(id)) throw new CreditError('unauthenticated', NOBODY_PAYS)
  const given = Object.entries({ account: id, key, member, run }).filter(([, value]) => value !== undefined)
  return credits.as(Object.fromEntries(given))
}

const NOBODY_PAYS = 'Nobody pays for this call: the server knows no account of whoever asks'

/** A server's function that throws says nothing that a client should read, and nothing runs by it. */
async function guarded<T>(
  { refused, saying }: { readonly refused: 'unauthenticated' | 'price_unknown'; readonly saying: string },
  report: Report,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof CreditError) throw error
    report(`${saying}: ${wordsOf(error)}`)
    throw new CreditError(refused, saying, { advice: ['The server itself failed to say so; tell whoever runs it.'], cause: error })
  }
}

/** Nothing said is what was reserved: work that was done is paid, whatever becomes of the function that tells its cost. */
async function consumed(cost: () => Promise<unknown>, { tool }: ServedCall, report: Report): Promise<Actual | null> {
  try {
    return actualOfCost(await cost())
  } catch (error) {
    report(`the cost of ${tool} cannot be told, and what was reserved is charged: ${wordsOf(error)}`)
    return {}
  }
}

/** One call between the client's request and our answer. */
class Flight {
  readonly #signal: AbortSignal
  readonly #start: (rounds: Rounds | undefined) => Promise<unknown>
  readonly #tasks: TaskBook
  readonly #native: object
  #result: JsonObject = CANCELLED
  #thrown: { readonly error: unknown } | null = null
  #task: string | null = null

  constructor(signal: AbortSignal, start: (rounds: Rounds | undefined) => Promise<unknown>, tasks: TaskBook, native: object) {
    this.#signal = signal
    this.#start = start
    this.#tasks = tasks
    this.#native = native
  }

  async run(rounds: Rounds | undefined): Promise<RunOutcome> {
    if (this.#signal.aborted) return { kind: 'ended', by: 'cancelled', started: false }
    try {
      const result = await this.#start(rounds)
      this.#result = isObject(result) ? result : {}
      return this.#outcome()
    } catch (error) {
      this.#thrown = { error }
      if (this.#signal.aborted) return LEFT
      return { kind: 'error', error: { code: INTERNAL_ERROR, message: wordsOf(error) } }
    }
  }

  /** Joins a task, if there is one, to what the meter will make of its outcome. */
  land(end: Promise<MeteredAnswer> | null): void {
    if (this.#task !== null) this.#tasks.settle(this.#task, end)
  }

  /** What the request's handler answers: what was thrown is thrown on as it was, for the SDK to make of it what it does. */
  answer(answer: MeteredAnswer): JsonObject {
    if (answer.kind === 'result' || answer.kind === 'task') return answer.result
    if (this.#thrown !== null) throw this.#thrown.error
    return this.#result
  }

  #outcome(): RunOutcome {
    const result = this.#result
    if (result['resultType'] === 'input_required') return { kind: 'input_required', result }
    const task = taskIdOf(result)
    if (task !== undefined) {
      this.#task = task
      return { kind: 'task', result, end: this.#tasks.open(task, this.#native) }
    }
    return this.#signal.aborted && hasFailed(result) ? LEFT : { kind: 'result', result }
  }
}

/**
 * The client went away and the tool gave up. Stopping to listen is no way to free work (T33): it costs what was reserved. A
 * tool that goes on to its end all the same, or that says whose fault it was, is charged for what it says.
 */
const LEFT: RunOutcome = { kind: 'ended', by: 'cancelled', started: true }

function hasFailed({ isError, _meta: meta }: JsonObject): boolean {
  return isError === true && !(isObject(meta) && FAULT_META in meta)
}

/** What nobody reads: its request was cancelled. */
const CANCELLED: JsonObject = { content: [{ type: 'text', text: 'The call was cancelled before it was started.' }], isError: true }

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function once(read: () => Promise<Arguments>): () => Promise<Arguments> {
  let reading: Promise<Arguments> | undefined
  return () => (reading ??= read())
}
