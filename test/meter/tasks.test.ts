import { InMemoryTaskStore, type CreateTaskRequestHandlerExtra } from '@modelcontextprotocol/sdk/experimental/tasks'
import { McpServer as OldMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { Server as OldServer } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema, CancelTaskRequestSchema, CancelTaskResultSchema, CreateTaskResultSchema, GetTaskPayloadRequestSchema, GetTaskPayloadResultSchema, GetTaskRequestSchema, GetTaskResultSchema
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { meter, type MeterOptions } from '../../src/index.js'
import { type MeterLedger, oldClient, openLedger, receiptOf, type Result, says, spent } from './support.js'

const INFO = { name: 'studio', version: '1' }
const CAPABILITIES = { tools: {}, tasks: { requests: { tools: { call: {} } }, cancel: {}, list: {} } }

type Extra = CreateTaskRequestHandlerExtra

/** What a task's own work does with it, once it is let go. */
type Work = (extra: Extra, taskId: string) => Promise<unknown>

interface Tasking extends MeterLedger {
  start(tool?: string): Promise<string>
  /** Lets the work of the last task go on, and waits for it. */
  work(work: Work): Promise<void>
  result(taskId: string): Promise<Result>
  state(taskId: string): Promise<{ readonly status: string }>
  cancel(taskId: string): Promise<unknown>
  readonly store: InMemoryTaskStore
}

/** A server of SDK 1 with the tools `draw` and, free, `look`, whose calls go on as tasks. */
async function tasking(options: Partial<MeterOptions> = {}, early?: Work): Promise<Tasking> {
  const ledger = await openLedger()
  const store = new InMemoryTaskStore()
  const server = meter(new OldMcpServer(INFO, { capabilities: CAPABILITIES, taskStore: store }), { credits: ledger.credits, account: 'acme', ...options } as never)
  const open = new Map<string, Extra>()
  let last = ''
  for (const name of ['draw', 'look']) {
    server.experimental.tasks.registerToolTask(name, { execution: { taskSupport: 'required' } }, {
      async createTask(extra: Extra) {
        const task = await extra.taskStore.createTask({ ttl: null })
        open.set(task.taskId, extra)
        last = task.taskId
        await early?.(extra, task.taskId)
        return { task }
      },
      getTask: ({ taskStore, taskId }) => taskStore.getTask(taskId),
      getTaskResult: ({ taskStore, taskId }) => taskStore.getTaskResult(taskId) as never,
    })
  }
  const client = await oldClient(server)
  const ask = async (method: string, taskId: string, schema: unknown): Promise<never> => client.request({ method, params: { taskId } } as never, schema as never)
  return {
    ...ledger,
    store,
    start: async (name = 'draw') => (await client.request({ method: 'tools/call', params: { name, arguments: {}, task: {} } }, CreateTaskResultSchema)).task.taskId,
    work: async (work) => void (await work(open.get(last) as Extra, last)),
    result: (taskId) => ask('tasks/result', taskId, GetTaskPayloadResultSchema),
    state: (taskId) => ask('tasks/get', taskId, GetTaskResultSchema),
    cancel: (taskId) => ask('tasks/cancel', taskId, CancelTaskResultSchema),
  }
}

const done: Work = ({ taskStore }, id) => taskStore.storeTaskResult(id, 'completed', says('drawn'))

/** Waits, without a clock, until what a task owes is written. */
async function settled(ledger: MeterLedger): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if ((await ledger.credits.balance()).reserved === 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('the reservation does not end')
}

describe('a tool of SDK 1 that goes on as a task', () => {
  it('T03: stays reserved until its task has ended, and is charged then, also where nobody asks for its outcome', async () => {
    const tasks = await tasking()
    await tasks.start()
    expect(await tasks.credits.balance()).toMatchObject({ reserved: 5, lifetimeUsed: 0 })
    await tasks.work(done)
    await settled(tasks)
    expect(await spent(tasks)).toBe(5)
  })

  it('has its receipt in its outcome, and is charged by what the outcome says', async () => {
    const tasks = await tasking({ price: { draw: 'text.study' }, cost: (_args, { structuredContent }) => structuredContent.cost })
    const id = await tasks.start()
    const reading = tasks.result(id)
    await tasks.work(({ taskStore }, taskId) => taskStore.storeTaskResult(taskId, 'completed', { ...says('drawn'), structuredContent: { cost: 4 } }))
    const result = await reading
    expect(result.content[0]?.text).toBe('drawn')
    expect(receiptOf(result)).toMatchObject({ charged: 4, balance: 96 })
    expect(result._meta?.['io.modelcontextprotocol/related-task']).toEqual({ taskId: id })
    expect(await spent(tasks)).toBe(4)
  })

  it('T03: is charged also where the task has ended before its call was answered', async () => {
    const tasks = await tasking({}, done)
    const id = await tasks.start()
    await settled(tasks)
    expect(receiptOf(await tasks.result(id))).toMatchObject({ charged: 5 })
    expect(await spent(tasks)).toBe(5)
  })

  it.each<[string, Work]>([
    ['with a result', ({ taskStore }, id) => taskStore.storeTaskResult(id, 'failed', says('no'))],
    ['with a result that is an error', ({ taskStore }, id) => taskStore.storeTaskResult(id, 'completed', { ...says('no'), isError: true })],
    ['without a result', ({ taskStore }, id) => taskStore.updateTaskStatus(id, 'failed', 'no')],
  ])('T03: costs nothing where its task has failed, %s', async (_how, work) => {
    const tasks = await tasking()
    await tasks.start()
    await tasks.work(work)
    await settled(tasks)
    expect(await spent(tasks)).toBe(0)
  })

  it('T33: costs what was reserved where its task is cancelled', async () => {
    const tasks = await tasking()
    const id = await tasks.start()
    await tasks.cancel(id)
    await settled(tasks)
    expect(await spent(tasks)).toBe(5)
  })

  it('T33: is not freed by a request about it that is broken on purpose', async () => {
    const tasks = await tasking()
    const id = await tasks.start()
    await expect(tasks.result('another')).rejects.toThrow()
    await expect(tasks.cancel('another')).rejects.toThrow()
    expect((await tasks.state(id)).status).toBe('working')
    expect((await tasks.credits.balance()).reserved).toBe(5)
    await tasks.work(done)
    expect((await tasks.state(id)).status).toBe('completed')
    expect(await spent(tasks)).toBe(5)
  })

  it('is settled by a server that writes to its store by itself as soon as anybody asks', async () => {
    const tasks = await tasking()
    const id = await tasks.start()
    await tasks.store.storeTaskResult(id, 'completed', says('drawn'))
    expect((await tasks.state(id)).status).toBe('completed')
    expect(await spent(tasks)).toBe(5)
  })

  it('leaves a free one alone', async () => {
    const tasks = await tasking()
    const id = await tasks.start('look')
    await tasks.work(done)
    expect(receiptOf(await tasks.result(id))).toBeUndefined()
    expect((await tasks.credits.transactions()).transactions).toHaveLength(1)
  })

  it('T03: gives out no outcome that the ledger could not be told of, however often it is asked for', async () => {
    const reports: string[] = []
    const tasks = await tasking({ report: (line) => reports.push(line) })
    const id = await tasks.start()
    await tasks.credits.close()
    await tasks.work(done)
    for (let asked = 0; asked < 2; asked += 1) await expect(tasks.result(id)).rejects.toMatchObject({ code: -32603, message: expect.stringContaining('could not be metered') })
    expect(reports).toEqual([expect.stringMatching(/^metering draw failed: /)])
  })

  it('makes room once it is over, before one that still runs', async () => {
    const tasks = await tasking({ price: { draw: { operation: 'video.clip', quantity: 0.01 } } })
    await tasks.start()
    for (let started = 0; started < 1_000; started += 1) {
      await tasks.start()
      await tasks.work(done)
    }
    for (let turn = 0; turn < 1_000 && (await tasks.credits.balance()).lifetimeUsed < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(await tasks.credits.balance()).toMatchObject({ reserved: 0.02, lifetimeUsed: 20 })
  })

  it('of which no more than a thousand are followed: the oldest is then charged as started', async () => {
    const tasks = await tasking({ price: { draw: { operation: 'video.clip', quantity: 0.01 } } })
    for (let started = 0; started < 1_001; started += 1) await tasks.start()
    for (let turn = 0; turn < 1_000 && (await tasks.credits.balance()).lifetimeUsed === 0; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(await tasks.credits.balance()).toMatchObject({ reserved: 20, lifetimeUsed: 0.02 })
  })
})

describe('a low-level server with tasks of its own', () => {
  function serving(ledger: MeterLedger, state: { status: string; result?: object }): OldServer {
    const server = meter(new OldServer(INFO, { capabilities: CAPABILITIES }), { credits: ledger.credits, account: 'acme' })
    const task = () => ({ taskId: 't1', status: state.status as 'working', ttl: null, createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' })
    server.setRequestHandler(CallToolRequestSchema, () => ({ task: task() }))
    server.setRequestHandler(GetTaskRequestSchema, () => task())
    server.setRequestHandler(CancelTaskRequestSchema, () => ((state.status = 'cancelled'), task()))
    server.setRequestHandler(GetTaskPayloadRequestSchema, () => {
      if (state.result === undefined) throw new Error('gone')
      return state.result
    })
    return server
  }

  const call = { method: 'tools/call', params: { name: 'draw', arguments: {}, task: {} } } as const

  async function started(state: { status: string; result?: object }) {
    const ledger = await openLedger()
    const client = await oldClient(serving(ledger, state))
    await client.request(call, CreateTaskResultSchema)
    expect((await ledger.credits.balance()).reserved).toBe(5)
    const ask = (method: string, schema: unknown = GetTaskResultSchema): Promise<unknown> => client.request({ method, params: { taskId: 't1' } } as never, schema as never)
    return { ledger, ask, client }
  }

  it('is settled when its outcome is read, with the receipt', async () => {
    const { ledger, ask } = await started({ status: 'completed', result: says('drawn') })
    expect(receiptOf((await ask('tasks/result', GetTaskPayloadResultSchema)) as Result)).toMatchObject({ charged: 5 })
    expect(await spent(ledger)).toBe(5)
  })

  it('is settled when its state is read and says that it is over, whether its result can still be read or not', async () => {
    for (const result of [says('drawn'), undefined]) {
      const state = { status: 'working', ...(result === undefined ? {} : { result }) }
      const { ledger, ask } = await started(state)
      await ask('tasks/get')
      expect((await ledger.credits.balance()).reserved).toBe(5)
      state.status = 'completed'
      await ask('tasks/get')
      expect(await spent(ledger)).toBe(5)
    }
  })

  it('T33: costs what was reserved where it is cancelled, and where its id is given to another', async () => {
    const { ledger, ask, client } = await started({ status: 'working' })
    await client.request(call, CreateTaskResultSchema)
    await settledTo(ledger, 5)
    await ask('tasks/cancel')
    expect(await spent(ledger)).toBe(10)
  })

  it('T03: costs nothing where it has failed', async () => {
    const { ledger, ask } = await started({ status: 'failed' })
    await expect(ask('tasks/result', GetTaskPayloadResultSchema)).rejects.toThrow('gone')
    await settled(ledger)
    expect(await spent(ledger)).toBe(0)
  })

  async function settledTo({ credits }: MeterLedger, used: number): Promise<void> {
    for (let turn = 0; turn < 1_000 && (await credits.balance()).lifetimeUsed < used; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect((await credits.balance()).lifetimeUsed).toBe(used)
  }
})

describe('a call that lives long', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('AX-18, T07: stays reserved by its signs of life while its task runs, and is charged in time', async () => {
    const tasks = await tasking()
    await tasks.start()
    for (let passed = 0; passed < 600_000; passed += 20_000) {
      tasks.clock.at += 20_000
      vi.advanceTimersByTime(20_000)
      await tasks.credits.as({ account: null }).sweep()
    }
    expect(await tasks.credits.balance()).toMatchObject({ reserved: 5, balance: 95 })
    await tasks.work(done)
    await settled(tasks)
    expect(await spent(tasks)).toBe(5)
    expect(vi.getTimerCount()).toBe(0)
  })
})
