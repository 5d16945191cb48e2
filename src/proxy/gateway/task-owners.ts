import { type Era, INTERNAL_ERROR, isObject, type JsonObject } from '../../json/json-rpc.js'
import { Remembered } from '../remembered.js'
import type { SupervisedServer } from './supervised-server.js'

interface OwnedTask {
  /** As it was told of last. */
  readonly task: JsonObject
  readonly isOpen: boolean
}

/** Whose each task is, and what becomes of it when its server is gone. */
export class TaskOwners {
  readonly #max: number
  /** Each server's by themselves: however many one tells of, it is its own that are forgotten. */
  readonly #tasks = new Map<SupervisedServer, Remembered<OwnedTask>>()

  constructor(max: number) {
    this.#max = max
  }

  owner(taskId: unknown): SupervisedServer | undefined {
    if (typeof taskId !== 'string') return undefined
    return [...this.#tasks].find(([, tasks]) => tasks.get(taskId) !== undefined)?.[0]
  }

  /** What a server says of another's task is not to be passed on: it would end a call that goes on. */
  isAnothers(server: SupervisedServer, taskId: unknown): boolean {
    return ![server, undefined].includes(this.owner(taskId))
  }

  /** Takes a server's answer about a task. What is no task, or another server's, is not taken. */
  told(server: SupervisedServer, task: unknown): void {
    if (!isObject(task) || typeof task['taskId'] !== 'string' || this.isAnothers(server, task['taskId'])) return
    const tasks = this.#of(server)
    const known = tasks.get(task['taskId'])
    const facts = Object.fromEntries(FACTS.flatMap(name => (task[name] === undefined ? [] : [[name, task[name]]])))
    tasks.set(task['taskId'], { task: { ...known?.task, ...facts }, isOpen: !ENDED.has(task['status']) })
  }

  /** Takes what a server says unasked: only of a task that is known as its own, since saying so makes none its own. */
  notified(server: SupervisedServer, task: unknown): void {
    if (isObject(task) && this.owner(task['taskId']) === server) this.told(server, task)
  }

  /** Its outcome was read. */
  ended(taskId: unknown): void {
    const owner = this.owner(taskId)
    if (owner === undefined) return
    const tasks = this.#of(owner)
    const known = tasks.get(String(taskId))
    if (known !== undefined) tasks.set(String(taskId), { ...known, isOpen: false })
  }

  /** The server is gone, and its open tasks with it: what tells whoever waits for them that they failed. */
  abandoned(server: SupervisedServer, { era, at }: { readonly era: Era; readonly at: string }): readonly JsonObject[] {
    const open = this.#of(server).values().filter(({ isOpen }) => isOpen)
    return open.map(({ task }) => {
      this.ended(task['taskId'])
      const message = `The server "${server.name}" ended before its task was done`
      const failed = { ...task, status: 'failed', statusMessage: message, lastUpdatedAt: at }
      return era === 'legacy'
        ? { jsonrpc: '2.0', method: 'notifications/tasks/status', params: failed }
        : { jsonrpc: '2.0', method: 'notifications/tasks', params: { ...failed, error: { code: INTERNAL_ERROR, message } } }
    })
  }

  #of(server: SupervisedServer): Remembered<OwnedTask> {
    const tasks = this.#tasks.get(server) ?? new Remembered<OwnedTask>(this.#max)
    this.#tasks.set(server, tasks)
    return tasks
  }
}

/** What a notice about a task says of it, in either era. */
const FACTS = ['taskId', 'status', 'createdAt', 'lastUpdatedAt', 'ttl', 'ttlMs', 'pollInterval', 'pollIntervalMs'] as const

const ENDED: ReadonlySet<unknown> = new Set(['completed', 'failed', 'cancelled'])
