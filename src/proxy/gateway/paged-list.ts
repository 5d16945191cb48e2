import type { JsonObject } from '../../json/json-rpc.js'
import type { GatewayLimits, Timers } from './gateway-ports.js'
import type { SupervisedServer } from './supervised-server.js'

export interface ListRequest {
  readonly method: string
  /** The member of a page in which its entries stand. */
  readonly member: string
  /** What each page's request carries beside its cursor. */
  readonly params: JsonObject
}

export interface PagedList {
  /** Of all pages that were read. */
  readonly entries: readonly unknown[]
  /** The result of the first page without the entries. */
  readonly frame: JsonObject
  /** What the server did where the last page was not reached; undefined where it was. */
  readonly fault: string | undefined
  /** Whether there is more of it than is read. */
  readonly isCut: boolean
}

/** Reads a list of one server. All of its pages together may take as long as one answer: somebody waits for them. */
export async function readPages(server: SupervisedServer, request: ListRequest, { limits, timers }: {
  readonly limits: GatewayLimits
  readonly timers: Timers
}): Promise<PagedList> {
  const { method, member, params } = request
  const until = timers.now() + limits.askMs
  const entries: unknown[] = []
  let frame: JsonObject = {}
  let cursor: unknown
  let length = 0
  for (let page = 0; page < limits.listPagesMax && entries.length < limits.listEntriesMax && length <= limits.listLengthMax; page += 1) {
    const leftMs = until - timers.now()
    const asked = { ...params, ...(cursor === undefined ? {} : { cursor }) }
    const answer = leftMs > 0 ? await server.ask(method, asked, leftMs) : undefined
    if (answer === undefined) return { entries, frame, fault: 'did not answer', isCut: false }
    if ('error' in answer) return { entries, frame, fault: `answered: ${answer.error.message}`, isCut: false }
    const { [member]: listed, nextCursor, ...rest } = answer.result
    if (page === 0) frame = rest
    if (Array.isArray(listed)) {
      for (const entry of listed as readonly unknown[]) entries.push(entry)
      length += JSON.stringify(listed).length
    }
    if (typeof nextCursor !== 'string') return { entries, frame, fault: undefined, isCut: false }
    cursor = nextCursor
  }
  return { entries: entries.slice(0, limits.listEntriesMax), frame, fault: undefined, isCut: true }
}
