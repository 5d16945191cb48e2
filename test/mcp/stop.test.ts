import { expect, it } from 'vitest'
import { ENVELOPE, INITIALIZE, RawClient, serve, testLedger } from './support.js'

const balance = (id: number, meta?: unknown) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'get_credit_balance', arguments: {}, ...(meta === undefined ? {} : { _meta: meta }) } })

it('T03: told to finish, the server answers what it has read, reads no more, and closes', async () => {
  const ledger = await testLedger()
  let open = (): void => undefined
  const opening = new Promise<void>((resolve) => (open = resolve))
  const served = serve(async () => opening.then(() => ledger.credits))
  const raw = new RawClient(served)
  await raw.ask(INITIALIZE, ({ id }) => id === 'open')
  raw.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
  raw.send(balance(1))
  await raw.ask('{"jsonrpc":"2.0","id":"ping","method":"ping"}', ({ id }) => id === 'ping')
  served.connection.finish()
  raw.send(balance(2))
  open()
  await served.connection.closed
  expect(raw.messages.filter(({ id }) => id === 1)).toMatchObject([{ result: { structuredContent: { account: 'default' } } }])
  expect(raw.messages.filter(({ id }) => id === 2)).toEqual([])
})

it('told to finish while nothing is asked, the server closes at once', async () => {
  const served = serve(async () => Promise.reject(new Error('not asked')))
  served.connection.finish()
  await served.connection.closed
})

it.each(['2099-01-01', '2025-11-25'])('T36: a version that no request can name (%s) is refused on the first message and on every later one', async (requested) => {
  const { credits } = await testLedger()
  const raw = new RawClient(serve(async () => credits))
  const error = { code: -32022, message: `Unsupported protocol version: ${requested}`, data: { supported: ['2026-07-28'], requested } }
  const unknown = { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': requested }
  expect(await raw.ask(balance(1, unknown), ({ id }) => id === 1)).toMatchObject({ error })
  expect(await raw.ask(balance(2, ENVELOPE), ({ id }) => id === 2)).toHaveProperty('result')
  expect(await raw.ask(balance(3, unknown), ({ id }) => id === 3)).toMatchObject({ error })
})

it.each([null, 5, 'text', []])('T36: %j as the _meta of a request is refused in the words of the proxy', async (meta) => {
  const { credits } = await testLedger()
  const raw = new RawClient(serve(async () => credits))
  await raw.ask(INITIALIZE, ({ id }) => id === 'open')
  const error = { code: -32602, message: 'Invalid params: "_meta" must be an object' }
  expect(await raw.ask(balance(1, meta), ({ id }) => id === 1)).toMatchObject({ error })
})
