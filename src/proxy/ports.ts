/*
 * What the proxy asks of the rest, and nothing more. The other side never imports this file: `src/usage/metered-call.ts`,
 * `src/mcp` and the composition root satisfy these shapes structurally, and the composition root (`cli/serve.ts`) hands
 * their values to `runStdioProxy`. The in-process middleware and an HTTP gateway can drive the same `Meter`: all that a
 * door owes it is `run`, which says by its `kind` how the call ended.
 */
import type { Readable, Writable } from 'node:stream'
import type { ClientAnswer, Rounds } from '../json/elicitation.js'
import type { Era, JsonObject, JsonRpcError } from '../json/json-rpc.js'
import type { OpenUpstream } from './upstream-link.js'

export type { Era, JsonObject, JsonRpcError }

/**
 * Runs one priced tool call: price, reserve, `run`, settle or release in `finally`, add the receipt.
 *
 * How to implement it:
 * - It is called once for each `tools/call` of an upstream tool, whatever the name; an unpriced name is the meter's to
 *   refuse, by resolving with a `result` that carries `isError: true`.
 * - `run` is called at most once, after the reservation. It never rejects, and it always resolves: by an answer, by the
 *   upstream's exit (an `error`), or by whatever ended the call from our side (`ended`). So `finally` is always reached.
 * - A promise that rejects is a bug or an unreachable ledger that the meter did not turn into a refusal: the client then
 *   gets a JSON-RPC internal error without its text, and the text goes to the diagnostics.
 * - The answer leaves when the promise resolves, so it has to resolve after the settlement is committed.
 * - `resultType: 'complete'` is added by the door where the era asks for it.
 */
export type Meter = (call: MeteredCall) => Promise<MeteredAnswer>

/**
 * How the person at the client can be asked whether something may be spent. The meter asks in one of the ways that it is
 * given, or not at all.
 */
export interface AskingPerson {
  /** What the request carries of earlier rounds. Given, `run` forwards what it gets of them in their place. */
  readonly rounds?: Rounds
  /** The client takes a result that asks for input, and can show a form. */
  readonly canAskByRound?: boolean
  /** Asks while the call waits. It never rejects, and resolves soon after the call is cancelled. */
  readonly ask?: (question: { readonly message: string }) => Promise<ClientAnswer>
}

export interface MeteredCall extends AskingPerson {
  /** The tool's name exactly as the client sent it. */
  readonly tool: string
  /** The call's arguments as parsed from JSON: an object, or undefined where the client sent none. */
  readonly arguments: JsonObject | undefined
  /** The request's `_meta`: idempotency key, trace context, in the modern era the protocol envelope. */
  readonly meta: JsonObject | undefined
  /** Whether the client was told of an output schema, against which it checks a result that is no error. */
  readonly hasOutputSchema: boolean
  /**
   * Aborts when the call is ended from our side; `signal.reason` is an {@link EndedBy}. It lives as long as the call:
   * a task's signal aborts too when the task is cancelled. An abort before `run` means that nothing was started.
   */
  readonly signal: AbortSignal
  /** Forwards the call with these arguments (as a rule `call.arguments` itself) and resolves with how it ended. */
  readonly run: (args: JsonObject | undefined, rounds?: Rounds) => Promise<UpstreamAnswer>
}

/**
 * `cancelled`: by the client, or a task of which the upstream no longer tells the outcome; `client_closed`: the client's
 * stream ended; `stopped`: this process was told to end.
 */
export type EndedBy = 'cancelled' | 'client_closed' | 'stopped'

export type UpstreamAnswer =
  /** The final result, with or without `isError`. */
  | { readonly kind: 'result'; readonly result: JsonObject }
  /** A modern multi-round result: nothing was done yet, the client's retry is a new call. Release. */
  | { readonly kind: 'input_required'; readonly result: JsonObject }
  /** A JSON-RPC error of the upstream, or ours when it exited before it answered. */
  | { readonly kind: 'error'; readonly error: JsonRpcError }
  /** The work goes on as a task, and its reservation with it until `end` resolves (it never rejects) with the outcome. */
  | { readonly kind: 'task'; readonly result: JsonObject; readonly end: Promise<TaskEnd> }
  /** No answer will be read. `started` tells whether the upstream was given the call: after that, charge by policy. */
  | { readonly kind: 'ended'; readonly by: EndedBy; readonly started: boolean }

/** How a task ended: as the call itself would have, had it not been a task. */
export type TaskEnd = Extract<UpstreamAnswer, { kind: 'result' | 'error' | 'ended' }>

export type MeteredAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: JsonRpcError }
  /**
   * For an upstream answer of kind `task`: what to answer now, and a promise for what the task's outcome became once it
   * was settled (with the receipt). The proxy holds back the outcome until it resolves, and waits for it before it exits.
   */
  | { readonly kind: 'task'; readonly result: JsonObject; readonly end: Promise<MeteredAnswer> }
  /** For an upstream answer of kind `ended`: nobody waits for an answer. */
  | { readonly kind: 'none' }

/** A tool as it stands in `tools/list`. */
export type ToolDescription = JsonObject & { readonly name: string }

/** How prices show in the list of upstream tools. */
export interface Prices {
  /** Adds `_meta["io.github.mcp-credits/price"]` and the last sentence of the description. Pure, quick, called per tool. */
  readonly decorate: (tool: ToolDescription) => ToolDescription
  /** For how long from now the prices in a list may be kept: until the next price change at the latest. */
  readonly validForMs: () => number
  /** Resolves, and never rejects, once the prices are those in force: each list waits for them, and nothing else does. */
  readonly ready?: () => Promise<void>
  /** Calls `changed` when a list that was read shows other prices now, until what it returns is called. Left out: clients are not told. */
  readonly onChange?: (changed: () => void) => () => void
}

/** What our own tools and resources learn of the request that asks for them. */
export interface OwnRequest {
  readonly era: Era
  readonly meta: JsonObject | undefined
  readonly signal: AbortSignal
  /** How the person at the client can be asked. */
  readonly person: AskingPerson
}

/** Our own tools and resources, offered beside the upstream's. They are never metered. */
export interface OwnServer {
  /** In the order in which they are listed, each with the name that `call` knows it by. */
  readonly tools: (era: Era) => readonly ToolDescription[]
  /**
   * The result object of `tools/call`, refusals and invalid arguments included (`isError`). `name` is the tool's own name,
   * also when the client saw it with a prefix. A rejection becomes a JSON-RPC internal error.
   */
  readonly call: (name: string, args: JsonObject | undefined, request: OwnRequest) => Promise<JsonObject>
  /** Resources under `credits:`; that scheme is ours, an upstream's resources of that scheme are out of reach. */
  readonly resources?: OwnResources
}

export interface OwnResources {
  readonly list: (era: Era) => readonly JsonObject[]
  readonly templates: (era: Era) => readonly JsonObject[]
  /** The result object of `resources/read` (with `ttlMs` and `cacheScope` in the modern era), or the JSON-RPC error. */
  readonly read: (
    uri: string,
    request: OwnRequest
  ) => Promise<{ readonly result: JsonObject } | { readonly error: JsonRpcError }>
  /**
   * Calls `changed` each time the resource reads differently, until `stop`; changes from `ready` on are sure to be noticed.
   * Left out: there are no subscriptions.
   */
  readonly watch?: (
    uri: string,
    era: Era,
    changed: () => void
  ) => { readonly ready: Promise<void>; readonly stop: () => void } | { readonly error: JsonRpcError }
}

export interface ProxyOptions {
  readonly upstream: OpenUpstream
  readonly input: Readable
  readonly output: Writable
  /** Our messages for people. Never protocol. */
  readonly diagnostics: Writable
  /** Aborted by the composition root on SIGTERM and SIGINT: nothing more is read, and what is in flight is answered. */
  readonly stop?: AbortSignal
  readonly meter: Meter
  readonly own: OwnServer
  readonly prices: Prices
  /** Appended to the upstream's instructions. */
  readonly instructions?: string
  /** A random id, for the requests of our own: no client can guess one and so answer or cancel it. */
  readonly newId: () => string
  readonly limits?: Partial<ProxyLimits>
}

/** Why the proxy ended, and the process's exit code: 0 for an end that the client or a signal asked for. */
export interface ProxyExit {
  readonly code: number
  readonly reason: 'client_closed' | 'stopped' | 'upstream_ended' | 'upstream_not_started'
}

export interface ProxyLimits {
  /** The longest line read from the client, in bytes. A longer one is refused and skipped. */
  readonly clientLineBytesMax: number
  /** The longest line read from the upstream. An answer that cannot be read cannot be settled: the upstream is ended. */
  readonly upstreamLineBytesMax: number
  /** Requests of the client that wait for an answer. More are refused: a pause could block what those wait for. */
  readonly requestsInFlightMax: number
  /** Calls that go on as tasks and whose outcome is not known yet. One more is refused before it is forwarded. */
  readonly tasksOpenMax: number
  readonly batchMembersMax: number
  /** Pages of an upstream's tool list that we read ourselves to learn its names. */
  readonly listPagesMax: number
  /** For the person at the client to answer a question of ours, while the call waits. */
  readonly personGraceMs: number
  /** For the upstream to tell a task's state to us, before the client's own request about it is answered by its error. */
  readonly taskStateGraceMs: number
  /** After the client has closed or a signal has come, for tool calls in flight to be answered. */
  readonly answerGraceMs: number
  /** After its input was closed and nothing is owed, until the upstream is asked to end (SIGTERM). */
  readonly closeGraceMs: number
  /** After SIGTERM, until SIGKILL. */
  readonly terminateGraceMs: number
  /** For the meter to settle what was in flight, once the upstream is gone. */
  readonly settleGraceMs: number
}

export const DEFAULT_LIMITS: ProxyLimits = {
  // A tool argument with a file of 20 MB in base64 passes; memory per client stays bounded.
  clientLineBytesMax: 32 * 1024 * 1024,
  // Below the longest string that V8 can hold (about 512 MB), with room for the copy that is parsed.
  upstreamLineBytesMax: 256 * 1024 * 1024,
  requestsInFlightMax: 10_000,
  // Each has credits reserved and prolongs that reservation by a write every twenty seconds.
  tasksOpenMax: 1_000,
  batchMembersMax: 1_000,
  listPagesMax: 100,
  // People read before they spend; a client that gives up earlier cancels its call, and the question with it.
  personGraceMs: 10 * 60_000,
  // An upstream that tells states tells them at once; one that does not may not keep a client from its answer.
  taskStateGraceMs: 1_000,
  // Work that was paid for is worth a wait, and a client that is in a hurry signals us, which ends it.
  answerGraceMs: 10_000,
  // Clients signal a server two seconds or so after they closed; the upstream's share has to fit in.
  closeGraceMs: 1_000,
  terminateGraceMs: 1_000,
  settleGraceMs: 5_000
}
