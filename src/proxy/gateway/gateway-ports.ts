import type { OpenUpstream } from '../upstream-link.js'

/** Time and chance, as the composition root hands them in. */
export interface Timers {
  readonly now: () => number
  /** Calls `work` once after so long, unless what it returns is called before. */
  readonly after: (ms: number, work: () => void) => () => void
  /** A whole number from 1 to `max`. */
  readonly jitterMs: (max: number) => number
}

/** Who stands in for several servers where one is named. */
export type Identity = { readonly name: string; readonly version: string }

/** One of the servers behind the gateway. */
export interface GatewayServer {
  /** What people call it; it stands before its tools' names where they clash. Unique. */
  readonly name: string
  readonly open: OpenUpstream
}

export interface GatewayOptions {
  /** In the order in which what they offer is listed. */
  readonly servers: readonly GatewayServer[]
  /** Who answers where several servers are spoken of as one. */
  readonly identity: Identity
  readonly timers: Timers
  /** A random id, for requests of our own: no client can guess one, and so none can use one first. */
  readonly newId: () => string
  /** One line for the person who reads the diagnostics. */
  readonly report: (text: string) => void
  readonly limits?: Partial<GatewayLimits>
}

export interface GatewayLimits {
  /** For all servers to be ready when a client opens. Whoever is later joins then. */
  readonly openMs: number
  /** For a server to say whether it speaks the modern era. Old ones may say nothing at all. */
  readonly probeMs: number
  /** For a server to answer once it was started, until it is started anew. */
  readonly startMs: number
  /** For a server to tell a list, or to do what all servers are asked to. */
  readonly askMs: number
  /** After it was ready for so long, a server that ends was no failing one. */
  readonly stableMs: number
  readonly listPagesMax: number
  /** Of one list of one server. */
  readonly listEntriesMax: number
  /** Characters of one list of one server: no further page is asked for beyond them. */
  readonly listLengthMax: number
  /** What waits for a server that does not read. One more message is refused, so that the others go on. */
  readonly queuedBytesMax: number
  /** Of one server's tasks, and of the client's subscriptions and tasks, what is remembered. */
  readonly rememberedMax: number
  /** Questions of one server that wait for the client. */
  readonly questionsMax: number
  /** Of what servers say about a subscription before the client was told that it has it. */
  readonly heldMax: number
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  // Clients give up on a server that does not answer after thirty seconds or a minute.
  openMs: 20_000,
  probeMs: 5_000,
  // `npx` may have to download it first.
  startMs: 120_000,
  askMs: 30_000,
  stableMs: 60_000,
  listPagesMax: 100,
  listEntriesMax: 10_000,
  listLengthMax: 32 * 1024 * 1024,
  queuedBytesMax: 64 * 1024 * 1024,
  rememberedMax: 10_000,
  questionsMax: 1_000,
  heldMax: 1_000
}

/** Members of `_meta`. */
export const SERVER_INFO = 'io.modelcontextprotocol/serverInfo'
/** Whose fault a failure was, which decides what a failed call costs. */
export const FAULT = 'io.github.mcp-credits/fault'
export const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'
