import { type Answer, INTERNAL_ERROR, INVALID_PARAMS, isObject } from '../json/json-rpc.js'
import type { EndedBy, JsonObject, JsonRpcError, MeteredAnswer, TaskEnd } from './ports.js'
import type { Wires } from './wires.js'

/** A metered call that goes on as a task: its reservation lives until the task's outcome is known. */
export interface OpenTask {
  readonly id: string
  /** What a request about the task carries beside its id: the envelope of the call that made it. */
  readonly envelope: JsonObject
  /** Resolves with the outcome. The first one counts. */
  readonly end: Promise<TaskEnd>
  readonly finish: (end: TaskEnd) => void
  readonly cancel: (by: EndedBy) => void
  /** What the meter made of the outcome, once it was settled. */
  readonly settled: Promise<MeteredAnswer>
  readonly settle: (answer: MeteredAnswer) => void
}

/** Room for one task in the book, from before its call is forwarded until the task has ended or there was none. */
export interface TaskPlace {
  readonly leave: () => void
}

export class TaskBook {
  readonly #wires: Wires
  readonly #open = new Map<string, OpenTask>()
  #places = 0

  constructor(wires: Wires) {
    this.#wires = wires
  }

  get size(): number {
    return this.#open.size
  }

  /** Undefined where as many tasks are open as may be. */
  takePlace(): TaskPlace | undefined {
    if (this.#places >= this.#wires.limits.tasksOpenMax) return undefined
    this.#places += 1
    let isTaken = true
    return {
      leave: () => {
        if (isTaken) this.#places -= 1
        isTaken = false
      }
    }
  }

  /** `abort` aborts the call's signal, with the reason, when the task is cancelled from our side. */
  open({ id, envelope, place, abort }: Pick<OpenTask, 'id' | 'envelope'> & {
    readonly place: TaskPlace
    readonly abort: (by: EndedBy) => void
  }): OpenTask {
    this.#open.get(id)?.finish({ kind: 'error', error: ID_REUSED })
    const end = deferred<TaskEnd>()
    const settled = deferred<MeteredAnswer>()
    const remove = (): void => {
      place.leave()
      if (this.#open.get(id) === task) this.#open.delete(id)
    }
    const finish = (outcome: TaskEnd): void => {
      remove()
      end.resolve(outcome)
    }
    const task: OpenTask = {
      id,
      envelope,
      end: end.promise,
      finish,
      cancel: by => {
        abort(by)
        finish({ kind: 'ended', by, started: true })
      },
      settled: settled.promise,
      settle: answer => {
        // A meter that has settled waits for no outcome any more, whether there was one or not.
        remove()
        settled.resolve(answer)
      }
    }
    this.#open.set(id, task)
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

  /** The client's `tasks/result` with the receipt in it: it waits for the settlement. */
  async result(task: OpenTask, result: JsonObject): Promise<Answer> {
    task.finish({ kind: 'result', result })
    return answerOf(await task.settled) ?? { result }
  }

  /**
   * A task's state as `tasks/get` or a notification shows it. A terminal state ends the call: with the outcome inside it
   * (2026-07-28), or with the one that `tasks/result` tells (2025-11-25), which we ask for, because the client may not.
   * Returns the state to show, in which an outcome carries its receipt.
   */
  async state(task: OpenTask, state: JsonObject): Promise<JsonObject> {
    const { status, result, error } = state
    if (status === 'cancelled') task.cancel('cancelled')
    else if (status === 'completed') task.finish(isObject(result) ? { kind: 'result', result } : await this.#completion(task))
    else if (status === 'failed') {
      task.finish(endOf(isObject(error) ? { error: error as JsonObject & JsonRpcError } : await this.#ask('tasks/result', task)))
    } else return state
    const answer = answerOf(await task.settled)
    if (answer === undefined) return state
    if (isObject(result) && 'result' in answer) return { ...state, result: answer.result }
    return state
  }

  /**
   * Looks after a task when a request of the client about it was answered by an error. That ends nothing by itself: the
   * request may have been broken, on purpose too, or come too early. What counts is the state that we are told ourselves.
   */
  async check(task: OpenTask): Promise<void> {
    const answer = await this.#ask('tasks/get', task)
    if ('result' in answer) await this.state(task, answer.result)
    else if (answer.error.code === INVALID_PARAMS) {
      // The upstream no longer knows the task.
      task.finish(LET_GO)
      await task.settled
    }
  }

  /** A completed task has a result. Where it cannot be read any more, the work was done all the same. */
  async #completion(task: OpenTask): Promise<TaskEnd> {
    const answer = await this.#ask('tasks/result', task)
    if ('result' in answer) return endOf(answer)
    const by = this.#wires.closedBy()
    return by === undefined || by === 'upstream_ended' ? LET_GO : { kind: 'ended', by, started: true }
  }

  #ask(method: 'tasks/get' | 'tasks/result', { id, envelope }: OpenTask): Promise<Answer> {
    return this.#wires.askUpstream(method, { taskId: id, ...envelope })
  }
}

const ID_REUSED: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server gave its id to another task' }

/**
 * How a task ends whose outcome the upstream no longer tells. It was started and is charged as such: how long it is kept
 * is the client's to ask for, so that releasing it would make work free that takes longer than that.
 */
const LET_GO: TaskEnd = { kind: 'ended', by: 'cancelled', started: true }

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
