import { describe, expect, it } from 'vitest'
import { CreditError } from '../../src/errors.js'
import { bodyOf, CLIENT_KINDS, connect, INITIALIZE, RawClient, serve, testLedger, type ToolResult } from './support.js'

/** Arguments of `charge_credits` that must be refused, and the code. */
const BAD: readonly (readonly [what: string, args: Record<string, unknown>, code: string, names?: string])[] = [
  ['nothing', {}, 'invalid_request', 'operation'],
  ['a number for a name', { operation: 7 }, 'invalid_request', 'operation'],
  ['an empty name', { operation: '' }, 'invalid_request', 'operation'],
  ['a name of 256 characters', { operation: 'x'.repeat(256) }, 'invalid_request', 'operation'],
  ['a text for a quantity', { operation: 'translate', quantity: '2' }, 'invalid_request', 'quantity'],
  ['a negative quantity', { operation: 'translate', quantity: -1 }, 'invalid_amount'],
  ['a field that is not known', { operation: 'translate', free: true }, 'invalid_request', 'free'],
  ['an account', { operation: 'translate', account: 'other' }, 'invalid_request', 'account'],
  ['an empty key', { operation: 'translate', idempotency_key: '' }, 'invalid_request', 'idempotency_key'],
  ['a key of 256 characters', { operation: 'translate', idempotency_key: 'k'.repeat(256) }, 'invalid_request', 'idempotency_key'],
  ['the name that a field has in the library', { operation: 'translate', idempotencyKey: 'k' }, 'invalid_request', 'idempotencyKey'],
  ['a list for labels', { operation: 'translate', labels: ['a'] }, 'invalid_request', 'labels'],
  ['a number for a label', { operation: 'translate', labels: { a: 1 } }, 'invalid_request', 'labels.a'],
  ['65 labels', { operation: 'translate', labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, ''])) }, 'invalid_request', 'labels'],
  ['a label of more than 1 kB', { operation: 'translate', labels: { a: 'x'.repeat(1_025) } }, 'invalid_request', 'labels'],
  ['a negative actual', { operation: 'translate', actual: -1 }, 'invalid_amount', 'actual'],
  ['an actual with seven decimals', { operation: 'translate', actual: 0.0000001 }, 'invalid_amount', 'actual'],
  ['an actual beyond two billion', { operation: 'translate', actual: 2_000_000_001 }, 'invalid_amount', 'actual'],
  ['a text for an actual', { operation: 'translate', actual: 'all' }, 'invalid_amount', 'actual'],
  ['an operation that the catalog does not have', { operation: 'no.such' }, 'unknown_operation'],
  ['a variant that it does not have', { operation: 'video.clip', variant: 'no.such' }, 'unknown_variant'],
]

describe.each(CLIENT_KINDS)('with %s', (kind) => {
  it('every bad argument is refused with its code and the name of its field, and nothing is written', async () => {
    const ledger = await testLedger()
    const { client, served } = await connect(kind, ledger)
    const before = await ledger.credits.balance()
    for (const [what, args, code, names = ''] of BAD) {
      const result = await client.callTool({ name: 'charge_credits', arguments: args })
      expect(result.isError, what).toBe(true)
      expect(bodyOf(result).error.code, what).toBe(code)
      expect(bodyOf(result).error.message, what).toContain(names)
      expect(bodyOf(result).error.message.length, what).toBeLessThan(1_000)
    }
    expect(await ledger.credits.balance()).toEqual(before)
    expect(served.reports).toEqual([])
  })
})

describe('what no client sends', () => {
  it('T29: -0, 1e309 and numbers beyond all doubles are refused by the one body', async () => {
    const raw = await opened()
    for (const [id, number] of ['-0', '1e309', '-1e309', '123456789012345678901234567890'].entries()) {
      for (const field of ['actual', 'quantity']) {
        const key = `${id}-${field}`
        const args = `{"operation":"translate","${field}":${number}}`
        const answer = await raw.ask(callOf(key, 'charge_credits', args), (message) => message['id'] === key)
        expect(['invalid_request', 'invalid_amount'], `${field} ${number}`).toContain(bodyOf(answer['result'] as ToolResult).error.code)
      }
    }
  })

  it('a message of 11 MB is read and its argument refused, one of 40 MB is refused as a message; the server stays up', async () => {
    const raw = await opened()
    const big = await raw.ask(callOf(1, 'charge_credits', JSON.stringify({ operation: 'x'.repeat(11_000_000) })), ({ id }) => id === 1)
    expect(bodyOf(big['result'] as ToolResult).error).toMatchObject({ code: 'invalid_request' })
    const huge = await raw.ask(callOf(2, 'charge_credits', JSON.stringify({ operation: 'x'.repeat(40_000_000) })), ({ id }) => id === null)
    expect(huge['error']).toMatchObject({ code: -32600 })
    await expectAlive(raw)
  })

  it('what is no JSON, no message or a batch is answered by an error; the server stays up', async () => {
    const raw = await opened()
    const cases: readonly (readonly [string, number, unknown])[] = [
      ['{"jsonrpc":"2.0",', -32700, null],
      ['hello', -32700, null],
      ['42', -32600, null],
      ['{"jsonrpc":"1.0","id":7,"method":"tools/list"}', -32600, 7],
      ['{"jsonrpc":"2.0","id":{},"method":"tools/list"}', -32600, null],
      ['[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', -32600, null],
    ]
    for (const [line, code, id] of cases) {
      const answer = await raw.ask(line, (message) => 'error' in message)
      expect(answer, line).toMatchObject({ id, error: { code } })
    }
    await expectAlive(raw)
  })

  it('arguments that are no object are a protocol error', async () => {
    const raw = await opened()
    const answer = await raw.ask(callOf('list', 'charge_credits', '[1]'), ({ id }) => id === 'list')
    expect(answer['error']).toMatchObject({ code: -32602 })
    await expectAlive(raw)
  })

  it('arguments nested a hundred thousand deep end neither the process nor the connection, and charge nothing', async () => {
    const raw = await opened()
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    for (const [id, args] of [['args', `{"operation":"no.such","args":${deep},"idempotency_key":"k"}`], ['labels', `{"operation":"translate","labels":${deep}}`]] as const) {
      const answer = await raw.ask(callOf(id, 'charge_credits', args), (message) => message['id'] === id || message['id'] === null)
      expect(answer['error'] ?? (answer['result'] as ToolResult).isError, id).toBeTruthy()
    }
    await expectAlive(raw)
  })

  it('a flood of unknown fields is refused in few words', async () => {
    const raw = await opened()
    const args = JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`field_${n}`, n])))
    const answer = await raw.ask(callOf('flood', 'get_credit_balance', args), ({ id }) => id === 'flood')
    expect(JSON.stringify(answer).length).toBeLessThan(4_000)
  })

  it('what was asked before the client closed its end is answered, also without a last newline', async () => {
    const ledger = await testLedger()
    const served = serve(async () => ledger.credits)
    const raw = new RawClient(served)
    served.input.write(`${INITIALIZE}\n${callOf('a', 'charge_credits', '{"operation":"translate"}')}\n`)
    served.input.end(callOf('b', 'get_credit_balance', '{}'))
    await served.connection.closed
    expect(raw.messages.map(({ id }) => id).sort()).toEqual(['a', 'b', 'open'])
  })
})

describe('what fails inside', () => {
  it('is told to the operator and not to the client', async () => {
    const served = serve(() => Promise.reject(new Error('secret path /home/x')))
    const raw = await opened(served)
    const answer = await raw.ask(callOf('call', 'get_credit_balance', '{}'), ({ id }) => id === 'call')
    expect(answer).toMatchObject({ error: { code: -32603, message: 'Internal error' } })
    const read = await raw.ask(JSON.stringify({ jsonrpc: '2.0', id: 'read', method: 'resources/read', params: { uri: 'credits://balance' } }), ({ id }) => id === 'read')
    expect(JSON.stringify([answer, read])).not.toContain('secret')
    expect(served.reports.join()).toContain('secret path')
  })

  it('a ledger that cannot be opened refuses each call, and is found again when it is back', async () => {
    const ledger = await testLedger()
    let isAway = true
    const served = serve(async () => {
      if (isAway) throw new CreditError('ledger_unavailable', 'The ledger cannot be reached')
      return ledger.credits
    })
    const raw = await opened(served)
    const refused = await raw.ask(callOf(1, 'charge_credits', '{"operation":"translate"}'), ({ id }) => id === 1)
    expect(bodyOf(refused['result'] as ToolResult).error).toMatchObject({ code: 'ledger_unavailable', retryable: true })
    isAway = false
    const done = await raw.ask(callOf(2, 'charge_credits', '{"operation":"translate"}'), ({ id }) => id === 2)
    expect((done['result'] as ToolResult).structuredContent).toMatchObject({ charged: 7 })
  })
})

describe('starting', () => {
  it('opens nothing: the ledger is asked for by each call that is valid, with what it needs', async () => {
    const ledger = await testLedger()
    for (const kind of CLIENT_KINDS) {
      const asked: string[] = []
      const { client } = await connect(kind, ledger, {
        credits: async (need) => {
          asked.push(need)
          return ledger.credits
        },
      })
      await client.listTools()
      await client.listResources()
      await client.callTool({ name: 'charge_credits', arguments: { operation: 7 } })
      expect(asked, kind).toEqual([])
      await Promise.all([client.callTool({ name: 'get_credit_balance' }), client.readResource({ uri: 'credits://balance' })])
      await client.callTool({ name: 'charge_credits', arguments: { operation: 'nothing' } })
      expect(asked, kind).toEqual(['credits:read', 'credits:read', 'credits:spend'])
    }
  })
})

async function opened(served?: ReturnType<typeof serve>): Promise<RawClient> {
  const ledger = served === undefined ? await testLedger() : undefined
  const raw = new RawClient(served ?? serve(async () => (ledger as NonNullable<typeof ledger>).credits))
  await raw.ask(INITIALIZE, ({ id }) => id === 'open')
  raw.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
  return raw
}

function callOf(id: string | number, name: string, args: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`
}

async function expectAlive(raw: RawClient): Promise<void> {
  const answer = await raw.ask(callOf('alive', 'get_credit_balance', '{}'), ({ id }) => id === 'alive')
  expect((answer['result'] as ToolResult).structuredContent).toMatchObject({ balance: 250 })
}
