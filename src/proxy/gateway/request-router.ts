import {
  type Answer, answerText, type ClientRequest, envelopeOf, eraOf, INTERNAL_ERROR, invalidParams, isObject, type JsonObject,
  type JsonRpcError, metaOf, METHOD_NOT_FOUND, type RequestId, requestText
} from '../../json/json-rpc.js'
import { taskIdOf } from '../../json/task-messages.js'
import { describeError } from '../wires.js'
import type { ClientWords } from './client-words.js'
import { FAULT, type GatewayLimits, type GatewayOptions } from './gateway-ports.js'
import { LIST_KINDS, type ListKind, LISTS, NOT_FOUND_CODES, type OfferedLists } from './offered-lists.js'
import type { Opening } from './opening.js'
import { readPages } from './paged-list.js'
import type { Subscriptions } from './subscriptions.js'
import type { SupervisedServer } from './supervised-server.js'
import type { TaskOwners } from './task-owners.js'

export interface RouterParts {
  readonly options: Pick<GatewayOptions, 'identity' | 'timers' | 'report'>
  readonly limits: GatewayLimits
  readonly servers: readonly SupervisedServer[]
  readonly opening: Opening
  readonly lists: OfferedLists
  readonly tasks: TaskOwners
  readonly words: ClientWords
  readonly subscriptions: Subscriptions
  /** Whether the client has closed: then an end without an answer is no failure of a server's, and is not told as one (T33). */
  readonly isClosing: () => boolean
  readonly emit: (line: string | Buffer) => Promise<void> | undefined
}

/** A request of the client that is not answered yet. */
interface OpenRequest {
  readonly request: ClientRequest
  /** Who has it; undefined while it is being found out, or where several or none do. */
  server: SupervisedServer | undefined
}

/** Whose a shown name is, and what its server calls it. */
interface NamedBy {
  readonly server: SupervisedServer
  readonly name: string
}

/**
 * The client's requests on their way: each to the server that it is about, to several of them one after the other, or
 * answered here from what all of them say.
 */
export class RequestRouter {
  readonly #parts: RouterParts
  readonly #open = new Map<RequestId, OpenRequest>()

  constructor(parts: RouterParts) {
    this.#parts = parts
  }

  /** Takes a request that nothing is known of yet. Every request is taken before anything else happens to it. */
  take(request: ClientRequest): void {
    this.#open.set(request.id, { request, server: undefined })
  }

  /** The client waits for it no longer: whoever has it is told, in the client's own words. */
  cancel(id: RequestId, raw: string | Buffer): void {
    const open = this.#open.get(id)
    this.#open.delete(id)
    open?.server?.forget(id)
    open?.server?.notify(raw)
  }

  /** Whether a progress token is of a request that another server has. */
  isAnothersProgress(server: SupervisedServer, token: unknown): boolean {
    const requests = [...this.#open.values()].filter(({ request }) => metaOf(request.params)?.['progressToken'] === token)
    return token !== undefined && requests.length > 0 && requests.every(open => open.server !== server)
  }

  /** Sends a request on, once the era is decided. */
  route(request: ClientRequest, raw: string | Buffer): void {
    const { method, params } = request
    const list = LIST_KINDS.find(kind => LISTS[kind].method === method)
    if (list !== undefined) return this.work(request, () => this.#list(list, request))
    const uri = uriOf(request)
    if (uri !== undefined) return this.#routeByUri(request, raw, uri)
    if (method === 'tools/call') return this.#routeByName('tools', request, raw, params?.['name'])
    if (method === 'prompts/get') return this.#routeByName('prompts', request, raw, params?.['name'])
    const ref = method === 'completion/complete' ? params?.['ref'] : undefined
    if (isObject(ref)) return this.#routeByName('prompts', request, raw, ref['name'])
    if (method === 'logging/setLevel') return this.work(request, () => this.#setLevel(params ?? {}))
    if (method === 'tasks/list') return this.work(request, () => this.#listTasks(params ?? {}))
    if (method === 'subscriptions/listen') return this.work(request, () => this.#listen(request))
    if (method.startsWith('tasks/')) return this.#routeTask(request, raw, this.#parts.tasks.owner(params?.['taskId']))
    this.#tryEach(request, raw, this.#parts.servers)
  }

  /** Whose task nobody has told of is of none that is away: its server would have told of it. */
  #routeTask(request: ClientRequest, raw: string | Buffer, owner: SupervisedServer | undefined): void {
    const { servers } = this.#parts
    if (owner !== undefined) return this.#tryEach(request, raw, [owner])
    const there = servers.filter(server => server.isReady)
    this.#tryEach(request, raw, there, there.length < servers.length ? NO_SUCH_TASK : undefined)
  }

  #routeByName(kind: 'tools' | 'prompts', request: ClientRequest, raw: string | Buffer, name: unknown): void {
    if (typeof name !== 'string') return this.answer(request.id, { error: invalidParams('"name" must be a string') })
    const origin = this.#parts.lists.origin(kind, name)
    if (origin !== undefined) return this.#forwardNamed(request, raw, name, origin)
    this.work(request, async () => {
      await this.#parts.lists.refresh(kind, envelopeOf(request.params))
      const found = this.#parts.lists.origin(kind, name)
      if (found !== undefined) this.#forwardNamed(request, raw, name, found)
      else if (this.#parts.servers.length === 1) this.#tryEach(request, raw, this.#parts.servers)
      else return { error: this.#unknownName(kind, name) }
      return undefined
    })
  }

  #unknownName(kind: 'tools' | 'prompts', name: string): JsonRpcError {
    const what = kind === 'tools' ? 'tool' : 'prompt'
    const shown = this.#parts.lists.clash(kind, name)
    if (shown.length > 0) return invalidParams(`several servers have a ${what} ${JSON.stringify(name)}; use ${shown.join(' or ')}`)
    const away = this.#parts.servers.filter(server => !server.isReady && server.told === undefined)
    const hint = away.length === 0 ? '' : `; not available yet: ${away.map(server => server.name).join(', ')}`
    return invalidParams(`no server has a ${what} ${JSON.stringify(name)}${hint}`)
  }

  #forwardNamed(request: ClientRequest, raw: string | Buffer, shown: string, origin: NamedBy): void {
    const { id, method, params = {} } = request
    if (origin.name === shown) return this.#tryEach(request, raw, [origin.server])
    const ref = params['ref']
    const named = isObject(ref) ? { ...params, ref: { ...ref, name: origin.name } } : { ...params, name: origin.name }
    this.#tryEach(request, requestText(id, method, named), [origin.server])
  }

  #routeByUri(request: ClientRequest, raw: string | Buffer, uri: string): void {
    const isKnown = this.#parts.lists.isKnown('resources') && this.#parts.lists.isKnown('resourceTemplates')
    if (isKnown || this.#parts.servers.length === 1) return this.#tryEach(request, raw, this.#byUri(request, uri))
    this.work(request, async () => {
      await this.#learnUris(request.params)
      this.#tryEach(request, raw, this.#byUri(request, uri))
      return undefined
    })
  }

  async #learnUris(params: JsonObject | undefined): Promise<void> {
    const envelope = envelopeOf(params)
    const { lists } = this.#parts
    await Promise.all([lists.refresh('resources', envelope), lists.refresh('resourceTemplates', envelope)])
  }

  #byUri({ method }: ClientRequest, uri: string): readonly SupervisedServer[] {
    const candidates = this.#parts.lists.candidates(uri)
    if (candidates.length === 0) return this.#parts.servers
    // A change of a resource comes from whoever was told to watch it.
    const watching = method === 'resources/unsubscribe' ? this.#parts.words.watched.get(uri) : undefined
    return watching === undefined ? candidates : [watching]
  }

  /** Asks the servers one after the other until one knows what is meant. Its answer counts, or `unknown`, or the last one. */
  #tryEach(request: ClientRequest, raw: string | Buffer, candidates: readonly SupervisedServer[], unknown?: JsonRpcError): void {
    const open = this.#open.get(request.id)
    if (open?.request !== request) return
    const server = candidates.find(candidate => candidate.isReady)
    const away = candidates.find(candidate => !candidate.isReady)
    if (server === undefined) return away === undefined ? this.answer(request.id, { error: unknown ?? NOT_OFFERED }) : this.#unavailable(request, away)
    const others = candidates.filter(candidate => candidate !== server)
    open.server = server
    server.send(request.id, raw, {
      answered: (answer, rawAnswer) => {
        // Where nobody else knows it, it may be of one that is away.
        if ('error' in answer && (others.length > 0 || unknown !== undefined) && isUnknownThere(answer.error)) {
          this.#tryEach(request, raw, others, unknown)
          return undefined
        }
        this.#open.delete(request.id)
        const refusal = this.#learn(request, server, answer)
        return this.#parts.emit(refusal === undefined ? rawAnswer : answerText(request.id, { error: refusal }))
      },
      lost: (why, isSent) => {
        if (!this.#parts.isClosing()) this.#unavailable(request, server, { why, isSent })
      }
    })
  }

  /** Remembers what later requests are about. Returns what stands against the answer. */
  #learn({ method, params }: ClientRequest, server: SupervisedServer, answer: Answer): JsonRpcError | undefined {
    if ('error' in answer) return undefined
    const uri = params?.['uri']
    if (method === 'resources/subscribe' && typeof uri === 'string') this.#parts.words.watched.set(uri, server)
    if (method === 'resources/unsubscribe' && typeof uri === 'string') this.#parts.words.watched.delete(uri)
    if (method === 'tasks/result') this.#parts.tasks.ended(params?.['taskId'])
    else if (method.startsWith('tasks/')) this.#parts.tasks.told(server, answer.result)
    const task = method === 'tools/call' ? taskIdOf(answer.result) : undefined
    if (task === undefined) return undefined
    // Whoever asks for the task could only be answered by one of the two.
    if (this.#parts.tasks.isAnothers(server, task)) {
      return { code: INTERNAL_ERROR, message: `${server.name} gave its task an id that is already in use` }
    }
    this.#parts.tasks.told(server, answer.result['task'] ?? answer.result)
    return undefined
  }

  /** What a model reads and can act on, where it is a model that asked. */
  #unavailable({ id, method }: ClientRequest, server: SupervisedServer, { why, isSent } = NOT_THERE): void {
    const { standing } = server
    const restart = standing.kind === 'down'
      ? ` It is started again in about ${Math.max(1, Math.ceil((standing.retryAt - this.#parts.options.timers.now()) / 1000))} s.`
      : standing.kind === 'starting' ? ' It is being started.' : ''
    const text = `The server "${server.name}" ${why}.${restart}`
    if (method !== 'tools/call') return this.answer(id, { error: { code: INTERNAL_ERROR, message: text } })
    const complete = this.#parts.opening.era === 'modern' ? { resultType: 'complete' } : {}
    const blame = isSent ? {} : { _meta: { [FAULT]: 'platform' } }
    this.answer(id, { result: { ...complete, content: [{ type: 'text', text }], isError: true, ...blame } })
  }

  async #list(kind: ListKind, { params }: ClientRequest): Promise<Answer> {
    if (params?.['cursor'] !== undefined) return { error: invalidParams('"cursor" is none that was given out') }
    this.#parts.words.askedLists.add(kind)
    await this.#parts.lists.refresh(kind, envelopeOf(params))
    const isAnybodyLate = this.#parts.servers.some(server => server.told === undefined)
    if (!isAnybodyLate && !this.#parts.lists.isKnown(kind) && !this.#parts.lists.isOffered(kind)) return { error: NOT_OFFERED }
    return { result: this.#parts.lists.result(kind, { era: eraOf(params), identity: this.#parts.options.identity }) }
  }

  async #setLevel(params: JsonObject): Promise<Answer> {
    this.#parts.words.logLevel = params
    const logging = this.#parts.servers.filter(server => server.isReady && server.hasCapability('logging'))
    if (logging.length === 0) return { error: NOT_OFFERED }
    const answers = await this.#askAll(logging, 'logging/setLevel', params)
    return answers.find(answer => 'result' in answer) ?? answers[0] ?? { result: {} }
  }

  async #listTasks(params: JsonObject): Promise<Answer> {
    if (params['cursor'] !== undefined) return { error: invalidParams('"cursor" is none that was given out') }
    const { limits, options, tasks } = this.#parts
    const servers = this.#parts.servers.filter(server => server.isReady && server.hasCapability('tasks'))
    if (servers.length === 0) return { error: NOT_OFFERED }
    const lists = await Promise.all(servers.map(async server => {
      const { entries } = await readPages(server, { method: 'tasks/list', member: 'tasks', params }, { limits, timers: options.timers })
      const own = entries.filter(task => isObject(task) && !tasks.isAnothers(server, task['taskId']))
      for (const task of own) tasks.told(server, task)
      return own
    }))
    return { result: { tasks: lists.flat() } }
  }

  async #listen({ id, params = {} }: ClientRequest): Promise<Answer | undefined> {
    const { notifications } = params
    if (isObject(notifications) && Array.isArray(notifications['resourceSubscriptions'])) {
      await this.#learnUris(params)
    }
    const error = await this.#parts.subscriptions.listen(id, params, this.#parts.servers.filter(server => server.isReady))
    return error === undefined ? undefined : { error }
  }

  async #askAll(servers: readonly SupervisedServer[], method: string, params: JsonObject): Promise<readonly Answer[]> {
    const answers = await Promise.all(servers.map(server => server.ask(method, params, this.#parts.limits.askMs)))
    return answers.filter(answer => answer !== undefined)
  }

  /** Does what takes a while, and answers by what it resolves with; undefined where something else answers. */
  work(request: ClientRequest, work: () => Promise<Answer | undefined>): void {
    const answer = (answered: Answer | undefined): void => {
      if (answered !== undefined && this.#open.get(request.id)?.request === request) this.answer(request.id, answered)
    }
    void work().then(answer).catch((error: unknown) => {
      this.#parts.options.report(`${request.method} failed: ${describeError(error)}`)
      answer({ error: { code: INTERNAL_ERROR, message: 'Internal error' } })
    })
  }

  answer(id: RequestId, answer: Answer): void {
    // What cannot be written stays open, to be answered by an error.
    const text = answerText(id, answer)
    this.#open.delete(id)
    void this.#parts.emit(text)
  }
}

const NOT_OFFERED: JsonRpcError = { code: METHOD_NOT_FOUND, message: 'Method not found' }

const NO_SUCH_TASK = invalidParams('there is no such task in this session')

const NOT_THERE = { why: 'is not available', isSent: false }

function isUnknownThere({ code }: JsonRpcError): boolean {
  return code === METHOD_NOT_FOUND || NOT_FOUND_CODES.has(code)
}

/** The URI that a request is about, where it is about one. */
function uriOf({ method, params }: ClientRequest): string | undefined {
  const ref = params?.['ref']
  const uri = method.startsWith('resources/') ? params?.['uri'] : method === 'completion/complete' && isObject(ref) ? ref['uri'] : undefined
  return typeof uri === 'string' ? uri : undefined
}
