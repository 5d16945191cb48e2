import { canonicalJson } from '../catalog/canonical-json.js'
import { isFree, priceToolCall } from '../catalog/map-tool.js'
import { quotePrice } from '../catalog/quote-price.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Actor, Actual, NamedOperation } from '../decide/command.js'
import type { Done } from '../decide/outcome.js'
import { CreditError } from '../errors.js'
import { hasRounds, type Rounds } from '../json/elicitation.js'
import { isName, NAME_MAX } from '../ledger/storable-text.js'
import { refusalResult } from '../refusal-body.js'
import type { Instant } from '../time/instant.js'
import { type Asker, askingAtClient } from './ask-at-client.js'
import { questionsOf } from './guards.js'
import { HeldCall, METER_TTL_MS } from './held-call.js'
import type { Ledger } from './ledger.js'
import { receiptOf, withReceipt } from './receipt.js'

type JsonObject = { readonly [member: string]: unknown }

/** One call of an upstream tool that a door wants metered. `run` starts the work, once, and tells how it ended. */
export interface MeteredCall extends Asker {
  readonly tool: string
  readonly arguments: JsonObject | undefined
  readonly meta: JsonObject | undefined
  /** What the tool's own server prices this call as; `free` costs nothing. Left out: what the catalog maps the tool to. */
  readonly subject?: NamedOperation | 'free'
  /**
   * What the call consumed, by its result; null for what the catalog reads from it or, where it reads nothing, what was
   * reserved. Asked once, of a success only, and never rejects.
   */
  readonly consumed?: (result: JsonObject) => Promise<Actual | null>
  /** Told that what `consumed` says has no price, and why: then what was reserved is charged. */
  readonly report?: (reason: string) => void
  /** Whether the client may check a result against an output schema of the tool. Left out: no. */
  readonly hasOutputSchema?: boolean
  /** Aborted before `run` means that nothing was started. */
  readonly signal: AbortSignal
  /** @param rounds what is left of the call's rounds without our own, where the door gave any */
  readonly run: (args: JsonObject | undefined, rounds?: Rounds) => Promise<RunOutcome>
}

/** How the work ended. Never a rejection: whatever happens, what was reserved is settled or given back. */
export type RunOutcome =
  | { readonly kind: 'result'; readonly result: JsonObject }
  /** A round of a call that asks for more input first: nothing was done yet, and its next round is a call of its own. */
  | { readonly kind: 'input_required'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }
  /** The work goes on as a task, and `end` tells how that ended. */
  | { readonly kind: 'task'; readonly result: JsonObject; readonly end: Promise<EndOutcome> }
  /**
   * Nobody waits for the answer any more. What was `started` is charged where the client went away: stopping to listen is
   * no way to free work (T33). Where it is us who stop, it costs nothing.
   */
  | { readonly kind: 'ended'; readonly by: 'cancelled' | 'client_closed' | 'stopped' | 'lost'; readonly started: boolean }

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

/** And the quote at whose price it is made (AX-01), as `estimate_cost` has told it. */
export const QUOTE_META = 'io.github.mcp-credits/quote_id'

/**
 * Meters one call, for every door alike: price it, reserve the most it can cost, run it, then settle what it did cost
 * or give the reservation back. The answer is returned after the settlement is committed. A failed call costs
 * nothing, unless its server reports a fault that its operation says is paid.
 * Every refusal is a result that the model can read; nothing runs then.
 */
export async function meteredCall(context: MeterContext, call: MeteredCall): Promise<MeteredAnswer> {
  try {
    const key = checkedKey(call)
    const quote = textOf(call, QUOTE_META)
    if (await isFreeCall(context.ledger, call, quote)) return await runFree(call)
    const asking = await askingAtClient(questionsOf(context.ledger, context.account, context.actor), { ...call, sent: call.arguments }, async (rounds) => {
      const allowed = { ...call, rounds }
      return { allowed, reserved: await reserve(context, allowed, { key, quote }) }
    })
    if (asking.kind === 'asks') return { kind: 'result', result: asking.result }
    const { allowed, reserved } = asking.value
    if (reserved === null) return await runFree(allowed)
    if (reserved.reservation === null || reserved.replayed) return replayedAnswer(context, allowed, reserved)
    return await runReserved(context, allowed, new HeldCall(context, allowed, reserved.reservation))
  } catch (error) {
    if (error instanceof CreditError) return { kind: 'result', result: refusalResult(error) }
    throw error
  }
}

/** The call's idempotency key, once its tool and key are known to be texts that the ledger keeps as they are. */
function checkedKey(call: MeteredCall): string | null {
  if (!isName(call.tool)) throw new CreditError('invalid_request', `the tool's name: expected ${NAME_EXPECTED}`)
  return textOf(call, IDEMPOTENCY_KEY_META)
}

function textOf({ meta }: MeteredCall, name: string): string | null {
  const text = meta?.[name]
  if (text === undefined) return null
  if (typeof text === 'string' && isName(text)) return text
  throw new CreditError('invalid_request', `_meta["${name}"]: expected ${NAME_EXPECTED}`)
}

const NAME_EXPECTED = `a text of 1 to ${NAME_MAX} characters, without NUL characters and lone surrogates`

/**
 * Whether a call is free by the newest catalog; while the ledger is away by the last one known, so that free calls go on. What
 * that one prices is not looked up anew: its reservation is decided by the newest and finds out. So it is with a quote, which
 * binds whatever the catalog says by then; a call that it does not bind is as free as without it.
 */
async function isFreeCall(ledger: Ledger, call: MeteredCall, quote: string | null): Promise<boolean> {
  if (call.subject === 'free') return true
  if (quote !== null) return false
  if (ledger.knownCatalogs.length > 0 && !isFreeBy(ledger.knownCatalogs, ledger.now(), call)) return false
  return isFreeBy(await ledger.catalogs(), ledger.now(), call)
}

function isFreeBy(versions: readonly CatalogVersion[], at: Instant, { tool, arguments: args, subject }: MeteredCall): boolean {
  if (subject === 'free') return true
  const { catalog } = versionAt(versions, at)
  if (subject === undefined) return priceToolCall(catalog, { tool, args: args ?? {} }).kind === 'free'
  const { operation, variant, quantity } = subject
  const priced = quotePrice(catalog, { operation, variant: variant ?? undefined, quantity: quantity ?? undefined, args: subject.args ?? undefined })
  return priced.kind === 'priced' && isFree(priced)
}

async function runFree(call: MeteredCall): Promise<MeteredAnswer> {
  const outcome = await call.run(call.arguments, call.rounds)
  return outcome.kind === 'task' ? { ...outcome, end: outcome.end.then(plainAnswer) } : plainAnswer(outcome)
}

/** What a client says of its call beside its arguments. */
interface Named {
  readonly key: string | null
  readonly quote: string | null
}

/** Sets aside what the call may cost at most; null where it is free by a newer catalog than it was priced by before. */
async function reserve({ ledger, account, actor }: MeterContext, call: MeteredCall, { key, quote }: Named): Promise<Done | null> {
  const args = call.arguments ?? {}
  const command = {
    kind: 'reserve',
    account,
    actor,
    idempotencyKey: null,
    fingerprint: null,
    subject: { kind: 'tool', tool: call.tool, args, ...(typeof call.subject === 'object' ? { as: call.subject } : {}) },
    labels: null,
    ttlMs: METER_TTL_MS,
    overrun: 'cap',
    quote,
    call: key === null ? null : { key, fingerprint: canonicalJson(['tools/call', call.tool, args]) },
    isRound: hasRounds(call.rounds),
  } as const
  try {
    const done = await ledger.update(command)
    return done.transaction === null ? null : done
  } catch (error) {
    // Who may not spend, and is refused for it, may call what is free: the decision has brought the newest catalog along.
    if (error instanceof CreditError && isFreeBy(ledger.knownCatalogs, ledger.now(), call)) return null
    throw error
  }
}

async function runReserved(context: MeterContext, call: MeteredCall, held: HeldCall): Promise<MeteredAnswer> {
  const stopBeating = held.keepAlive()
  /** Nothing may stay reserved where the ledger did not take the settlement, or `run` rejects against its contract. */
  const failed = async (error: unknown): Promise<never> => {
    const charged = await held.fail('platform')
    throw error instanceof CreditError && error.code === 'ledger_unavailable' ? afterItsRun(error, charged) : error
  }
  let isTask = false
  try {
    const outcome = await call.run(call.arguments, call.rounds)
    if (outcome.kind !== 'task') return await answerOf(context, held, outcome)
    isTask = true
    const end = outcome.end.then((last) => answerOf(context, held, last)).catch(failed).finally(stopBeating)
    return { kind: 'task', result: outcome.result, end }
  } catch (error) {
    return await failed(error)
  } finally {
    if (!isTask) stopBeating()
  }
}

/**
 * What a settlement that the ledger did not take says to whoever called: unlike any other write that failed, this one comes
 * after work that was done, and that is done once more by calling again.
 *
 * @param charged what the operation costs although it failed by our fault, where the ledger was back in time to write that
 */
function afterItsRun({ message, details, retryable, cause }: CreditError, charged: Done | null): CreditError {
  const { said, advice } = charged === null ? (details['outcome'] === 'unknown' ? MAYBE_CHARGED : NOT_CHARGED) : CHARGED_ALL_THE_SAME
  return new CreditError('ledger_unavailable', `${said}. ${message}`, { details, advice: [advice], retryable, cause })
}

const NOT_CHARGED = {
  said: 'The tool has run, but its charge could not be written: its result is withheld, and nothing is charged',
  advice: 'Calling again runs the tool again. See first that it may run twice, and that the ledger can be reached.',
}
const MAYBE_CHARGED = {
  said: 'The tool has run, but whether its charge was written is not known: its result is withheld',
  advice: 'See the transactions first. Calling again runs the tool again, unless it was charged and the idempotency key is the same.',
}
const CHARGED_ALL_THE_SAME = {
  said: 'The tool has run, but its charge could not be written in time: its result is withheld, and it is charged, as its operation asks in this case',
  advice: 'Calling again runs the tool again, and is charged again.',
}

/** Ends the call's reservation as its outcome asks, and answers: with the receipt where something was charged. */
async function answerOf(context: MeterContext, held: HeldCall, outcome: Exclude<RunOutcome, { kind: 'task' }>): Promise<MeteredAnswer> {
  const done = await held.end(outcome)
  if (done === null || outcome.kind !== 'result') return plainAnswer(outcome)
  return { kind: 'result', result: withReceipt(outcome.result, receiptOf(done), context.withoutNotes ?? false) }
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
 * the tool has an output schema this has to be an error, with the body of a refusal: clients take any other result without
 * structured content for a broken one, throw, and never see the receipt.
 */
function replayedAnswer(context: MeterContext, call: MeteredCall, done: Done): MeteredAnswer {
  const receipt = receiptOf(done)
  const { charged, transaction } = receipt
  const said = `This call was made and charged before with the same idempotency key (charged: ${charged}, ${transaction}). Its result is not kept`
  const result =
    call.hasOutputSchema === true
      ? refusalResult(new CreditError('idempotency_conflict', said, { details: { charged, transaction }, advice: ['Use a new key to run it again, which is charged again.'] }))
      : { content: [{ type: 'text', text: `${said}; use a new key to run it again.` }] }
  return { kind: 'result', result: withReceipt(result, receipt, context.withoutNotes ?? false) }
}
