/*
 * What the HTTP door asks of the rest. The MCP server, the relay in front of upstream servers and the composition root
 * satisfy these shapes structurally; neither side imports the other.
 */
import type { Credits } from '../credits.js'

/** Who stands behind a request, once its credential was looked at. */
export interface Caller {
  /** The ledger as this caller may use it. */
  readonly credits: Credits
  /** What requests are counted by and sessions are bound to: the key's id, or `local` where no key is asked for. */
  readonly id: string
  readonly account: string
  readonly scopes: readonly string[]
}

/** Serves the protocol at `/mcp`. Its requests were let in: authenticated, of an allowed host and origin, within the limits. */
export interface McpDoor {
  fetch(request: Request, caller: Caller): Promise<Response>
  /** Takes no new work, answers what is under way, and resolves once nothing is owed. */
  close(): Promise<void>
}
