import { describe, expect, it } from 'vitest'
import { CreditError } from '../../src/errors.js'
import { ownServer } from '../../src/mcp/index.js'
import type { OwnRequest, OwnServer, Prices } from '../../src/proxy/ports.js'
import { priceDecorator } from '../../src/usage/price-decorator.js'
import { connect, testLedger } from './support.js'

const asked = (era: OwnRequest['era']): OwnRequest => ({ era, meta: undefined, person: {}, signal: new AbortController().signal })

describe('our tools as a value', () => {
  it("fit the proxy's port, and a catalog's prices too", () => {
    const own: OwnServer = ownServer({ credits: () => Promise.reject(new Error('not asked')), toolsets: ['read'] })
    const decorate: (catalog: Parameters<typeof priceDecorator>[0]) => Prices['decorate'] = priceDecorator
    expect([own.tools('modern').length, typeof decorate]).toEqual([8, 'function'])
  })

  it('list, answer and refuse exactly as the server does', async () => {
    const ledger = await testLedger()
    const { client } = await connect('the client of SDK 2 that wants 2026-07-28', ledger)
    const own = ownServer({ credits: async () => ledger.credits, toolsets: ['read', 'spend', 'ask'] })
    expect(JSON.parse(JSON.stringify(own.tools('legacy')))).toEqual((await client.listTools()).tools)
    const calls = [
      ['get_credit_balance', {}],
      ['charge_credits', { operation: 'translate', idempotency_key: 'k' }],
      ['charge_credits', { operation: 'blog.post', quantity: 100 }],
      ['charge_credits', { operation: 7 }],
      ['list_operations', undefined],
    ] as const
    for (const [name, args] of calls) {
      const ours = (await own.call(name, args, asked('legacy'))) as Record<string, unknown>
      const theirs = (await client.callTool({ name, ...(args === undefined ? {} : { arguments: args }) })) as unknown as Record<string, unknown>
      expect(withoutReplay(ours), name).toEqual(withoutReplay(theirs))
    }
  })

  it('an agent stays an agent: what the ledger was opened as does not matter', async () => {
    const ledger = await testLedger()
    const { reservation } = await ledger.credits.reserve({ operation: 'blog.post' })
    const own = ownServer({ credits: async () => ledger.credits, toolsets: ['spend'] })
    const result = await own.call('release_reservation', { reservation }, asked('modern'))
    expect(JSON.stringify(result)).toContain('unknown_reservation')
  })

  it('resources are read with what the modern era asks for, and are not found in the words of each era', async () => {
    const ledger = await testLedger()
    const { resources } = ownServer({ credits: async () => ledger.credits, toolsets: ['read'] })
    expect(resources.list('modern').map((resource) => resource['uri'])).toEqual(['credits://balance', 'credits://prices'])
    expect(await resources.read('credits://balance', asked('modern'))).toMatchObject({ result: { ttlMs: 0, cacheScope: 'private' } })
    expect(await resources.read('credits://balance', asked('legacy'))).not.toHaveProperty('result.ttlMs')
    expect(await resources.read('credits://x', asked('legacy'))).toMatchObject({ error: { code: -32002, data: { uri: 'credits://x' } } })
    expect(await resources.read('credits://x', asked('modern'))).toMatchObject({ error: { code: -32602 } })
  })

  it('a refused resource is an error with its body, a bug rejects', async () => {
    const failing = (error: Error) => ownServer({ credits: () => Promise.reject(error), toolsets: ['read'] })
    const refused = await failing(new CreditError('unknown_account', 'No.')).resources.read('credits://balance', asked('modern'))
    expect(refused).toMatchObject({ error: { code: 404, data: { error: { code: 'unknown_account' } } } })
    await expect(failing(new Error('bug')).resources.read('credits://balance', asked('modern'))).rejects.toThrow('bug')
    await expect(failing(new Error('bug')).call('get_credit_balance', {}, asked('modern'))).rejects.toThrow('bug')
  })
})

/** The same call twice with one key: the second says that it was answered before. The SDK adds the server's name. */
function withoutReplay(result: Record<string, unknown>): unknown {
  const { _meta, ...rest } = JSON.parse(JSON.stringify(result).replaceAll(/(\\?"replayed\\?":)(?:true|false)/g, '$1null')) as Record<string, Record<string, unknown>>
  return { ...rest, refusal: _meta?.['io.github.mcp-credits/refusal'] }
}

