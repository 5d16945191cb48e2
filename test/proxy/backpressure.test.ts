import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { LineWriter } from '../../src/proxy/line-writer.js'
import { Lines, SCRIPTED, startProxy, turns } from './harness.js'

it('a writer says when its stream takes no more, and when it does again', async () => {
  const stream = new PassThrough({ highWaterMark: 8 })
  const writer = new LineWriter(stream, () => undefined)
  expect(writer.congestion()).toBeUndefined()
  const drained = writer.write('0123456789')
  expect(drained).toBeInstanceOf(Promise)
  expect(writer.congestion()).toBe(drained)
  const lines = new Lines(stream)
  await drained
  expect(writer.congestion()).toBeUndefined()
  expect(lines.all).toEqual(['0123456789'])
})

it('a writer whose stream is gone says so once, waits for nothing and throws nothing', async () => {
  const stream = new PassThrough({ highWaterMark: 8 })
  let gone = 0
  const writer = new LineWriter(stream, () => { gone += 1 })
  const drained = writer.write(Buffer.from('0123456789'))
  stream.destroy(new Error('EPIPE'))
  await drained
  expect(writer.write('more')).toBeUndefined()
  expect(gone).toBe(1)
})

it('answers of metered calls that the client does not read stop the reading of the upstream, and none is lost', async () => {
  const proxied = startProxy(SCRIPTED)
  await proxied.request('first', 'test/seen')
  const calls = 400
  proxied.output.pause()
  for (let id = 0; id < calls; id += 1) {
    proxied.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'raw_line', arguments: { file: 'x'.repeat(20_000) } } })
  }
  let settled = -1
  while (settled < 1 || settled !== proxied.outcomes.length) {
    settled = proxied.outcomes.length
    await turns(50_000)
  }
  expect(proxied.outcomes.length).toBeLessThan(calls)
  proxied.output.resume()
  await proxied.lines.find(line => line.includes(`"id":${calls - 1},`))
  expect(proxied.outcomes).toHaveLength(calls)
  proxied.stop()
  await proxied.exit
})
