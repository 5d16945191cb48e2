import {
  type Answer, type ClientRequest, envelopeOf, eraOf, INTERNAL_ERROR, invalidParams, isObject, metaOf, requestText
} from '../json/json-rpc.js'
import { type Rounds, withRounds } from '../json/elicitation.js'
import { metaFault } from '../json/meta-fault.js'
import type { Ending } from './pending-requests.js'
import type { Era, JsonObject, JsonRpcError, Meter, MeteredAnswer, UpstreamAnswer } from './ports.js'
import { type Reply, replyWith } from './reply.js'
import { ofEra } from './rewrite.js'
import type { OpenTask, TaskBook, TaskPlace } from './task-book.js'
import { mayBecomeTask, taskIdOf } from '../json/task-messages.js'
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
  const fault = metaFault(request.params)
  if (fault !== undefined) return fault
  return { request, name, arguments: args }
}

export const UPSTREAM_ENDED: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server ended before it answered' }
/** Why not is for whoever runs us: it may name what stands on this machine. */
export const UPSTREAM_NOT_STARTED: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server could not be started or reached' }

const NOT_METERED: JsonRpcError = {
  code: INTERNAL_ERROR,
  message: 'The call could not be metered. What it may have cost stands in the transactions.'
}

/** The answer to a call that we were told to end before it was done: it cost nothing, and another process may run it. */
const STOPPED: JsonRpcError = { code: INTERNAL_ERROR, message: 'The server was told to end before the call was done' }

function tooManyTasks(max: number): JsonRpcError {
  const way = 'Read the outcome of one (tasks/get, tasks/result) or cancel one (tasks/cancel), then call again'
  return { code: INTERNAL_ERROR, message: `Too many tasks are open (${max}). ${way}` }
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
  const isTaskAsked = mayBecomeTask(request.params)
  const place = isTaskAsked ? tasks.takePlace() : undefined
  if (isTaskAsked && place === undefined) {
    wires.pending.remove(request.id)
    void replyWith(reply, request.id, { error: tooManyTasks(wires.limits.tasksOpenMax) })
    return
  }
  const flight = new Flight({ call, wires, tasks, place, admitted: parts.admitted })
  wires.pending.add(request.id, flight)
  try {
    const answer = await parts.meter({
      tool: call.name,
      arguments: call.arguments,
      meta: metaOf(request.params),
      hasOutputSchema: parts.hasOutputSchema,
      signal: flight.signal,
      ...wires.person.reach(request.params, flight.signal),
      run: (args, rounds) => flight.run(args, rounds)
    })
    flight.land(answer)
    sendAnswer(flight.isStopped ? { error: STOPPED } : answerTo(answer, eraOf(request.params)))
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
  readonly #place: TaskPlace | undefined
  readonly #admitted: () => void
  readonly #controller = new AbortController()
  #resolve: ((answer: UpstreamAnswer) => void) | undefined
  #ending: Ending | undefined
  #isStarted = false
  #task: OpenTask | undefined

  constructor({ call, wires, tasks, place, admitted }: {
    readonly call: ToolCall
    readonly wires: Wires
    readonly tasks: TaskBook
    /** Where the client asked for a task. */
    readonly place: TaskPlace | undefined
    readonly admitted: () => void
  }) {
    this.#call = call
    this.#wires = wires
    this.#tasks = tasks
    this.#place = place
    this.#admitted = admitted
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whoever cancels expects no answer, and whoever closed the stream reads none. */
  get isUnheard(): boolean {
    return this.#ending === 'cancelled' || this.#ending === 'client_closed'
  }

  get isStopped(): boolean {
    return this.#ending === 'stopped'
  }

  isUpstream(): boolean {
    return this.#isStarted
  }

  run(args: JsonObject | undefined, rounds?: Rounds): Promise<UpstreamAnswer> {
    if (this.#isStarted) throw new Error('a metered call runs at most once')
    const ending = this.#ending ?? this.#wires.closedBy()
    if (ending !== undefined) return Promise.resolve(this.#endedAnswer(ending))
    this.#isStarted = true
    const { id, params } = this.#call.request
    return new Promise(resolve => {
      this.#resolve = resolve
      const others = rounds === undefined ? params : withRounds(params, rounds)
      const forwarded = { ...others, ...(args === undefined ? {} : { arguments: args }) }
      void this.#wires.toUpstream(requestText(id, 'tools/call', forwarded))
      this.#admitted()
    })
  }

  answered(answer: Answer): undefined {
    // A second answer under the same id says nothing.
    if (this.#resolve !== undefined) this.#settle(this.#classified(answer))
  }

  ended(by: Ending): void {
    // Once the upstream has answered, the work is done and its settlement under way: the answer is owed.
    if (this.#ending !== undefined || (this.#isStarted && this.#resolve === undefined)) return
    this.#ending = by
    if (by !== 'upstream_ended') this.#controller.abort(by)
    this.#settle(this.#endedAnswer(by))
  }

  /** Joins a task, if there is one, to what the meter will make of its outcome. */
  land(answer: MeteredAnswer): void {
    if (this.#task === undefined) return this.#place?.leave()
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
    if (by === 'upstream_ended') return { kind: 'error', error: this.#wires.goneError() }
    return { kind: 'ended', by, started: this.#isStarted }
  }

  #classified(answer: Answer): UpstreamAnswer {
    if ('error' in answer) return { kind: 'error', error: answer.error }
    const { result } = answer
    if (result['resultType'] === 'input_required') return { kind: 'input_required', result }
    const id = taskIdOf(result)
    if (id === undefined) return { kind: 'result', result }
    const place = this.#place ?? this.#tasks.takePlace()
    // Nobody asked for this task and it cannot be followed: what may come of it is charged now.
    if (place === undefined) return { kind: 'result', result }
    const { params } = this.#call.request
    this.#task = this.#tasks.open({ id, envelope: envelopeOf(params), place, abort: by => this.#controller.abort(by) })
    return { kind: 'task', result, end: this.#task.end }
  }
}

function answerTo(answer: MeteredAnswer, era: Era): Answer | undefined {
  if (answer.kind === 'none') return undefined
  return answer.kind === 'error' ? { error: answer.error } : { result: ofEra(answer.result, era) }
}
