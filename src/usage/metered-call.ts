import { actualOfToolResult, priceToolCall } from '../catalog/map-tool.js'
import { canonicalJson } from '../catalog/canonical-json.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Actor, Command, CommandOf, Fault } from '../decide/command.js'
import type { Done } from '../decide/outcome.js'
import { CreditError } from '../errors.js'
import { sha256 } from '../ledger/chain.js'
import type { Reservation } from '../ledger/reservation.js'
import { refusalResult } from '../refusal-body.js'
import { beat } from './heartbeat.js'
import type { Ledger } from './ledger.js'
import { receiptOf, withReceipt } from './receipt.js'

type JsonObject = { readonly [member: string]: unknown }

/** One call of an upstream tool that a door wants metered. `run` starts the work, once, and tells how it ended. */
export interface MeteredCall {
  readonly tool: string
  readonly arguments: JsonObject | undefined
  readonly meta: JsonObject | undefined
  /** Whether the client may check a result against an output schema of the tool. Left out: no. */
  readonly hasOutputSchema?: boolean
  /** Aborted before `run` means that nothing was started. */
  readonly signal: AbortSignal
  readonly run: (args: JsonObject | undefined) => Promise<RunOutcome>
}

/** How the work ended. Never a rejection: whatever happens, what was reserved is settled or given back. */
export type RunOutcome =
  | { readonly kind: 'result'; readonly result: JsonObject }
  /** A round of a call that asks for more input first: nothing was done yet, and its next round is a call of its own. */
  | { readonly kind: 'input_required'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }
  /** The work goes on as a task, and `end` tells how that ended. */
  | { readonly kind: 'task'; readonly result: JsonObject; readonly end: Promise<EndOutcome> }
  /** Nobody waits for the answer any more. What was `started` is charged: stopping to listen is no way to free work (T33). */
  | { readonly kind: 'ended'; readonly started: boolean }

type EndOutcome = Extract<RunOutcome, { readonly kind: 'result' | 'error' | 'ended' }>

export type MeteredAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }
  | { readonly kind: 'task'; readonly result: JsonObject; readonly end: Promise<MeteredAnswer> }
  | { readonly kind: 'none' }

export interface MeterContext {
  readonly ledger: Ledger
  readonly account: string
  readonly actor: Actor
  /** Leaves the short text out that says how much is left once it is not plenty. */
  readonly withoutNotes?: boolean
}

/** A client gives its call this key in `_meta`; a call without one is a charge of its own. */
export const IDEMPOTENCY_KEY_META = 'io.github.mcp-credits/idempotency_key'

/** How long the meter's reservation outlives the last sign of life of the process that made it. */
const METER_TTL_MS = 60_000
const HEARTBEAT_MS = 20_000

/** A task is settled at its end; a client that never asks for it must not keep credits reserved for ever. */
const KEY_MAX = 255

/**
 * Meters one call, for every door alike: price it, reserve the most it can cost, run it, then settle what it did cost
 * or give the reservation back. The answer is returned after the settlement is committed. Failed calls cost nothing.
 * Every refusal is a result that the model can read; nothing runs then.
 */
export async function meteredCall(context: MeterContext, call: MeteredCall): Promise<MeteredAnswer> {
  try {
    if (await isFree(context.ledger, call)) return await runFree(call)
    const reserved = await reserve(context, call)
    if (reserved.transaction === null) return await runFree(call)
    if (reserved.reservation === null || reserved.replayed) return replayedAnswer(context, call, reserved)
    return await runReserved(context, call, reserved.reservation)
  } catch (error) {
    if (error instanceof CreditError) return { kind: 'result', result: refusalResult(error) }
    throw error
  }
}

/** Free calls go on while the ledger is away: their price is known from memory. */
async function isFree(ledger: Ledger, call: MeteredCall): Promise<boolean> {
  const { catalog } = versionAt(await ledger.catalogs(), ledger.now())
  return priceToolCall(catalog, { tool: call.tool, args: call.arguments ?? {} }).kind === 'free'
}

async function runFree(call: MeteredCall): Promise<MeteredAnswer> {
  const outcome = await call.run(call.arguments)
  return outcome.kind === 'task' ? { ...outcome, end: outcome.end.then(plainAnswer) } : plainAnswer(outcome)
}

function reserve({ ledger, account, actor }: MeterContext, call: MeteredCall): Promise<Done> {
  const args = call.arguments ?? {}
  const key = keyOf(call.meta)
  const fingerprint = `1:${sha256(canonicalJson(['tools/call', call.tool, args])).slice(0, 32)}`
  return ledger.update({
    kind: 'reserve',
    account,
    actor,
    idempotencyKey: null,
    fingerprint: null,
    subject: { kind: 'tool', tool: call.tool, args },
    labels: null,
    ttlMs: METER_TTL_MS,
    overrun: 'cap',
    call: key === null ? null : { key, fingerprint },
  })
}

function keyOf(meta: JsonObject | undefined): string | null {
  const key = meta?.[IDEMPOTENCY_KEY_META]
  if (key === undefined) return null
  if (typeof key === 'string' && key !== '' && key.length <= KEY_MAX) return key
  throw new CreditError('invalid_request', `_meta["${IDEMPOTENCY_KEY_META}"]: expected a text of 1 to ${KEY_MAX} characters`)
}

async function runReserved(context: MeterContext, call: MeteredCall, reservation: Reservation): Promise<MeteredAnswer> {
  const ending = new Ending(context, reservation)
  const stopBeating = beat(HEARTBEAT_MS, () => ending.extend())
  let isTask = false
  try {
    const outcome = await call.run(call.arguments)
    if (outcome.kind !== 'task') return await endOf(ending, call, outcome)
    isTask = true
    const end = outcome.end.then((last) => endOf(ending, call, last)).finally(stopBeating)
    return { kind: 'task', result: outcome.result, end }
  } catch (error) {
    // `run` never rejects by its contract. If it does all the same, nothing may stay reserved for it.
    await ending.release('platform')
    throw error
  } finally {
    if (!isTask) stopBeating()
  }
}

async function endOf(ending: Ending, call: MeteredCall, outcome: Exclude<RunOutcome, { kind: 'task' }>): Promise<MeteredAnswer> {
  switch (outcome.kind) {
    case 'result':
      if (outcome.result['isError'] === true) break
      return { kind: 'result', result: await ending.settle(call, outcome.result) }
    case 'ended':
      if (!outcome.started) break
      await ending.settle(call, {})
      return { kind: 'none' }
    case 'input_required':
    case 'error':
  }
  await ending.release('provider')
  return plainAnswer(outcome)
}

function plainAnswer(outcome: Exclude<RunOutcome, { kind: 'task' }>): MeteredAnswer {
  switch (outcome.kind) {
    case 'result':
    case 'input_required':
      return { kind: 'result', result: outcome.result }
    case 'error':
      return { kind: 'error', error: outcome.error }
    case 'ended':
      return { kind: 'none' }
  }
}

/**
 * The call was charged before under this key: its receipt again, and no second run (T34). Its content is not kept. Where
 * the tool has an output schema this has to be an error: clients take any other result without structured content for a
 * broken one, throw, and never see the receipt.
 */
function replayedAnswer(context: MeterContext, call: MeteredCall, done: Done): MeteredAnswer {
  const receipt = receiptOf(done)
  const text = `This call was made and charged before with the same idempotency key (${receipt.charged} credits, ${receipt.transaction}). Its result is not kept; use a new key to run it again.`
  const result = { content: [{ type: 'text', text }], ...(call.hasOutputSchema === true ? { isError: true } : {}) }
  return { kind: 'result', result: withReceipt(result, receipt, context.withoutNotes ?? false) }
}

/** The one ending of a metered call's reservation: settled, or released. */
class Ending {
  readonly #context: MeterContext
  readonly #reservation: Reservation

  constructor(context: MeterContext, reservation: Reservation) {
    this.#context = context
    this.#reservation = reservation
  }

  /** Charges what the result tells, or what was reserved, and adds the receipt once that is committed. */
  async settle(call: MeteredCall, result: JsonObject): Promise<JsonObject> {
    const versions = await this.#context.ledger.catalogs()
    const actual = consumedBy(versions, this.#reservation, call.tool, result)
    const done = await this.#update('settle', { actual, fault: null })
    return withReceipt(result, receiptOf(done), this.#context.withoutNotes ?? false)
  }

  /** Gives back what was reserved. One that meanwhile timed out has given it back already. */
  async release(fault: Fault): Promise<void> {
    try {
      await this.#update('release', { fault })
    } catch (error) {
      const isOver = error instanceof CreditError && (error.code === 'reservation_not_open' || error.code === 'ledger_unavailable')
      if (!isOver) throw error
    }
  }

  extend(): Promise<Done> {
    return this.#update('extend', { ttlMs: METER_TTL_MS, isHeartbeat: true })
  }

  #update<K extends 'settle' | 'release' | 'extend'>(
    kind: K,
    facts: Omit<CommandOf<K>, 'kind' | 'account' | 'actor' | 'idempotencyKey' | 'fingerprint' | 'reservation'>,
  ): Promise<Done> {
    const { ledger, account, actor } = this.#context
    const addressed = { kind, account, actor, idempotencyKey: null, fingerprint: null, reservation: this.#reservation.id }
    return ledger.update({ ...addressed, ...facts } as unknown as Command)
  }
}

/**
 * What a result says was consumed, by the catalog that priced the call. A result that does not say what the catalog
 * expects of it costs what was reserved: charging nothing for it would be free work.
 */
function consumedBy(
  versions: readonly CatalogVersion[],
  reservation: Reservation,
  tool: string,
  result: JsonObject,
): CommandOf<'settle'>['actual'] {
  const version = versions.find((one) => one.version === reservation.priceVersion)
  const told = actualOfToolResult(version?.catalog.tools[tool], { tool, result })
  return told.kind === 'actual' ? told.actual : {}
}
