import { type Answer, INTERNAL_ERROR, isObject } from '../json/json-rpc.js'
import type { EndedBy, JsonObject, JsonRpcError, MeteredAnswer, TaskEnd } from './ports.js'
import type { Wires } from './wires.js'

/** A metered call that goes on as a task: its reservation lives until the task's outcome is known. */
export interface OpenTask {
  /** Resolves with the outcome. The first one counts. */
  readonly end: Promise<TaskEnd>
  readonly finish: (end: TaskEnd) => void
  readonly cancel: (by: EndedBy) => void
  /** What the meter made of the outcome, once it was settled. */
  readonly settled: Promise<MeteredAnswer>
  readonly settle: (answer: MeteredAnswer) => void
}

export class TaskBook {
  readonly #wires: Wires
  readonly #open = new Map<string, OpenTask>()

  constructor(wires: Wires) {
    this.#wires = wires
  }

  /** `abort` aborts the call's signal, with the reason, when the task is cancelled from our side. */
  open(taskId: string, abort: (by: EndedBy) => void): OpenTask {
    this.#open.get(taskId)?.finish({ kind: 'error', error: ID_REUSED })
    const end = deferred<TaskEnd>()
    const settled = deferred<MeteredAnswer>()
    const finish = (outcome: TaskEnd): void => {
      if (this.#open.get(taskId) === task) this.#open.delete(taskId)
      end.resolve(outcome)
    }
    const task: OpenTask = {
      end: end.promise,
      finish,
      cancel: by => {
        abort(by)
        finish({ kind: 'ended', by, started: true })
      },
      settled: settled.promise,
      settle: settled.resolve
    }
    this.#open.set(taskId, task)
    return task
  }

  find(taskId: unknown): OpenTask | undefined {
    return typeof taskId === 'string' ? this.#open.get(taskId) : undefined
  }

  endAll(by: EndedBy | 'upstream_ended', error: JsonRpcError): void {
    for (const task of [...this.#open.values()]) {
      if (by === 'upstream_ended') task.finish({ kind: 'error', error })
      else task.cancel(by)
    }
  }

  /** The answer to the client's `tasks/result`, with the receipt: it waits for the settlement. */
  async result(task: OpenTask, answer: Answer): Promise<Answer> {
    task.finish(endOf(answer))
    return answerOf(await task.settled) ?? answer
  }

  /**
   * A task's state as `tasks/get` or a notification shows it. A terminal state ends the call: with the outcome inside it
   * (2026-07-28), or with the one that `tasks/result` tells (2025-11-25), which we ask for, because the client may not.
   * Returns the state to show, in which an outcome carries its receipt.
   */
  async state(task: OpenTask, taskId: string, state: JsonObject): Promise<JsonObject> {
    const { status, result, error } = state
    if (status === 'cancelled') task.cancel('cancelled')
    else if (status === 'completed' && isObject(result)) task.finish({ kind: 'result', result })
    else if (status === 'failed' && isObject(error)) task.finish(endOf({ error: error as JsonObject & JsonRpcError }))
    else if (status === 'completed' || status === 'failed') {
      task.finish(endOf(await this.#wires.askUpstream('tasks/result', { taskId })))
    } else return state
    const answer = answerOf(await task.settled)
    if (answer === undefined) return state
    if (isObject(result) && 'result' in answer) return { ...state, result: answer.result }
    return state
  }
}

const ID_REUSED: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server gave its id to another task' }

function endOf(answer: Answer): TaskEnd {
  return 'result' in answer ? { kind: 'result', result: answer.result } : { kind: 'error', error: answer.error }
}

function answerOf(answer: MeteredAnswer): Answer | undefined {
  if (answer.kind === 'result') return { result: answer.result }
  return answer.kind === 'error' ? { error: answer.error } : undefined
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
