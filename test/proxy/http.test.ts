import { CreateMessageRequestSchema, ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import { countingMeter, RECEIPT } from './counting-meter.js'
import { EVERYTHING, MODERN, OUR_PRICE } from './harness.js'
import { httpClient, type Mode, oldHttpClient, startDoor } from './http-harness.js'

const prices = { decorate: <T extends object>(tool: T) => ({ ...tool, _meta: { [OUR_PRICE]: { credits: 1 } } }), validForMs: () => 60_000 }

describe('real clients before an upstream of the old era', () => {
  it('the client of SDK 1 lists with prices, calls, is told of progress, and is asked by the upstream', async () => {
    const counting = countingMeter()
    const served = await startDoor(EVERYTHING, { partsFor: () => ({ ...counting, prices }) })
    let told = (): void => undefined
    const hasChanged = new Promise<void>(resolve => (told = resolve))
    const client = await oldHttpClient(served, 'ada', {
      capabilities: { elicitation: {}, sampling: {} },
      prepare: client => {
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => told())
        client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada', check: true } }))
        client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }))
      }
    })
    // The upstream registers what asks its client once it knows what the client can do, and tells of it.
    await hasChanged
    const { tools } = await client.listTools()
    expect(tools.find(({ name }) => name === 'echo')?._meta).toEqual({ [OUR_PRICE]: { credits: 1 } })
    expect(tools.at(-1)?.name).toBe('get_credit_balance')
    expect(client.getInstructions()).toContain('Ours after.')

    const echoed = await client.callTool({ name: 'echo', arguments: { message: 'hi' } })
    expect(echoed).toEqual({ content: [{ type: 'text', text: 'Echo: hi' }], _meta: { [RECEIPT]: { charged: 1 } } })
    const steps: number[] = []
    const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.05, steps: 5 } }
    await client.callTool(long, undefined, { onprogress: ({ progress }) => steps.push(progress) })
    expect(steps.length).toBeGreaterThan(0)
    expect(JSON.stringify(await client.callTool({ name: 'trigger-elicitation-request', arguments: {} }))).toContain('Ada')
    expect(JSON.stringify(await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'hi' } }))).toContain('sampled')
    expect(counting.state).toEqual({ balance: 996, reserved: 0 })
    expect(served.reports).toEqual([])
  })

  it.each<Mode>(['legacy', 'auto'])('the client of SDK 2 in mode %s opens as clients did, and calls', async mode => {
    const counting = countingMeter()
    const served = await startDoor(EVERYTHING, { partsFor: () => counting })
    const client = await httpClient(served, mode)
    expect(client.getProtocolEra()).toBe('legacy')
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    const { _meta } = await client.callTool({ name: 'echo', arguments: { message: 'hi' } })
    expect(_meta).toEqual({ [RECEIPT]: { charged: 1 } })
  })

  it('an upstream that does not know 2026-07-28 is asked for it once: later clients are told so at once', async () => {
    const served = await startDoor(EVERYTHING, { partsFor: () => countingMeter() })
    for (const caller of ['ada', 'bob']) expect((await httpClient(served, 'auto', caller)).getProtocolEra()).toBe('legacy')
    expect(served.opened).toHaveLength(3)
    await served.opened[0]?.exit
  })
})

describe('real clients before an upstream of both eras', () => {
  it.each<[Mode, string]>([['legacy', 'legacy'], ['auto', 'modern'], [{ pin: '2026-07-28' }, 'modern']])(
    'the client of SDK 2 in mode %j lists, calls, is told of progress, and is asked in between',
    async (mode, era) => {
      const counting = countingMeter()
      const served = await startDoor(MODERN, { partsFor: () => ({ ...counting, prices }) })
      const client = await httpClient(served, mode, 'ada', client => {
        client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirm: true } }))
      })
      expect(client.getProtocolEra()).toBe(era)
      expect(client.getInstructions()).toBe('Upstream first.\n\nOurs after.')
      const { tools } = await client.listTools()
      expect(tools.find(({ name }) => name === 'echo')?._meta).toMatchObject({ [OUR_PRICE]: { credits: 1 } })
      expect((await client.callTool({ name: 'get_credit_balance', arguments: {} })).content).toMatchObject([{ text: expect.stringContaining(`"era":"${era}"`) }])
      expect((await client.callTool({ name: 'sum', arguments: { a: 1, b: 2 } })).structuredContent).toEqual({ sum: 3 })
      const steps: number[] = []
      await client.callTool({ name: 'progress', arguments: {} }, { onprogress: ({ progress }) => steps.push(progress) })
      expect(steps.length).toBeGreaterThan(0)
      const deployed = await client.callTool({ name: 'deploy', arguments: { environment: 'test' } })
      expect(deployed).toMatchObject({ content: [{ text: 'deployed to test' }], _meta: { [RECEIPT]: { charged: 1 } } })
      expect((await client.readResource({ uri: 'credits://balance' })).contents).toMatchObject([{ text: '12' }])
      expect((await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } })).messages).toMatchObject([{ content: { text: 'Greet Ada' } }])
      expect(counting.state).toEqual({ balance: 997, reserved: 0 })
    }
  )
})
