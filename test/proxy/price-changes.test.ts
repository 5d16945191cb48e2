import { expect, it, onTestFinished } from 'vitest'
import { type Proxied, SCRIPTED, startProxy } from './harness.js'

const CHANGED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'

function started(): { readonly proxied: Proxied; readonly change: () => void } {
  let change = (): void => undefined
  const proxied = startProxy(SCRIPTED, {
    script: { capabilities: {} },
    prices: { onChange: changed => { change = changed; return () => undefined } }
  })
  onTestFinished(async () => {
    proxied.stop()
    await proxied.exit
  })
  return { proxied, change: () => change() }
}

it('a client up to 2025-11-25 is promised to be told of new prices, and is told once it has shaken hands', async () => {
  const { proxied, change } = started()
  const offered = await proxied.request(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {} })
  expect(offered.result).toMatchObject({ capabilities: { tools: { listChanged: true } } })
  change()
  proxied.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await proxied.request(2, 'test/seen')
  expect(proxied.lines.all).not.toContain(CHANGED)
  change()
  await proxied.request(3, 'test/seen')
  expect(proxied.lines.all.filter(line => line === CHANGED)).toHaveLength(1)
})

it('a client of the modern era, which asks for what it wants to be told, is told nothing unasked', async () => {
  const { proxied, change } = started()
  await proxied.request(1, 'test/seen', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } })
  change()
  await proxied.request(2, 'test/seen')
  expect(proxied.lines.all).not.toContain(CHANGED)
})
