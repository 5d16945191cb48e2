import { answerText, type Answer, type RequestId } from '../json/json-rpc.js'
import { BatchAnswers } from '../json/batch-answers.js'

/**
 * Where the answer to one message of the client goes. Exactly one of the two is called, once: `answer` with a complete
 * JSON-RPC message, or `nothing` where the client expects none (a notification, a request that it cancelled).
 */
export interface Reply {
  readonly answer: (message: string | Buffer) => Promise<void> | undefined
  readonly nothing: () => void
}

/** Takes what goes to the client by itself. Its promise is the client's backpressure. */
export interface ClientLines {
  readonly write: (line: string | Buffer) => Promise<void> | undefined
  /** A promise for when the client takes more; undefined where it does already. */
  readonly congestion?: () => Promise<void> | undefined
}

/** For what nobody waits for an answer to. */
export const SILENT: Reply = { answer: () => undefined, nothing: () => undefined }

export function lineReply(client: ClientLines): Reply {
  return { answer: message => client.write(message), nothing: () => undefined }
}

/** One reply for each of `count` members. When the last is in, their answers leave as one array, if there are any. */
export function batchReplies(count: number, whole: Reply): readonly Reply[] {
  const answers = new BatchAnswers(count)
  const add = (answer: string | null): Promise<void> | undefined => {
    const line = answers.add(answer)
    if (line !== undefined) return whole.answer(line)
    if (answers.isComplete) whole.nothing()
    return undefined
  }
  return Array.from({ length: count }, () => ({
    answer: message => add(message.toString()),
    nothing: () => void add(null)
  }))
}

export function replyWith(reply: Reply, id: RequestId | null, answer: Answer): Promise<void> | undefined {
  return reply.answer(answerText(id, answer))
}
