/*
 * What the HTTP door asks of the rest. The MCP server, the relay in front of upstream servers and the composition root
 * satisfy these shapes structurally; neither side imports the other.
 */
import type { Credits } from '../credits.js'
import type { ErrorCode } from '../errors.js'

/** Who stands behind a request, once its credential was looked at. */
export interface Caller {
  /** The ledger as this caller may use it. */
  readonly credits: Credits
  /** What requests are counted by and sessions are bound to: the key's id, or `local` where no key is asked for. */
  readonly id: string
  readonly account: string
  readonly scopes: readonly string[]
  /** Tells one credential from every other without being it: what is shared by all requests with it goes by this. */
  readonly credential: string
  /**
   * Looks at the credential again, for whatever outlives its request: a stream of news ends with the key.
   *
   * @throws CreditError `unauthenticated` once it holds no more, `ledger_unavailable`
   */
  readonly again: () => Promise<Caller>
}

/**
 * What a door tells of a request beside its response, for logs and figures. Only names of ours: nothing that a client
 * made up may get into a log by it.
 */
export interface Telling {
  /** The route as the door has it, `/v1/transactions/{id}`; the server's own pattern unless told. */
  readonly route: (pattern: string) => void
  /** A call of a tool that is there, and how it ended: the code of its refusal, `error` for any other failure. */
  readonly call: (tool: string, outcome: 'ok' | 'error' | ErrorCode) => void
}

/** Serves the protocol at `/mcp`. Its requests were let in: authenticated, of an allowed host and origin, within the limits. */
export interface McpDoor {
  fetch(request: Request, caller: Caller, tell: Telling): Promise<Response>
  /**
   * Takes no new work, ends streams of news, answers what is under way, and resolves once nothing is owed. Told again, it
   * waits for nobody: what is under way ends now, and what was set aside for it is settled.
   */
  close(): Promise<void>
}

/** Serves everything below `/v1` but its description. Its requests were let in as a door's are; a rejection is a bug. */
export type RestHandler = (request: Request, caller: Caller, tell: Telling) => Promise<Response>
