import type { CreditError, ErrorCode } from './errors.js'
import { toWire } from './wire.js'

/** What every door says when it refuses: one body, whatever carries it. */
export interface RefusalBody {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly retryable: boolean
    readonly details: Readonly<Record<string, unknown>>
    readonly advice: readonly string[]
    readonly affordable: { readonly units: number } | null
    readonly cheaper: readonly { readonly change: string; readonly minimum: number; readonly maximum: number; readonly saves: number }[]
    readonly top_up_url: string | null
    readonly approval: Readonly<Record<string, unknown>> | null
  }
}

/** The member of an MCP result's `_meta` that carries the body. */
export const REFUSAL_META = 'io.github.mcp-credits/refusal'

/** The body of a refusal, its names in snake case, all members always there. */
export function refusalBody(error: CreditError): RefusalBody {
  const { code, message, retryable, details, advice, affordable, cheaper, topUpUrl, approval } = error
  const facts = { code, message, retryable, details, advice, affordable, cheaper, topUpUrl, approval }
  return { error: toWire(facts) as RefusalBody['error'] }
}

/** A refusal as an MCP tool result: no structured content, which clients would check against the tool's output schema. */
export function refusalResult(error: CreditError): RefusalResult {
  const body = refusalBody(error)
  return { content: [{ type: 'text', text: JSON.stringify(body) }], isError: true, _meta: { [REFUSAL_META]: body } }
}

export type RefusalResult = {
  content: [{ type: 'text'; text: string }]
  isError: true
  _meta: { [REFUSAL_META]: RefusalBody }
}
