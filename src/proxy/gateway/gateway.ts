import { type Answer, type ClientRequest, envelopeOf, eraOf, isObject, type JsonObject, parseJson } from '../../json/json-rpc.js'
import { TASK_NOTIFICATIONS, taskIdOf } from '../../json/task-messages.js'
import type { OpenUpstream, TakeLine, UpstreamExit, UpstreamLink } from '../upstream-link.js'
import { describeError } from '../wires.js'
import { Remembered } from '../remembered.js'
import { ClientQuestions } from './client-questions.js'
import { ClientWords } from './client-words.js'
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits, type GatewayOptions } from './gateway-ports.js'
import { LISTS, OfferedLists } from './offered-lists.js'
import { Opening } from './opening.js'
import { RequestRouter } from './request-router.js'
import { Subscriptions } from './subscriptions.js'
import { SupervisedServer } from './supervised-server.js'
import { TaskOwners } from './task-owners.js'

/** Several MCP servers as one upstream. It never ends by itself: a server that ends is started again. */
export function gateway(options: GatewayOptions): OpenUpstream {
  return onLine => new Gateway(options, onLine)
}

/** Joins one client and the servers. What passes keeps its bytes, unless a name or an id in it is another. */
class Gateway implements UpstreamLink {
  readonly exit: Promise<UpstreamExit>
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #onLine: TakeLine
  readonly #servers: readonly SupervisedServer[]
  readonly #opening: Opening
  readonly #lists: OfferedLists
  readonly #questions: ClientQuestions
  readonly #subscriptions: Subscriptions
  readonly #tasks: TaskOwners
  /** For which server the client runs a task. */
  readonly #clientTasks: Remembered<SupervisedServer>
  readonly #words: ClientWords
  readonly #router: RequestRouter
  #isOpened = false
  #isClosing = false
  #resolveExit: (exit: UpstreamExit) => void = () => undefined

  constructor(options: GatewayOptions, onLine: TakeLine) {
    const limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
    const { timers, newId, report, identity } = options
    this.#options = options
    this.#limits = limits
    this.#onLine = onLine
    this.exit = new Promise(resolve => {
      this.#resolveExit = resolve
    })
    this.#servers = options.servers.map(server => {
      const supervised: SupervisedServer = new SupervisedServer(server, {
        timers, limits, newId, report,
        events: {
          received: (message, raw) => this.#received(supervised, message, raw),
          ready: () => this.#ready(supervised),
          refused: () => this.#fit(supervised),
          fell: () => this.#fell(supervised)
        }
      })
      return supervised
    })
    this.#opening = new Opening({ servers: this.#servers, identity, timers, limits })
    this.#lists = new OfferedLists(this.#servers, { timers, limits, report })
    this.#questions = new ClientQuestions(limits.questionsMax)
    this.#tasks = new TaskOwners(limits.rememberedMax)
    this.#clientTasks = new Remembered(limits.rememberedMax)
    this.#words = new ClientWords(limits.rememberedMax)
    this.#subscriptions = new Subscriptions({
      timers, limits, newId,
      emit: message => this.#emit(JSON.stringify(message)),
      candidates: uri => this.#lists.candidates(uri)
    })
    this.#router = new RequestRouter({
      options, limits,
      servers: this.#servers,
      opening: this.#opening,
      lists: this.#lists,
      tasks: this.#tasks,
      words: this.#words,
      subscriptions: this.#subscriptions,
      isClosing: () => this.#isClosing,
      emit: line => this.#emit(line)
    })
    for (const server of this.#servers) server.start()
  }

  /** Never asks to wait: a server that does not read holds up nobody but whoever waits for it. */
  write(line: string | Buffer): undefined {
    const message = parseJson(line.toString())
    if (!isObject(message)) return undefined
    const { id, method } = message
    const params = isObject(message['params']) ? message['params'] : undefined
    if (typeof method !== 'string') this.#answered(message)
    else if (typeof id === 'string' || typeof id === 'number') this.#requested({ kind: 'request', id, method, params }, line)
    else this.#notified(method, params, line)
    return undefined
  }

  congestion(): undefined {
    return undefined
  }

  /** What they were given they may still answer. What a server ends without an answer to ends as the relay before us says. */
  closeInput(): void {
    this.#isClosing = true
    void Promise.all(this.#servers.map(server => server.closeInput())).then(() => this.#resolveExit(CLOSED))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#servers.map(server => server.close()))
    this.#resolveExit(CLOSED)
  }

  async terminate(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#servers.map(server => server.terminate()))
    this.#resolveExit(CLOSED)
  }

  #requested(request: ClientRequest, raw: string | Buffer): void {
    this.#router.take(request)
    const era = eraOf(request.params)
    if (request.method === 'initialize' && era === 'legacy') return this.#router.work(request, () => this.#initialize(request))
    if (request.method === 'server/discover') return this.#router.work(request, () => this.#opening.discover(request.params))
    if (request.method === 'ping' && era === 'legacy') return this.#router.answer(request.id, { result: {} })
    const opened = this.#opening.need(era, request.params)
    if (opened === undefined) return this.#router.route(request, raw)
    this.#router.work(request, async () => {
      const error = await opened
      if (error !== undefined) return { error }
      this.#opened(request.params)
      this.#router.route(request, raw)
      return undefined
    })
  }

  async #initialize({ params = {} }: ClientRequest): Promise<Answer> {
    const answer = await this.#opening.initialize(params)
    if ('error' in answer) this.#options.report(answer.error.message)
    else this.#opened(undefined)
    return answer
  }

  /** The era is decided. Whoever was late has to fit to it. */
  #opened(params: JsonObject | undefined): void {
    if (this.#isOpened) return
    this.#isOpened = true
    this.#words.envelope = envelopeOf(params)
    for (const server of this.#servers) if (server.isReady) this.#fit(server)
  }

  #notified(method: string, params: JsonObject | undefined, raw: string | Buffer): void {
    if (method === 'notifications/initialized') this.#words.initialized = raw.toString()
    if (method === 'notifications/cancelled') return this.#cancelled(params?.['requestId'], raw)
    if (method === 'notifications/progress' && params !== undefined) {
      const progress = this.#questions.progress(params)
      return progress?.server.notify(JSON.stringify({ jsonrpc: '2.0', method, params: progress.params }))
    }
    const task = params?.['taskId']
    const owner = typeof task === 'string' ? this.#clientTasks.get(task) : undefined
    for (const server of owner === undefined ? this.#servers : [owner]) if (server.isReady) server.notify(raw)
  }

  #cancelled(id: unknown, raw: string | Buffer): void {
    if (typeof id !== 'string' && typeof id !== 'number') return
    this.#subscriptions.cancel(id)
    this.#router.cancel(id, raw)
  }

  #answered(message: JsonObject): void {
    const answer = this.#questions.answer(message)
    if (answer === undefined) return
    const task = isObject(message['result']) ? taskIdOf(message['result']) : undefined
    if (task !== undefined) this.#clientTasks.set(task, answer.server)
    answer.server.notify(JSON.stringify(answer.message))
  }

  #received(server: SupervisedServer, message: JsonObject, raw: Buffer): Promise<void> | undefined {
    const { id, method } = message
    if (typeof id === 'string' || typeof id === 'number') {
      const asked = this.#questions.ask(server, message, id)
      if ('toClient' in asked) return this.#emit(JSON.stringify(asked.toClient))
      server.notify(JSON.stringify(asked.toServer))
      return undefined
    }
    if (CHANGES.has(String(method))) this.#lists.changed(server)
    const params = isObject(message['params']) ? message['params'] : {}
    if (TASK_NOTIFICATIONS.has(String(method))) {
      if (this.#tasks.isAnothers(server, params['taskId'])) return undefined
      this.#tasks.notified(server, params)
    }
    if (method === 'notifications/progress' && this.#router.isAnothersProgress(server, params['progressToken'])) return undefined
    const subscribed = this.#subscriptions.received(server, message)
    if (subscribed !== undefined) return subscribed.passed
    if (method !== 'notifications/cancelled') return this.#emit(raw)
    const requestId = this.#questions.withdrawn(server, params['requestId'])
    return requestId === undefined ? undefined : this.#emit(JSON.stringify({ ...message, params: { ...params, requestId } }))
  }

  #ready(server: SupervisedServer): void {
    if (this.#opening.era !== undefined) this.#fit(server)
  }

  /** Lets a server that came after the opening, or came back, join the others as if it had been there all the time. */
  #fit(server: SupervisedServer): void {
    if (this.#opening.era === undefined) return
    const fit = this.#opening.fit(server)
    if (fit.kind === 'greet_anew') return void server.greetAnew(fit.greeting)
    if (fit.kind === 'unfit') {
      this.#lists.drop(server)
      return server.leaveOut(fit.reason)
    }
    if (this.#words.initialized !== undefined) server.notify(this.#words.initialized)
    this.#restore(server).catch((error: unknown) => this.#options.report(`${server.name} was not told all again: ${describeError(error)}`))
  }

  async #restore(server: SupervisedServer): Promise<void> {
    const { askMs } = this.#limits
    const { logLevel } = this.#words
    if (logLevel !== undefined && server.hasCapability('logging')) void server.ask('logging/setLevel', logLevel, askMs)
    for (const uri of this.#words.watched.keysOf(server)) void server.ask('resources/subscribe', { uri }, askMs)
    this.#subscriptions.rejoin(server)
    const kinds = [...this.#words.askedLists]
    const before = kinds.map(kind => JSON.stringify(this.#lists.entries(kind)))
    await Promise.all(kinds.map(kind => this.#lists.refresh(kind, this.#words.envelope)))
    const changed = kinds.filter((kind, index) => JSON.stringify(this.#lists.entries(kind)) !== before[index])
    for (const method of new Set(changed.map(kind => LISTS[kind].changed))) this.#tellOfChange(method)
  }

  #tellOfChange(method: string): void {
    if (this.#opening.era === 'modern') this.#subscriptions.tell(method)
    else void this.#emit(JSON.stringify({ jsonrpc: '2.0', method }))
  }

  #fell(server: SupervisedServer): void {
    if (this.#isClosing) return
    for (const line of this.#questions.abandoned(server)) void this.#emit(line)
    const at = new Date(this.#options.timers.now()).toISOString()
    const failed = this.#tasks.abandoned(server, { era: this.#opening.era ?? 'legacy', at })
    for (const message of failed) void this.#emit(JSON.stringify(message))
  }

  #emit(line: string | Buffer): Promise<void> | undefined {
    return this.#onLine(typeof line === 'string' ? Buffer.from(line) : line)
  }
}

const CLOSED: UpstreamExit = { kind: 'exited', code: 0, signal: null }

const CHANGES: ReadonlySet<string> = new Set(Object.values(LISTS).map(({ changed }) => changed))

