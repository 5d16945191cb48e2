/**
 * What the relay's owner needs of an upstream MCP server, whatever it is behind: a child process, an address, or several
 * of either. Messages are lines of JSON-RPC without their end, in both directions.
 */
export interface UpstreamLink {
  /** Resolves once, when the upstream is gone and every line that it sent has been taken. Never rejects. */
  readonly exit: Promise<UpstreamExit>
  /** Undefined while the upstream takes more; otherwise a promise for when it does again, or is gone. Never rejects. */
  readonly write: (line: string | Buffer) => Promise<void> | undefined
  /** A promise for when the upstream takes more; undefined where it does already, or is gone. */
  readonly congestion: () => Promise<void> | undefined
  /** Tells the upstream that nothing more will come. What it was given it may still answer. */
  readonly closeInput: () => void
  /** Closes the input and makes sure that the upstream ends, with some time to finish what it is at. */
  readonly close: () => Promise<void>
  /** Ends the upstream without waiting for it to finish. */
  readonly terminate: () => Promise<void>
}

export type UpstreamExit =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  /** `reason` is for people and names what could not be started: `cannot start npx: spawn npx ENOENT`. */
  | { readonly kind: 'not_started'; readonly reason: string }

/**
 * Opens an upstream; each call opens another. `onLine` takes its lines, one at a time: a promise that it returns is awaited
 * before the next, which is how a slow client slows its upstream. It is not called before this returns.
 *
 * @throws Error where it can be told at once that nothing starts, with a message like that of `not_started`
 */
export type OpenUpstream = (onLine: TakeLine) => UpstreamLink

export type TakeLine = (line: Buffer) => Promise<void> | undefined
