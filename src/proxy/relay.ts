import { readToolCall, relayMeteredCall, UPSTREAM_ENDED } from './call-relay.js'
import {
  type Answer, type ClientLine, type ClientMessage, type ClientRequest, eraOf, ID_IN_USE, INTERNAL_ERROR, parseJson,
  readClientLine, type ReadMessage, readUpstreamMessage, type RequestId, requestText, tooLong
} from '../json/json-rpc.js'
import { metaFault } from '../json/meta-fault.js'
import { ListedTools } from './listed-tools.js'
import { ClientPerson, resultOf } from './client-person.js'
import { OFFER_REWRITES, type OfferParts } from './offer-relay.js'
import { OutputSchemas } from './output-schemas.js'
import { answerOurselves, type OwnWork } from './own-relay.js'
import { OwnResourceRequests } from './own-resources.js'
import { type Ending, type PendingRequest, PendingRequests } from './pending-requests.js'
import type { ParamHeader } from './param-headers.js'
import type { JsonObject, JsonRpcError, Meter, ProxyLimits } from './ports.js'
import { batchReplies, type ClientLines, lineReply, type Reply, replyWith, SILENT } from './reply.js'
import { couldBeOurs } from './rewrite.js'
import { type OpenTask, TaskBook } from './task-book.js'
import { TASK_NOTIFICATIONS } from '../json/task-messages.js'
import { describeError, type Wires } from './wires.js'
import { within } from './within.js'

export interface RelayOptions extends Omit<OfferParts, 'listed' | 'schemas'> {
  readonly client: ClientLines
  readonly toUpstream: (line: string | Buffer) => Promise<void> | undefined
  readonly meter: Meter
  readonly limits: ProxyLimits
  readonly newId: () => string
  readonly report: (text: string) => void
}

/**
 * Decides for each line, in both directions, whether it passes as it came, is rewritten, or is answered here. It owns the
 * open requests and tasks; the streams and the upstream's process are its caller's.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #wires: Wires
  readonly #tasks: TaskBook
  readonly #offer: OfferParts
  readonly #ownResources: OwnResourceRequests
  /** All that an exit waits for, and of it the calls that are not yet forwarded, refused or answered. */
  readonly #work = new Set<Promise<unknown>>()
  readonly #admissions = new Set<Promise<void>>()
  readonly #calls = new Set<Promise<void>>()
  #closedBy: Ending | undefined
  #goneError = UPSTREAM_ENDED
  readonly #unwatchPrices: (() => void) | undefined
  /** Set once a client has shaken hands as those up to 2025-11-25 do: only they are told of changes without asking to be. */
  #isGreeted = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#wires = {
      limits: options.limits,
      pending: new PendingRequests(),
      toUpstream: options.toUpstream,
      askUpstream: (method, params) => this.#askUpstream(method, params),
      person: new ClientPerson({ write: line => options.client.write(line), newId: options.newId, timeoutMs: options.limits.personGraceMs }),
      closedBy: () => this.#closedBy,
      goneError: () => this.#goneError,
      track: work => this.#track(work),
      report: options.report
    }
    this.#tasks = new TaskBook(this.#wires)
    const { own, prices, instructions } = options
    this.#ownResources = new OwnResourceRequests(own.resources, uri => {
      void options.client.write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } }))
    })
    this.#unwatchPrices = prices.onChange?.(() => {
      if (this.#isGreeted) void options.client.write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }))
    })
    this.#offer = { own, prices, instructions, listed: new ListedTools(this.#wires), schemas: new OutputSchemas() }
  }

  /** Takes one line of the client. Its promise is the upstream's (or the client's own) backpressure. */
  fromClient(line: Buffer): Promise<void> | undefined {
    const text = line.toString()
    if (text.trim() === '') return undefined
    const read = readClientLine(text, { batchMembersMax: this.#options.limits.batchMembersMax, isPassedOn: true })
    return this.take(read, line, lineReply(this.#options.client))
  }

  /**
   * Takes what was read of one line of the client. What answers it goes to `reply`: a message, or for a batch the array of
   * its answers. Notifications and the client's own answers are not replied to.
   *
   * @param raw what is passed on of a message that is not written again
   */
  take(read: ClientLine, raw: Buffer | string, reply: Reply): Promise<void> | undefined {
    if (read.kind === 'single') return this.#receive(read, raw, reply)
    const expecting = read.members.filter(({ message }) => message.kind === 'request' || message.kind === 'invalid')
    const replies = batchReplies(expecting.length, reply)[Symbol.iterator]()
    const passed = read.members.map(({ message, value }) => {
      const ofMember = message.kind === 'request' || message.kind === 'invalid' ? replies.next().value : undefined
      return this.#receive({ message, value }, JSON.stringify(value), ofMember ?? SILENT)
    })
    return Promise.all(passed).then(() => undefined)
  }

  /** Answers a line that was too long to read. */
  refuseLongLine(): Promise<void> | undefined {
    const error = tooLong(this.#options.limits.clientLineBytesMax)
    return replyWith(lineReply(this.#options.client), null, { error })
  }

  /** Takes one line of the upstream. Its promise is the client's backpressure. */
  fromUpstream(line: Buffer): Promise<void> | undefined {
    const value = parseJson(line.toString())
    if (!Array.isArray(value)) return this.#deliver(value, line)
    const passed = value.map((member: unknown) => this.#deliver(member, Buffer.from(JSON.stringify(member))))
    return Promise.all(passed).then(() => undefined)
  }

  /** From here on nothing is forwarded: calls that the meter still holds end by this, as not started. */
  stopForwarding(by: Ending): void {
    this.#closedBy ??= by
  }

  /** Nobody answers at the client any more: calls that wait for a person's yes are refused. */
  stopAsking(): void {
    this.#wires.person.close()
  }

  /** Ends every open request and task: with `gone` if the upstream is, otherwise as cancelled from our side. */
  endAll(by: Ending, gone: JsonRpcError = UPSTREAM_ENDED): void {
    this.#goneError = gone
    this.stopAsking()
    this.stopForwarding(by)
    this.#wires.pending.endAll(by)
    this.#tasks.endAll(by, gone)
    this.#ownResources.close()
    this.#unwatchPrices?.()
  }

  /** The arguments of an upstream's tool that a call over HTTP repeats in its headers; `params` are those of the call. */
  paramHeadersOf(name: string, params: JsonObject | undefined): Promise<readonly ParamHeader[]> {
    return this.#offer.listed.headersOf(name, params)
  }

  get hasOpenRequests(): boolean {
    return this.#wires.pending.size > 0
  }

  get hasOpenTasks(): boolean {
    return this.#tasks.size > 0
  }

  /** Resolves when each call that was read so far was forwarded, refused or answered: only then may the input close. */
  async admitted(): Promise<void> {
    while (this.#admissions.size > 0) await Promise.all(this.#admissions)
  }

  /** Resolves when the calls that are in flight are answered. A task's outcome is not among them. */
  async answered(): Promise<void> {
    await Promise.allSettled(this.#calls)
  }

  /** Resolves when all metered work, tasks included, is settled and answered. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work)
  }

  #receive({ message, value }: ReadMessage, raw: Buffer | string, reply: Reply): Promise<void> | undefined {
    switch (message.kind) {
      case 'invalid':
        return replyWith(reply, message.id, { error: message.error })
      case 'response':
        return this.#wires.person.takes(message.id, resultOf(value)) ? undefined : this.#wires.toUpstream(raw)
      case 'notification':
        return this.#notified(message, raw)
      case 'request':
        return this.#requested(message, raw, reply)
    }
  }

  #notified(message: Extract<ClientMessage, { kind: 'notification' }>, raw: Buffer | string): Promise<void> | undefined {
    if (message.method === 'tools/call') {
      // Whoever sends no id gets no answer, so there is nobody to refuse to; forwarded it could be work without a price.
      this.#wires.report('a tools/call without an id was dropped')
      return undefined
    }
    if (message.method === 'notifications/initialized') this.#isGreeted = true
    if (message.method !== 'notifications/cancelled') return this.#wires.toUpstream(raw)
    const id = message.params?.['requestId']
    const request = typeof id === 'string' || typeof id === 'number' ? this.#wires.pending.get(id) : undefined
    const passed = request === undefined || request.isUpstream() ? this.#wires.toUpstream(raw) : undefined
    request?.ended('cancelled')
    return passed
  }

  #requested(request: ClientRequest, raw: Buffer | string, reply: Reply): Promise<void> | undefined {
    const { pending, limits, person } = this.#wires
    person.seen(request)
    if (pending.has(request.id)) return replyWith(reply, request.id, { error: ID_IN_USE })
    if (pending.size >= limits.requestsInFlightMax) {
      const message = `Too many requests are open (${limits.requestsInFlightMax}); wait for answers before you send more`
      return replyWith(reply, request.id, { error: { code: INTERNAL_ERROR, message } })
    }
    if (request.method === 'tools/call') return this.#called(request, reply)
    const work = this.#ownResources.workFor(request)
    const fault = work === undefined ? undefined : metaFault(request.params)
    if (fault !== undefined) return replyWith(reply, request.id, { error: fault })
    if (work !== undefined) return this.#admit(() => answerOurselves(request, { wires: this.#wires, reply, work }))
    const rewrite = OFFER_REWRITES.get(request.method)
    if (rewrite !== undefined) {
      return this.#forward(request, raw, reply, async answer => rewrite(request, answer, this.#offer))
    }
    const task = request.method.startsWith('tasks/') ? this.#tasks.find(request.params?.['taskId']) : undefined
    if (task === undefined) return this.#forward(request, raw, reply)
    return this.#forward(request, raw, reply, answer => this.#taskAnswer(request.method, task, answer))
  }

  #called(request: ClientRequest, reply: Reply): Promise<void> | undefined {
    const call = readToolCall(request)
    if ('code' in call) return replyWith(reply, request.id, { error: call })
    const { own, meter } = this.#options
    const hasOutputSchema = this.#offer.schemas.has(call.name)
    const relay = (admitted: () => void): Promise<void> =>
      relayMeteredCall(call, { wires: this.#wires, tasks: this.#tasks, meter, hasOutputSchema, reply, admitted })
    const ours = own.tools(eraOf(request.params)).map(tool => tool.name)
    if (!couldBeOurs(call.name, ours)) return this.#admit(relay)
    const hold = holdPlace(this.#wires.pending, request.id)
    return this.#admit(async admitted => {
      const shown = await this.#offer.listed.shown(ours, request.params)
      if (hold.isEnded()) return reply.nothing()
      const name = shown.get(call.name)
      if (name === undefined) return relay(admitted)
      const work: OwnWork = async asked => ({ result: await own.call(name, call.arguments, asked) })
      return answerOurselves(request, { wires: this.#wires, reply, work })
    })
  }

  #admit(start: (admitted: () => void) => Promise<void>): undefined {
    const admission = new Promise<void>(admitted => {
      const call = start(admitted).finally(() => {
        admitted()
        this.#calls.delete(call)
      })
      this.#calls.add(call)
      this.#track(call)
    })
    this.#admissions.add(admission)
    void admission.then(() => this.#admissions.delete(admission))
  }

  #track(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => this.#options.report(`internal error: ${describeError(error)}`))
      .finally(() => this.#work.delete(done))
    this.#work.add(done)
  }

  /** Sends a request upstream as it came. Without a rewrite its answer passes as it came, too. */
  #forward(
    request: ClientRequest,
    raw: Buffer | string,
    reply: Reply,
    rewrite?: (answer: Answer) => Promise<Answer>
  ): Promise<void> | undefined {
    if (this.#closedBy !== undefined) return replyWith(reply, request.id, { error: this.#goneError })
    const { pending } = this.#wires
    const entry: PendingRequest = {
      isUpstream: () => true,
      answered: (answer, rawAnswer) => {
        pending.remove(request.id)
        if (rewrite === undefined) return reply.answer(rawAnswer)
        this.#track(rewrite(answer).then(rewritten => replyWith(reply, request.id, rewritten)))
        return undefined
      },
      ended: by => {
        pending.remove(request.id)
        if (by === 'upstream_ended') void replyWith(reply, request.id, { error: this.#goneError })
        else reply.nothing()
      }
    }
    pending.add(request.id, entry)
    return this.#wires.toUpstream(raw)
  }

  async #taskAnswer(method: string, task: OpenTask, answer: Answer): Promise<Answer> {
    if ('error' in answer) {
      const check = this.#tasks.check(task)
      this.#track(check)
      await within(check, this.#wires.limits.taskStateGraceMs)
      return answer
    }
    if (method === 'tasks/result') return this.#tasks.result(task, answer.result)
    if (method === 'tasks/get') return { result: await this.#tasks.state(task, answer.result) }
    if (method === 'tasks/cancel') {
      task.cancel('cancelled')
      await task.settled
    }
    return answer
  }

  #deliver(value: unknown, raw: Buffer): Promise<void> | undefined {
    const message = readUpstreamMessage(value)
    if (message.kind === 'other') return this.#options.client.write(raw)
    if (message.kind === 'notification') return this.#deliverNotification(message.method, message.params, raw)
    // An answer that nobody waits for is a late one to a cancelled request: whoever cancels expects none.
    return this.#wires.pending.get(message.id)?.answered(message.answer, raw)
  }

  #deliverNotification(method: string, params: JsonObject | undefined, raw: Buffer): Promise<void> | undefined {
    if (method === 'notifications/tools/list_changed') this.#offer.listed.forget()
    const task = TASK_NOTIFICATIONS.has(method) ? this.#tasks.find(params?.['taskId']) : undefined
    if (task === undefined || params === undefined) return this.#options.client.write(raw)
    this.#track(this.#tasks.state(task, params).then(state => {
      const line = state === params ? raw : JSON.stringify({ jsonrpc: '2.0', method, params: state })
      return this.#options.client.write(line)
    }))
    return undefined
  }

  #askUpstream(method: string, params: JsonObject): Promise<Answer> {
    if (this.#closedBy !== undefined) return Promise.resolve({ error: this.#goneError })
    const id = `mcp-credits:${this.#options.newId()}`
    const { pending } = this.#wires
    return new Promise(resolve => {
      const finish = (answer: Answer): undefined => {
        pending.remove(id)
        resolve(answer)
        return undefined
      }
      pending.add(id, { isUpstream: () => true, answered: finish, ended: () => void finish({ error: this.#goneError }) })
      void this.#wires.toUpstream(requestText(id, method, params))
    })
  }
}

/** Keeps an id taken, and open to cancellation, until it is known who answers the request. */
function holdPlace(pending: PendingRequests, id: RequestId): { readonly isEnded: () => boolean } {
  let isEnded = false
  pending.add(id, {
    isUpstream: () => false,
    answered: () => undefined,
    ended: by => {
      if (by === 'upstream_ended') return
      isEnded = true
      pending.remove(id)
    }
  })
  return { isEnded: () => isEnded }
}
