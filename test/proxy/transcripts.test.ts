import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as NewClient } from '@modelcontextprotocol/client'
import type { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { CallToolResultSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/proxy/ports.js'
import { RECEIPT } from './counting-meter.js'
import { EVERYTHING, FILESYSTEM, MODERN, OUR_PRICE, startProxy } from './harness.js'
import { isToolsChanged, oldClient } from './sdk-clients.js'
import { directTransport, proxiedTransport, type RecordingTransport } from './sdk-transport.js'

type Deed = (transport: RecordingTransport) => Promise<unknown>

/** Does the same with the server alone and behind the proxy, and returns both outcomes and conversations. */
async function both(args: readonly string[], deed: Deed) {
  const proxied = startProxy(args)
  const [alone, behind] = await Promise.all([once(directTransport(args), deed), once(proxiedTransport(proxied), deed)])
  expect(proxied.state.reserved).toBe(0)
  return { alone, behind, proxied }
}

async function once(transport: RecordingTransport, deed: Deed) {
  const outcome = await deed(transport)
  const { sent, received } = transport.recording
  return { outcome, sent, received: received.filter(message => message['method'] !== 'notifications/progress') }
}

/** A conversation as the upstream meant it: without what DESIGN lets the proxy add. */
function withoutOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(entry => !isOurs(entry)).map(withoutOurs)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value as JsonObject).filter(([name]) => name !== RECEIPT && name !== OUR_PRICE)
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutOurs(member)]).filter(([name, member]) => !isEmptyMeta(name, member)))
}

function isOurs(entry: unknown): boolean {
  const { name, uri, uriTemplate } = (entry ?? {}) as { name?: string; uri?: string; uriTemplate?: string }
  return name === 'get_credit_balance' || (uri ?? uriTemplate ?? '').startsWith('credits:')
}

function isEmptyMeta(name: unknown, member: unknown): boolean {
  return name === '_meta' && JSON.stringify(member) === '{}'
}

/** The order of unrelated messages differs between two runs of a server, and the order of members means nothing. */
function comparable(messages: readonly JsonObject[]): string[] {
  return messages.map(message => JSON.stringify(sorted(withoutOurs(message)))).sort()
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, member]) => [name, sorted(member)]))
}

describe('server-everything behaves behind the proxy as it does alone (v1 client)', () => {
  const cases: Record<string, (client: OldClient, transport: RecordingTransport) => Promise<unknown>> = {
    'tools, prompts, resources and templates': async client => [
      (await client.listTools()).tools.map(tool => tool.name),
      await client.listPrompts(),
      (await client.listResources()).resources.length,
      (await client.listResourceTemplates()).resourceTemplates.length
    ],
    'echo and sum': async client => [
      await client.callTool({ name: 'echo', arguments: { message: 'hello' } }),
      await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 3 } }),
      await client.callTool({ name: 'get-sum', arguments: { a: 'two' } }),
      await client.callTool({ name: 'no-such-tool', arguments: {} })
    ],
    'structured content against its output schema': async client => {
      await client.listTools()
      return client.callTool({ name: 'get-structured-content', arguments: { location: 'New York' } })
    },
    elicitation: client => client.callTool({ name: 'trigger-elicitation-request', arguments: {} }),
    sampling: client => client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } }),
    'prompts and completion': async client => [
      await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Rome', state: 'IT' } }),
      await client.complete({
        ref: { type: 'ref/prompt', name: 'completable-prompt' },
        argument: { name: 'name', value: 'A' },
        context: { arguments: { department: 'Engineering' } }
      })
    ],
    resources: async client => {
      const { resources } = await client.listResources()
      return client.readResource({ uri: resources[0]?.uri ?? '' })
    },
    'an unknown resource and an unknown method': async client => [
      await client.readResource({ uri: 'demo://nothing' }).catch((error: Error) => error.message),
      await client.request({ method: 'no/such' } as never, CallToolResultSchema).catch((error: Error) => error.message)
    ]
  }

  it.each(Object.entries(cases))('%s', async (_, deed) => {
    const { alone, behind } = await both(EVERYTHING, async transport => {
      const client = await oldClient(transport)
      await transport.lines.find(isToolsChanged)
      const outcome = await deed(client, transport)
      await client.close()
      return outcome
    })
    expect(withoutOurs(behind.outcome)).toEqual(withoutOurs(dropOwnCounts(alone.outcome, behind.outcome)))
    expect(comparable(behind.sent)).toEqual(comparable(alone.sent))
    expect(comparable(answersOf(behind.received))).toEqual(comparable(answersOf(alone.received)))
  })

  it('roots are asked for and answered', async () => {
    const { alone, behind } = await both(EVERYTHING, async transport => {
      const client = await oldClient(transport, { hasRoots: true })
      await transport.lines.find(line => line.includes('Roots updated'))
      const outcome = await client.callTool({ name: 'get-roots-list', arguments: {} })
      await client.close()
      return outcome
    })
    expect(withoutOurs(behind.outcome)).toEqual(alone.outcome)
    expect(comparable(behind.sent)).toEqual(comparable(alone.sent))
  })

  it('progress arrives with the client\'s own token, before the answer', async () => {
    const { behind, proxied } = await both(EVERYTHING, async transport => {
      const client = await oldClient(transport)
      const seen: number[] = []
      const result = await client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
        undefined,
        { onprogress: ({ progress }) => void seen.push(progress) }
      )
      await client.close()
      return { result, hadProgress: seen.length > 0 }
    })
    expect(behind.outcome).toMatchObject({ hadProgress: true, result: { _meta: { [RECEIPT]: { charged: 1 } } } })
    expect(proxied.outcomes).toEqual(['trigger-long-running-operation charged result'])
  })

  it('a log level set by the client holds, and log messages arrive', async () => {
    const { alone, behind } = await both(EVERYTHING, async transport => {
      const client = await oldClient(transport, { hasRoots: true })
      const logged = new Promise<string>(resolve => {
        client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
          if (String(params.data).includes('Roots updated')) resolve(params.level)
        })
      })
      await client.setLoggingLevel('info')
      const level = await logged
      await client.close()
      return level
    })
    expect(behind.outcome).toBe(alone.outcome)
  })

  it('T33: a cancelled call stops upstream and is charged by policy', async () => {
    const { alone, behind, proxied } = await both(EVERYTHING, async transport => {
      const client = await oldClient(transport)
      const stop = new AbortController()
      const call = client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 1, steps: 10 } },
        undefined,
        { signal: stop.signal, onprogress: () => stop.abort('enough') }
      )
      const outcome = await call.catch((error: Error) => error.message)
      await client.ping()
      await client.close()
      return outcome
    })
    expect(behind.outcome).toBe(alone.outcome)
    expect(comparable(answersOf(behind.received))).toEqual(comparable(answersOf(alone.received)))
    expect(proxied.outcomes).toEqual(['trigger-long-running-operation charged ended: cancelled'])
  })
})

describe('server-filesystem behind the proxy', () => {
  it('reads the same file as alone, in both clients\' old era, and refuses the same path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-'))
    try {
      writeFileSync(join(folder, 'a.txt'), 'contents')
      const { alone, behind, proxied } = await both([FILESYSTEM, folder], async transport => {
        const client = new NewClient({ name: 'new', version: '1' })
        await client.connect(transport as never)
        const outcome = [
          (await client.listTools()).tools.map(tool => tool.name),
          await client.callTool({ name: 'read_text_file', arguments: { path: join(folder, 'a.txt') } }),
          await client.callTool({ name: 'read_text_file', arguments: { path: '/etc/passwd' } })
        ]
        await client.close()
        return outcome
      })
      expect(withoutOurs(behind.outcome)).toEqual(withoutOurs(dropOwnCounts(alone.outcome, behind.outcome)))
      expect(comparable(answersOf(behind.received))).toEqual(comparable(answersOf(alone.received)))
      expect(proxied.outcomes).toEqual(['read_text_file charged result', 'read_text_file released result'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('a server of the modern era behind the proxy (v2 client)', () => {
  const MODERN_ONLY = { versionNegotiation: { mode: { pin: '2026-07-28' } } } as const

  async function newClient(transport: RecordingTransport): Promise<NewClient> {
    const client = new NewClient({ name: 'new', version: '1' }, { ...MODERN_ONLY, capabilities: { elicitation: { form: {} } } })
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirm: true } }))
    await client.connect(transport as never)
    return client
  }

  it('tools, structured results, prompts, resources and errors are those of the server alone', async () => {
    const { alone, behind } = await both(MODERN, async transport => {
      const client = await newClient(transport)
      const outcome = [
        client.getProtocolEra(),
        await client.callTool({ name: 'echo', arguments: { text: 'hello' } }),
        await client.callTool({ name: 'sum', arguments: { a: 1, b: 2 } }),
        await client.callTool({ name: 'nothing', arguments: {} }).catch((error: Error) => error.message),
        await client.readResource({ uri: 'note://1' }),
        await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } })
      ]
      await client.close()
      return outcome
    })
    expect(withoutOurs(behind.outcome)).toEqual(withoutOurs(alone.outcome))
    expect(comparable(behind.sent)).toEqual(comparable(alone.sent))
    expect(comparable(answersOf(behind.received))).toEqual(comparable(answersOf(alone.received)))
  })

  it('a multi-round call is released in the first round and charged in the last', async () => {
    const { alone, behind, proxied } = await both(MODERN, async transport => {
      const client = await newClient(transport)
      const outcome = await client.callTool({ name: 'deploy', arguments: { environment: 'test' } })
      await client.close()
      return outcome
    })
    expect(withoutOurs(behind.outcome)).toEqual(withoutOurs(alone.outcome))
    expect(proxied.outcomes).toEqual(['deploy released input_required', 'deploy charged result'])
  })

  it('discover keeps the server\'s instructions before ours; lists are private and no longer valid than prices', async () => {
    const proxied = startProxy(MODERN)
    const transport = proxiedTransport(proxied)
    const client = await newClient(transport)
    expect(client.getInstructions()).toBe('Upstream first.\n\nOurs after.')
    const tools = await client.listTools()
    expect(tools.tools.map(tool => tool.name)).toEqual(['echo', 'sum', 'progress', 'deploy', 'get_credit_balance'])
    await client.listResources()
    const cached = transport.recording.received.map(message => message['result'] as JsonObject | undefined).filter(result => result?.['tools'] ?? result?.['resources'])
    expect(cached.map(result => result?.['cacheScope'])).toEqual(['private', 'private'])
    for (const result of cached) expect(result?.['ttlMs']).toBeLessThanOrEqual(60_000)
    expect(await client.callTool({ name: 'get_credit_balance', arguments: {} })).toMatchObject({ content: [{ text: expect.stringContaining('"era":"modern"') }] })
    await client.close()
  })

  it('progress passes', async () => {
    const proxied = startProxy(MODERN)
    const client = await newClient(proxiedTransport(proxied))
    const seen: number[] = []
    await client.callTool({ name: 'progress', arguments: {} }, { onprogress: ({ progress }) => void seen.push(progress) })
    expect(seen[0]).toBe(1)
    await client.close()
  })
})

function answersOf(received: readonly JsonObject[]): JsonObject[] {
  return received.filter(message => 'id' in message && !isOffer(message))
}

/** What `initialize` and `server/discover` answer is rewritten by design, and tested by itself. */
function isOffer(message: JsonObject): boolean {
  return 'capabilities' in ((message['result'] ?? {}) as JsonObject)
}

/** Names and counts of a list, where ours are added by design. */
function dropOwnCounts(alone: unknown, behind: unknown): unknown {
  if (!Array.isArray(alone) || !Array.isArray(behind)) return alone
  return alone.map((value, index) => {
    const other = behind[index] as unknown
    if (typeof value === 'number' && other === value + 1) return other
    return Array.isArray(value) && Array.isArray(other) && other.at(-1) === 'get_credit_balance' ? [...value, 'get_credit_balance'] : value
  })
}
