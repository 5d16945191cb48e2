import { type Answer, type ClientRequest, eraOf, INTERNAL_ERROR, metaOf } from '../json/json-rpc.js'
import type { PendingRequest } from './pending-requests.js'
import type { OwnRequest } from './ports.js'
import { type Reply, replyWith } from './reply.js'
import { ofEra } from './rewrite.js'
import { describeError, type Wires } from './wires.js'

/** The scheme of our resources. */
export function isOwnUri(uri: unknown): uri is string {
  return typeof uri === 'string' && uri.startsWith('credits:')
}

export type OwnWork = (asked: OwnRequest) => Promise<Answer>

/** Answers a request ourselves. The upstream never hears of it; a cancellation aborts its signal and drops its answer. */
export async function answerOurselves(request: ClientRequest, parts: {
  readonly wires: Wires
  readonly reply: Reply
  readonly work: OwnWork
}): Promise<void> {
  const { wires, reply } = parts
  const controller = new AbortController()
  const era = eraOf(request.params)
  const pending: PendingRequest = {
    answered: () => undefined,
    ended: by => {
      // An upstream that is gone stops none of our own work.
      if (by !== 'upstream_ended') controller.abort(by)
    },
    isUpstream: () => false
  }
  wires.pending.add(request.id, pending)
  const { signal } = controller
  const asked: OwnRequest = { era, meta: metaOf(request.params), signal, person: wires.person.reach(request.params, signal) }
  const answer = await parts.work(asked).catch((error: unknown): Answer => {
    wires.report(`${request.method} failed: ${describeError(error)}`)
    return { error: { code: INTERNAL_ERROR, message: 'Internal error' } }
  })
  wires.pending.remove(request.id)
  if (controller.signal.aborted) reply.nothing()
  else await replyWith(reply, request.id, 'result' in answer ? { result: ofEra(answer.result, era) } : answer)
}
