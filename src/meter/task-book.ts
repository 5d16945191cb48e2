import { isObject, type JsonObject } from '../json/json-rpc.js'
import type { MeteredAnswer, RunOutcome } from '../usage/metered-call.js'
import { protocolError } from './call-context.js'
import { type Around, type Handler, isRecord, type ServedRequest } from './sdk-server.js'

/** How a task ended: as the call itself would have, had it not been a task. */
export type TaskEnd = Extract<RunOutcome, { readonly kind: 'result' | 'error' | 'ended' }>

/** A metered call that goes on as a task: its reservation lives until the task has ended. */
interface OpenTask {
  readonly end: Deferred<TaskEnd>
  isOver: boolean
  /** What became of the call once it was settled. */
  readonly settled: Deferred<MeteredAnswer>
}

/** A task's state as the server tells it, and its result once there is one. */
interface TaskState {
  readonly status: unknown
  readonly result: JsonObject | null
}

/**
 * Enough for whoever reads what it has asked for. A server that holds more forgets one that is over and was not read, and
 * where all of them run the oldest, which is charged then.
 */
const TASKS_MAX = 1_000

const STATUS_OF_FAILURE = 'failed'

/** The tasks of one server's metered calls, from the call's answer until their outcome was read. */
export class TaskBook {
  readonly #inner: (method: string) => Handler | undefined
  readonly #store: TaskStore | null
  readonly #tasks = new Map<string, OpenTask>()

  /** @param inner the server's own handlers, which know its tasks */
  constructor(server: object, inner: (method: string) => Handler | undefined) {
    this.#inner = inner
    this.#store = watchedStore(server, (id, end) => this.#finish(id, end))
  }

  /** The end of a task that a call has just become. It may have ended before the call was answered: it is looked after. */
  open(id: string, context: object): Promise<TaskEnd> {
    this.#finish(id, LET_GO)
    this.#tasks.delete(id)
    if (this.#tasks.size >= TASKS_MAX) this.#forgetOne()
    const task = { end: deferred<TaskEnd>(), isOver: false, settled: deferred<MeteredAnswer>() }
    this.#tasks.set(id, task)
    if (this.#store !== null) void this.#look(id, context)
    return task.end.promise
  }

  /** Takes what the meter makes of a task's end, which never rejects; null where the call itself could not be metered. */
  settle(id: string, answer: Promise<MeteredAnswer> | null): void {
    const task = this.#tasks.get(id)
    if (answer === null) this.#tasks.delete(id)
    else if (task !== undefined) void answer.then(task.settled.resolve)
  }

  /** What is put around the requests about tasks. An outcome leaves when it is settled, with the receipt. */
  around(): ReadonlyMap<string, Around> {
    return new Map<string, Around>([
      ['tasks/result', (inner) => async (request, context) => this.#result(inner, request, context)],
      ['tasks/get', (inner) => async (request, context) => this.#state(inner, request, context)],
      ['tasks/cancel', (inner) => async (request, context) => this.#state(inner, request, context)],
    ])
  }

  async #result(inner: Handler, request: ServedRequest, context: object): Promise<unknown> {
    const id = idOf(request)
    const task = this.#tasks.get(id)
    if (task === undefined) return inner(request, context)
    let result: unknown
    try {
      result = await inner(request, context)
    } catch (error) {
      // A request about a task that fails ends nothing by itself: it may have been broken on purpose.
      await this.#look(id, context)
      throw error
    }
    if (!isObject(result)) return result
    this.#finish(id, { kind: 'result', result })
    const answer = await task.settled.promise
    // What the ledger could not be told of is given out to nobody, and stays known for that.
    if (answer.kind === 'error') throw protocolError(answer.error)
    this.#tasks.delete(id)
    return answer.kind === 'result' ? withAdded(result, answer.result) : result
  }

  async #state(inner: Handler, request: ServedRequest, context: object): Promise<unknown> {
    const state = await inner(request, context)
    const id = idOf(request)
    const task = this.#tasks.get(id)
    if (task === undefined || !isObject(state) || !isOver(state['status'])) return state
    await this.#look(id, context)
    await task.settled.promise
    return state
  }

  /** Asks the server for the state of a task, and ends the call by what it says. Never rejects. */
  async #look(id: string, context: object): Promise<void> {
    const state = await this.#stateOf(id, context).catch(() => null)
    if (state !== null && isOver(state.status)) this.#finish(id, endOf(state))
  }

  /** By v1's own store where there is one: to ask its handler for a result would send what waits there for the client. */
  async #stateOf(id: string, context: object): Promise<TaskState | null> {
    const { sessionId } = context as { readonly sessionId?: string }
    const ask = async (method: string): Promise<unknown> => this.#inner(method)?.({ method, params: { taskId: id } }, context)
    const store = this.#store
    const state = store === null ? await ask('tasks/get') : await store.getTask(id, sessionId)
    if (!isObject(state)) return null
    const { status, result: told } = state
    if (isObject(told)) return { status, result: told }
    if (!isOver(status)) return { status, result: null }
    // A completed task whose result cannot be read any more was done all the same.
    const result = await (store === null ? ask('tasks/result') : store.getTaskResult(id, sessionId)).catch(() => null)
    return { status, result: isObject(result) ? result : null }
  }

  /** The first end counts. */
  #finish(id: string, end: TaskEnd): void {
    const task = this.#tasks.get(id)
    if (task === undefined) return
    task.isOver = true
    task.end.resolve(end)
  }

  #forgetOne(): void {
    const tasks = [...this.#tasks]
    const [id] = tasks.find(([, { isOver }]) => isOver) ?? tasks[0] ?? []
    if (id === undefined) return
    this.#finish(id, LET_GO)
    this.#tasks.delete(id)
  }
}

/** How a task ends whose outcome nobody tells. It was started, and is charged as such. */
const LET_GO: TaskEnd = { kind: 'ended', by: 'cancelled', started: true }

const OVER: ReadonlySet<unknown> = new Set(['completed', STATUS_OF_FAILURE, 'cancelled'])

function isOver(status: unknown): boolean {
  return OVER.has(status)
}

function endOf({ status, result }: TaskState): TaskEnd {
  if (status === STATUS_OF_FAILURE) return { kind: 'result', result: { ...result, isError: true } }
  return status === 'cancelled' || result === null ? LET_GO : { kind: 'result', result }
}

function idOf({ params }: ServedRequest): string {
  const id = params?.['taskId']
  return typeof id === 'string' ? id : ''
}

/** A result with what metering has added to the one that was stored: the receipt, and the note among the content. */
function withAdded(result: JsonObject, { content, _meta: meta }: JsonObject): JsonObject {
  const both = { ...(meta as JsonObject | undefined), ...(result['_meta'] as JsonObject | undefined) }
  return { ...result, ...(content === undefined ? {} : { content }), _meta: both }
}

/** Where a server of v1 keeps its tasks, as far as it is used here. */
interface TaskStore {
  getTask(id: string, sessionId?: string): Promise<unknown>
  getTaskResult(id: string, sessionId?: string): Promise<unknown>
}

/**
 * Has a server of v1 tell of each task's end as its store learns of it, so that a call is settled also where nobody asks for
 * its outcome. Null for a server without a store of its SDK's.
 */
function watchedStore(server: object, ended: (id: string, end: TaskEnd) => void): TaskStore | null {
  const served = server as { _taskStore?: unknown }
  const store = served._taskStore
  if (!isRecord(store) || typeof store['getTask'] !== 'function') return null
  const tell: Readonly<Record<string, (args: readonly unknown[]) => TaskState>> = {
    storeTaskResult: ([, status, result]) => ({ status, result: isObject(result) ? result : null }),
    updateTaskStatus: ([, status]) => ({ status, result: null }),
  }
  served._taskStore = new Proxy(store, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member)
      if (typeof value !== 'function') return value
      const stateOf = typeof member === 'string' && Object.hasOwn(tell, member) ? tell[member] : undefined
      if (stateOf === undefined) return value.bind(target) as unknown
      return async (...args: readonly unknown[]) => {
        const done: unknown = await value.apply(target, args)
        const state = stateOf(args)
        if (isOver(state.status)) ended(String(args[0]), endOf(state))
        return done
      }
    },
  })
  return store as unknown as TaskStore
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
