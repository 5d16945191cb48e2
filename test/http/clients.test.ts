import { describe, expect, it } from 'vitest'
import { bodyOf } from '../mcp/support.js'
import { connected, HTTP_CLIENT_KINDS, newKey, served } from './support.js'

describe.each(HTTP_CLIENT_KINDS)('over HTTP, %s', (kind) => {
  it('SN-11: lists our tools, calls them, and the ledger has what was charged', async () => {
    const { url, key, ledger } = await served()
    const client = await connected(kind, url, key)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['get_credit_balance', 'charge_credits', 'reserve_credits']))
    const { balance } = await ledger.credits.balance()
    const charged = await client.callTool({ name: 'charge_credits', arguments: { operation: 'translate' } })
    expect(charged.structuredContent).toMatchObject({ charged: 7, balance: balance - 7 })
    expect((await ledger.credits.balance()).balance).toBe(balance - 7)
  })

  it('is refused with the facts of a refusal, in a result and not by HTTP', async () => {
    const { url, key, ledger } = await served()
    const client = await connected(kind, url, key)
    const { balance } = await ledger.credits.balance()
    const refused = await client.callTool({ name: 'charge_credits', arguments: { operation: 'translate', quantity: 1_000 } })
    expect(refused.isError).toBe(true)
    expect(refused.structuredContent).toBeUndefined()
    expect(bodyOf(refused).error).toMatchObject({ code: 'out_of_credits', retryable: false, details: { required: 7_000, available: balance } })
  })

  it('is refused what its key does not allow, in the same body as on standard input and output', async () => {
    const { url, ledger } = await served()
    const client = await connected(kind, url, await newKey(ledger, { scopes: ['credits:read'] }))
    expect((await client.callTool({ name: 'get_credit_balance' })).isError).toBeUndefined()
    const refused = await client.callTool({ name: 'charge_credits', arguments: { operation: 'translate' } })
    expect(bodyOf(refused).error).toMatchObject({ code: 'forbidden', details: { scope: 'credits:spend', scopes: ['credits:read'] } })
  })

  it('reads the balance as a resource', async () => {
    const { url, key } = await served()
    const client = await connected(kind, url, key)
    const { contents } = await client.readResource({ uri: 'credits://balance' })
    expect(JSON.parse(contents[0]?.text ?? '')).toEqual((await client.callTool({ name: 'get_credit_balance' })).structuredContent)
  })

  it('learns that its key was revoked at its next request', async () => {
    const { url, ledger } = await served()
    const client = await connected(kind, url, await newKey(ledger, { id: 'leaver' }))
    await client.callTool({ name: 'get_credit_balance' })
    await ledger.credits.revokeKey({ id: 'leaver' })
    await expect(client.callTool({ name: 'get_credit_balance' })).rejects.toThrow(/401|nauthorized/)
  })
})
