import { afterEach, describe, expect, it } from 'vitest'
import { ownServer, type Proxied, SCRIPTED, startProxy } from './harness.js'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const open: Proxied[] = []

function start(): Proxied {
  const proxied = startProxy(SCRIPTED, { own: ownServer() })
  open.push(proxied)
  return proxied
}

afterEach(async () => {
  for (const proxied of open.splice(0)) {
    proxied.stop()
    await proxied.exit
  }
})

async function expectNothingRan(proxied: Proxied): Promise<void> {
  expect((await proxied.request('seen', 'test/seen')).result?.['seen']).toHaveLength(1)
  expect(proxied.names).toEqual([])
}

describe.each(['raw_line', 'get_credit_balance'])('a call of %s', name => {
  it.each([null, 5, 'text', []])('T36: with %j as its _meta is refused before anything runs', async meta => {
    const proxied = start()
    const { error } = await proxied.request(1, 'tools/call', { name, _meta: meta })
    expect(error).toEqual({ code: -32602, message: 'Invalid params: "_meta" must be an object' })
    await expectNothingRan(proxied)
  })

  it.each([null, 5, 'text', []])('T36: with %j as its arguments is refused before anything runs', async args => {
    const proxied = start()
    const { error } = await proxied.request(1, 'tools/call', { name, arguments: args })
    expect(error).toEqual({ code: -32602, message: 'Invalid params: "arguments" must be an object' })
    await expectNothingRan(proxied)
  })

  it.each(['2099-01-01', '2025-11-25', ''])('T36: that names the version %j, which no request can name, is refused before anything runs', async requested => {
    const proxied = start()
    const { error } = await proxied.request(1, 'tools/call', { name, _meta: { [VERSION]: requested } })
    expect(error).toEqual({ code: -32022, message: `Unsupported protocol version: ${requested}`, data: { supported: ['2026-07-28'], requested } })
    await expectNothingRan(proxied)
  })
})

it('T36: a member of a batch is held to the same', async () => {
  const proxied = start()
  proxied.send([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line', _meta: null } }])
  const answers = JSON.parse(await proxied.lines.find(line => line.startsWith('['))) as unknown
  expect(answers).toEqual([{ jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'Invalid params: "_meta" must be an object' } }])
  await expectNothingRan(proxied)
})

it('a resource of ours is read in a known version only, and what the upstream answers is its own to judge', async () => {
  const proxied = start()
  const _meta = { [VERSION]: '2099-01-01' }
  expect((await proxied.request(1, 'resources/read', { uri: 'credits://balance', _meta })).error).toMatchObject({ code: -32022 })
  expect((await proxied.request(2, 'test/seen', { _meta })).result?.['seen']).toHaveLength(1)
})
