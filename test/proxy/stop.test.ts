import { expect, it } from 'vitest'
import { countingMeter, RECEIPT } from './counting-meter.js'
import { answerTo, type Proxied, SCRIPTED, startProxy, turns } from './harness.js'

async function startSilent(proxied: Proxied): Promise<void> {
  proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } })
  await proxied.lines.find(line => line.includes('started'))
}

it('T03: told to end in mid-call, it answers and charges what was read, reads no more, and ends with 0', async () => {
  let admit = (): void => undefined
  const admitted = new Promise<void>(resolve => { admit = resolve })
  let admissions = 0
  const proxied = startProxy(SCRIPTED, { counting: countingMeter({ admit: async () => (admissions++ === 0 ? undefined : admitted) }) })
  await startSilent(proxied)
  proxied.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'wake' } })
  await proxied.request(3, 'test/seen')
  proxied.stop()
  proxied.send({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: { name: 'raw_line' } })
  admit()
  const woken = { content: [{ type: 'text', text: 'woken' }], _meta: { [RECEIPT]: { charged: 1 } } }
  expect((await Promise.all([answerTo(proxied.lines, 1), answerTo(proxied.lines, 2)])).map(({ result }) => result)).toEqual([woken, woken])
  expect(await proxied.exit).toEqual({ code: 0, reason: 'stopped' })
  expect(proxied.outcomes).toEqual(['silent charged result', 'wake charged result'])
})

it('T03: a call that is still unfinished when the grace is over ends as stopped, and is told so', async () => {
  const proxied = startProxy(SCRIPTED, { limits: { answerGraceMs: 20 } })
  await startSilent(proxied)
  proxied.stop()
  const { error } = await answerTo(proxied.lines, 1)
  expect(error).toEqual({ code: -32603, message: 'The server was told to end before the call was done' })
  expect(await proxied.exit).toEqual({ code: 0, reason: 'stopped' })
  expect(proxied.outcomes).toEqual(['silent released ended: stopped'])
})

it('T33: a signal after the client has closed cuts the wait short, and the call is still the one that the client left', async () => {
  const proxied = startProxy(SCRIPTED)
  await startSilent(proxied)
  proxied.input.end()
  await turns(10)
  proxied.stop()
  expect(await proxied.exit).toEqual({ code: 0, reason: 'client_closed' })
  expect(proxied.outcomes).toEqual(['silent charged ended: client_closed'])
})
