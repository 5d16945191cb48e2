import {
  type Answer, type ClientRequest, eraOf, INTERNAL_ERROR, invalidParams, isObject, metaOf, requestText
} from '../json/json-rpc.js'
import type { Ending } from './pending-requests.js'
import type { Era, JsonObject, JsonRpcError, Meter, MeteredAnswer, UpstreamAnswer } from './ports.js'
import { type Reply, replyWith } from './reply.js'
import { ofEra } from './rewrite.js'
import type { TaskBook } from './task-book.js'
import { describeError, type Wires } from './wires.js'

export interface ToolCall {
  readonly request: ClientRequest
  readonly name: string
  readonly arguments: JsonObject | undefined
}

/** Reads a `tools/call`, or says what is wrong with its params. */
export function readToolCall(request: ClientRequest): ToolCall | JsonRpcError {
  const name = request.params?.['name']
  const args = request.params?.['arguments']
  if (typeof name !== 'string') return invalidParams('"name" must be a string')
  if (args !== undefined && !isObject(args)) return invalidParams('"arguments" must be an object')
  return { request, name, arguments: args }
}

export const UPSTREAM_ENDED: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server ended before it answered' }

const NOT_METERED: JsonRpcError = {
  code: INTERNAL_ERROR,
  message: 'The call could not be metered. What it may have cost stands in the transactions.'
}

/**
 * One metered call: hands it to the meter, forwards it when the meter says so, and answers with what the meter made of
 * the outcome. It stays in `pending` from here to the answer, so that whatever ends it finds it there.
 */
export async function relayMeteredCall(call: ToolCall, parts: {
  readonly wires: Wires
  readonly tasks: TaskBook
  readonly meter: Meter
  readonly hasOutputSchema: boolean
  readonly reply: Reply
  /** Called when the call was given to the upstream: what the client sends next may follow it. */
  readonly admitted: () => void
}): Promise<void> {
  const { wires, tasks, reply } = parts
  const { request } = call
  const flight = new Flight(call, wires, tasks, parts.admitted)
  wires.pending.add(request.id, flight)
  try {
    const answer = await parts.meter({
      tool: call.name,
      arguments: call.arguments,
      meta: metaOf(request.params),
      hasOutputSchema: parts.hasOutputSchema,
      signal: flight.signal,
      run: args => flight.run(args)
    })
    flight.land(answer)
    sendAnswer(answerTo(answer, eraOf(request.params)))
  } catch (error) {
    wires.report(`metering ${call.name} failed: ${describeError(error)}`)
    flight.land({ kind: 'none' })
    sendAnswer({ error: NOT_METERED })
  }

  function sendAnswer(answer: Answer | undefined): void {
    wires.pending.remove(request.id)
    if (answer === undefined || flight.isUnheard) reply.nothing()
    else void replyWith(reply, request.id, answer)
  }
}

/** The state of one call between the client's request and our answer. */
class Flight {
  readonly #call: ToolCall
  readonly #wires: Wires
  readonly #tasks: TaskBook
  readonly #admitted: () => void
  readonly #controller = new AbortController()
  #resolve: ((answer: UpstreamAnswer) => void) | undefined
  #ending: Ending | undefined
  #isStarted = false
  #task: ReturnType<TaskBook['open']> | undefined

  constructor(call: ToolCall, wires: Wires, tasks: TaskBook, admitted: () => void) {
    this.#call = call
    this.#wires = wires
    this.#tasks = tasks
    this.#admitted = admitted
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whoever cancels expects no answer, and whoever closed the stream reads none. */
  get isUnheard(): boolean {
    return this.#ending !== undefined && this.#ending !== 'upstream_ended'
  }

  isUpstream(): boolean {
    return this.#isStarted
  }

  run(args: JsonObject | undefined): Promise<UpstreamAnswer> {
    if (this.#isStarted) throw new Error('a metered call runs at most once')
    const ending = this.#ending ?? this.#wires.closedBy()
    if (ending !== undefined) return Promise.resolve(this.#endedAnswer(ending))
    this.#isStarted = true
    const { id, params } = this.#call.request
    return new Promise(resolve => {
      this.#resolve = resolve
      const forwarded = { ...params, ...(args === undefined ? {} : { arguments: args }) }
      void this.#wires.toUpstream(requestText(id, 'tools/call', forwarded))
      this.#admitted()
    })
  }

  answered(answer: Answer): undefined {
    this.#settle(this.#classified(answer))
  }

  ended(by: Ending): void {
    // Once the upstream has answered, the work is done and its settlement under way: the answer is owed.
    if (this.#ending !== undefined || (this.#isStarted && this.#resolve === undefined)) return
    this.#ending = by
    if (by !== 'upstream_ended') this.#controller.abort(by)
    this.#settle(this.#endedAnswer(by))
  }

  /** Joins a task to what the meter will make of its outcome. */
  land(answer: MeteredAnswer): void {
    if (this.#task === undefined) return
    const task = this.#task
    if (answer.kind !== 'task') return task.settle({ kind: 'none' })
    this.#wires.track(answer.end.then(task.settle, (error: unknown) => {
      task.settle({ kind: 'error', error: { code: INTERNAL_ERROR, message: 'The task could not be metered' } })
      throw error
    }))
  }

  #settle(answer: UpstreamAnswer): void {
    this.#resolve?.(answer)
    this.#resolve = undefined
  }

  #endedAnswer(by: Ending): UpstreamAnswer {
    if (by === 'upstream_ended') return { kind: 'error', error: UPSTREAM_ENDED }
    return { kind: 'ended', by, started: this.#isStarted }
  }

  #classified(answer: Answer): UpstreamAnswer {
    if ('error' in answer) return { kind: 'error', error: answer.error }
    const { result } = answer
    if (result['resultType'] === 'input_required') return { kind: 'input_required', result }
    const taskId = taskIdOf(result)
    if (taskId === undefined) return { kind: 'result', result }
    this.#task = this.#tasks.open(taskId, by => this.#controller.abort(by))
    return { kind: 'task', result, end: this.#task.end }
  }
}

/** A task's handle: nested in 2025-11-25, flat with a discriminator in 2026-07-28. */
function taskIdOf(result: JsonObject): string | undefined {
  const task = result['resultType'] === 'task' ? result : result['task']
  return isObject(task) && typeof task['taskId'] === 'string' ? task['taskId'] : undefined
}

function answerTo(answer: MeteredAnswer, era: Era): Answer | undefined {
  if (answer.kind === 'none') return undefined
  return answer.kind === 'error' ? { error: answer.error } : { result: ofEra(answer.result, era) }
}
