import type { Readable, Writable } from 'node:stream'
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  parseJSONRPCMessage,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/server'
import { BatchAnswers } from '../json/batch-answers.js'
import {
  answerText,
  type ClientMessage,
  ID_IN_USE,
  invalidRequest,
  type JsonRpcError,
  readClientLine,
  type ReadMessage,
  type RequestId,
  tooLong,
} from '../json/json-rpc.js'
import { metaFault } from '../json/meta-fault.js'
import { type Line, LineSplitter } from '../json/line-framing.js'

export interface StdioLimits {
  /** The longest line that is read. A tool argument with a file of 20 MB in base64 passes; memory stays bounded. */
  readonly lineBytesMax: number
  /** For requests that wait for an answer after the client has closed its end or a signal has come: work that was paid for is worth a wait. */
  readonly answerGraceMs: number
  readonly batchMembersMax: number
}

export const STDIO_LIMITS: StdioLimits = { lineBytesMax: 32 * 1024 * 1024, answerGraceMs: 10_000, batchMembersMax: 1_000 }

/** What a transport's owner may want to see of the traffic. */
export interface Traffic {
  /** Before a message of ours is written; it is written once this has resolved. */
  readonly sending?: (message: JSONRPCMessage) => Promise<void>
  readonly received?: (message: JSONRPCMessage) => void
}

/**
 * JSON-RPC over two streams, a message a line. Unlike the SDK's own it refuses what it cannot read, and what two parsers
 * could read differently, by a JSON-RPC error instead of silence; it survives a line of any length, takes the batches of
 * the versions that have them, and answers what was asked before the client closed its end: `printf '{…}' | mcp-credits
 * serve` is a fair request.
 */
export class StdioTransport implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>
  onclose?: () => void
  onerror?: (error: Error) => void

  readonly #input: Readable
  readonly #output: Writable
  readonly #traffic: Traffic
  readonly #limits: StdioLimits
  readonly #lines: LineSplitter
  /** The requests that wait for their answer, each with the batch that it came in, if it came in one. */
  readonly #owed = new Map<RequestId, BatchAnswers | null>()
  #hasBatches = false
  #hasEnded = false
  #isClosed = false
  #grace: NodeJS.Timeout | undefined

  constructor(input: Readable, output: Writable, traffic: Traffic = {}, limits: StdioLimits = STDIO_LIMITS) {
    this.#input = input
    this.#output = output
    this.#traffic = traffic
    this.#limits = limits
    this.#lines = new LineSplitter(limits.lineBytesMax)
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#onData)
    this.#input.on('end', this.#onEnd)
    this.#input.on('close', this.#onEnd)
    this.#input.on('error', this.#onError)
    this.#output.on('error', this.#onError)
    if (this.#input.readableEnded || this.#input.destroyed) setImmediate(this.#onEnd)
  }

  /** Told by the server once the version is agreed upon. */
  setProtocolVersion(version: string): void {
    this.#hasBatches = BATCH_VERSIONS.has(version)
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#traffic.sending?.(message)
    const id = isJSONRPCResponse(message) ? message.id : undefined
    const batch = id === undefined ? null : this.#owed.get(id)
    const text = serializeMessage(message)
    const line = batch ? batch.add(text) : text.trimEnd()
    if (line !== undefined) await this.#write(line)
    if (id !== undefined) this.#settled(id)
  }

  /** Reads nothing more, and closes once what was asked is answered, as when the client closes its end. */
  finish(): void {
    this.#input.off('data', this.#onData)
    this.#input.pause()
    this.#closeOnceAnswered()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#grace)
    this.#input.off('data', this.#onData)
    this.#input.off('end', this.#onEnd)
    this.#input.off('close', this.#onEnd)
    this.#input.pause()
    this.onclose?.()
  }

  readonly #onData = (chunk: Buffer): void => {
    for (const line of this.#lines.push(chunk)) this.#takeLine(line)
  }

  readonly #onEnd = (): void => {
    if (this.#hasEnded) return
    for (const line of this.#lines.end()) this.#takeLine(line)
    this.#closeOnceAnswered()
  }

  #closeOnceAnswered(): void {
    if (this.#hasEnded || this.#isClosed) return
    this.#hasEnded = true
    if (this.#owed.size === 0) {
      void this.close()
      return
    }
    this.#grace = setTimeout(() => void this.close(), this.#limits.answerGraceMs)
    this.#grace.unref()
  }

  /** A broken pipe: nobody reads any more. */
  readonly #onError = (error: Error): void => {
    this.onerror?.(error)
    void this.close()
  }

  #takeLine(line: Line): void {
    if (line.kind === 'too_long') return this.#refuse(null, tooLong(this.#limits.lineBytesMax), null)
    const text = line.bytes.toString()
    if (text.trim() === '') return
    // Our tools refuse by themselves a number that no double holds, in the body of all refusals.
    const read = readClientLine(text, { batchMembersMax: this.#hasBatches ? this.#limits.batchMembersMax : 0, isPassedOn: false })
    if (read.kind === 'single') return this.#take(read, null)
    const batch = new BatchAnswers(read.members.filter(({ message }) => isAnswered(message)).length)
    for (const member of read.members) this.#take(member, batch)
  }

  #take({ message, value }: ReadMessage, batch: BatchAnswers | null): void {
    if (message.kind === 'invalid') return this.#refuse(message.id, message.error, batch)
    if (message.kind === 'request') {
      const error = this.#owed.has(message.id) ? ID_IN_USE : metaFault(message.params)
      if (error !== undefined) return this.#refuse(message.id, error, batch)
    }
    let parsed: JSONRPCMessage
    try {
      parsed = parseJSONRPCMessage(value)
    } catch {
      return this.#refuse(message.kind === 'request' ? message.id : null, NO_MESSAGE, isAnswered(message) ? batch : null)
    }
    this.#count(parsed, batch)
    this.#traffic.received?.(parsed)
    this.onmessage?.(parsed)
  }

  /** A subscription is answered when it ends, which may be never; it is no reason to stay. */
  #count(message: JSONRPCMessage, batch: BatchAnswers | null): void {
    if (isJSONRPCRequest(message) && message.method !== 'subscriptions/listen') this.#owed.set(message.id, batch)
    else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      const cancelled = message.params?.['requestId']
      if (typeof cancelled === 'string' || typeof cancelled === 'number') this.#cancelled(cancelled)
    }
  }

  /** Whoever cancels expects no answer, and the server gives none. */
  #cancelled(id: RequestId): void {
    const line = this.#owed.get(id)?.add(null)
    if (line !== undefined) this.#writeUnasked(line)
    this.#settled(id)
  }

  #settled(id: RequestId): void {
    this.#owed.delete(id)
    if (this.#hasEnded && this.#owed.size === 0) void this.close()
  }

  #refuse(id: RequestId | null, error: JsonRpcError, batch: BatchAnswers | null): void {
    const text = answerText(id, { error })
    const line = batch === null ? text : batch.add(text)
    if (line !== undefined) this.#writeUnasked(line)
  }

  #writeUnasked(line: string): void {
    void this.#write(line).catch((error: Error) => this.onerror?.(error))
  }

  #write(line: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'))
    return new Promise((resolve, reject) => {
      this.#output.write(`${line}\n`, (error) => (error ? reject(error) : resolve()))
    })
  }
}

const BATCH_VERSIONS: ReadonlySet<string> = new Set(['2024-10-07', '2024-11-05', '2025-03-26'])

const NO_MESSAGE = invalidRequest('this is no message of the protocol')

function isAnswered({ kind }: ClientMessage): boolean {
  return kind === 'request' || kind === 'invalid'
}
