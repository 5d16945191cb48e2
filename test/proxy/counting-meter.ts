import type { EndedBy, JsonObject, Meter, MeteredAnswer, TaskEnd, UpstreamAnswer } from '../../src/proxy/ports.js'

export const RECEIPT = 'io.github.mcp-credits/receipt'

export interface CountingMeter {
  readonly meter: Meter
  readonly state: { balance: number; reserved: number }
  /** What each call came to, in the order in which calls ended. */
  readonly outcomes: string[]
  readonly names: string[]
}

/**
 * A meter over a plain counter, which holds the proxy to the port as the real one does: each call reserves its price and
 * ends in exactly one of charged and released. `admit` delays the reservation, and `commit` the answer, until
 * they resolve.
 */
export function countingMeter(options: {
  readonly balance?: number
  readonly prices?: Readonly<Record<string, number>>
  readonly admit?: () => Promise<void>
  readonly commit?: () => Promise<void>
} = {}): CountingMeter {
  const state = { balance: options.balance ?? 1_000, reserved: 0 }
  const outcomes: string[] = []
  const names: string[] = []
  const meter: Meter = async call => {
    names.push(call.tool)
    const price = options.prices === undefined ? 1 : options.prices[call.tool]
    if (price === undefined) return refusal('price_unknown')
    if (state.balance - state.reserved < price) return refusal('out_of_credits')
    state.reserved += price
    if (options.admit) await options.admit()
    const answer = await call.run(call.arguments)
    if (answer.kind === 'task') return { kind: 'task', result: answer.result, end: answer.end.then(end => settle(call.tool, price, end)) }
    if (options.commit) await options.commit()
    return settle(call.tool, price, answer)
  }
  return { meter, state, outcomes, names }

  function settle(tool: string, price: number, answer: Exclude<UpstreamAnswer, { kind: 'task' }> | TaskEnd): MeteredAnswer {
    const isCharged = answer.kind === 'result' ? answer.result['isError'] !== true : isLeft(answer)
    state.reserved -= price
    if (isCharged) state.balance -= price
    outcomes.push(`${tool} ${isCharged ? 'charged' : 'released'} ${answer.kind === 'ended' ? ended(answer.by) : answer.kind}`)
    if (answer.kind === 'error') return { kind: 'error', error: answer.error }
    if (answer.kind === 'ended') return { kind: 'none' }
    if (!isCharged) return { kind: 'result', result: answer.result }
    return { kind: 'result', result: { ...answer.result, _meta: { ...(answer.result['_meta'] as JsonObject), [RECEIPT]: { charged: price } } } }
  }
}

/** Started, and left alone by its client: it is charged. One that we stop ourselves is not. */
function isLeft(answer: Exclude<UpstreamAnswer, { kind: 'task' }>): boolean {
  return answer.kind === 'ended' && answer.started && answer.by !== 'stopped'
}

function ended(by: EndedBy): string {
  return `ended: ${by}`
}

function refusal(code: string): MeteredAnswer {
  return { kind: 'result', result: { content: [{ type: 'text', text: code }], isError: true } }
}
