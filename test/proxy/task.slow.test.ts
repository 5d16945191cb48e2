import { expect, it } from 'vitest'
import { RECEIPT } from './counting-meter.js'
import { EVERYTHING, startProxy } from './harness.js'
import { isToolsChanged, oldClient } from './sdk-clients.js'
import { proxiedTransport } from './sdk-transport.js'

it('a task that asks the client in between is charged once, at its end', async () => {
  const proxied = startProxy(EVERYTHING)
  const transport = proxiedTransport(proxied)
  const client = await oldClient(transport)
  await transport.lines.find(isToolsChanged)
  await client.listTools()
  const stream = client.experimental.tasks.callToolStream({ name: 'simulate-research-query', arguments: { topic: 'python', ambiguous: true } })
  let result: unknown
  for await (const message of stream) if (message.type === 'result') result = message.result
  expect(result).toMatchObject({ _meta: { [RECEIPT]: { charged: 1 } } })
  expect(proxied.outcomes).toEqual(['simulate-research-query charged result'])
  await client.close()
})
