import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Credits, openCredits } from '../../src/credits.js'
import { readCatalog } from '../../src/facade/catalog-source.js'
import { Desk } from '../../src/facade/desk.js'
import { openLedger } from '../../src/facade/open-ledger.js'
import { LedgerUnavailable, type Store } from '../../src/storage/port.js'
import { Ledger } from '../../src/usage/ledger.js'
import type { MeteredAnswer, MeteredCall, RunOutcome } from '../../src/usage/metered-call.js'

const DAY_MS = 24 * 60 * 60 * 1_000
const KEY = 'io.github.mcp-credits/idempotency_key'

/** A catalog whose tool `count` costs 2 credits for each item that its result counts, up to ten. */
const CATALOG = {
  id: 'counting',
  name: 'Counting',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    'item.count': { name: 'Counted item', unit: { name: 'item', plural: 'items' }, price: { model: 'per_unit', credits: '2' } },
    'item.weigh': { name: 'Weighed item', unit: { name: 'item', plural: 'items' }, price: { model: 'range', minimum: '1', maximum: '3', per_unit: true } },
    'note.keep': { name: 'Kept note', unit: { name: 'note', plural: 'notes' }, price: { model: 'per_unit', credits: '0' } },
  },
  tools: {
    count: { operation: 'item.count', quantity: { from: 'result', pointer: '/structuredContent/items', default: 0, at_most: 10 } },
    look: { credits: '3' },
    list: { operation: 'item.count', quantity: { from: 'arguments', pointer: '/n', default: 1 } },
    told: { operation: 'item.weigh', quantity: { from: 'arguments', pointer: '/n', default: 1 }, actual: { pointer: '/structuredContent/items' } },
    help: { free: true },
    note: { operation: 'note.keep', quantity: { from: 'arguments', pointer: '/n', default: 1 } },
  },
  default_tool_price: null,
  plans: {},
  packs: {},
  thresholds: [],
}

async function openAgent(balance = 100): Promise<{ credits: Credits; clock: { at: number; now: () => number } }> {
  const clock = { at: Date.UTC(2026, 0, 1), now: () => clock.at }
  const credits = await openCredits({ database: ':memory:', catalog: CATALOG, clock })
  await credits.createAccount({ id: 'a', plan: 'none' })
  await credits.grant({ account: 'a', credits: balance })
  return { credits: credits.as({ account: 'a', holder: 'agent' }), clock }
}

function call(tool: string, run: () => RunOutcome | Promise<RunOutcome>, meta?: Record<string, unknown>): MeteredCall {
  return { tool, arguments: {}, meta, signal: new AbortController().signal, run: async () => run() }
}

const counted = (items: unknown): RunOutcome => ({ kind: 'result', result: { content: [], structuredContent: { items } } })
const looked: RunOutcome = { kind: 'result', result: { content: [] } }

function codeOf(answer: MeteredAnswer): string | undefined {
  return bodyOf(answer)?.code
}

function bodyOf(answer: MeteredAnswer): { readonly code?: string } | undefined {
  const text = answer.kind === 'result' ? (answer.result['content'] as { text?: string }[])[0]?.text : undefined
  return text === undefined ? undefined : (JSON.parse(text) as { error?: { code?: string } }).error
}

describe('a metered call', () => {
  it('T33: is charged as reserved when its client goes away after it was started, whatever its mapping reads from results', async () => {
    const { credits } = await openAgent()
    await credits.meter(call('count', () => ({ kind: 'ended', by: 'cancelled', started: true })))
    expect(await credits.balance()).toMatchObject({ balance: 80, reserved: 0 })
  })

  it('T33: costs nothing when it was not started, or when we are stopped ourselves', async () => {
    const { credits } = await openAgent()
    await credits.meter(call('count', () => ({ kind: 'ended', by: 'cancelled', started: false })))
    await credits.meter(call('count', () => ({ kind: 'ended', by: 'stopped', started: true })))
    expect(await credits.balance()).toMatchObject({ balance: 100, reserved: 0 })
  })

  it('keeps its result where the figure in it has no price, and costs what was reserved', async () => {
    const { credits } = await openAgent()
    const answer = await credits.meter(call('count', () => counted(9e11)))
    expect(answer).toMatchObject({ kind: 'result', result: { structuredContent: { items: 9e11 } } })
    expect(await credits.balance()).toMatchObject({ reserved: 0 })
    expect((await credits.verify({ account: 'a' })).ok).toBe(true)
  })

  it.each(['\ud800', 'k\0', '', 'k'.repeat(256), 7, null])('is refused before it runs with the idempotency key %j', async (key) => {
    const { credits } = await openAgent()
    let runs = 0
    const answer = await credits.meter(call('look', () => ((runs += 1), looked), { [KEY]: key }))
    expect([codeOf(answer), runs]).toEqual(['invalid_request', 0])
    expect((await credits.balance()).balance).toBe(100)
  })

  it.each(['\ud800', 'x\0', '', 'x'.repeat(1_000)])('is refused before it runs when its tool is named %j, and leaves no row', async (tool) => {
    const { credits } = await openAgent()
    expect(codeOf(await credits.meter(call(tool, () => looked)))).toBe('invalid_request')
    expect((await credits.verify({ account: 'a' })).transactions).toBe(1)
  })

  it('T08: is charged once under its key also when the first attempt outlived its reservation, and nothing stays reserved', async () => {
    const { credits, clock } = await openAgent()
    const meta = { [KEY]: 'k' }
    let retry: Promise<MeteredAnswer> | undefined
    await credits.meter(
      call('look', async () => {
        clock.at += 61_000
        let finishRetry = (): void => undefined
        const gate = new Promise<void>((resolve) => (finishRetry = resolve))
        retry = credits.meter(call('look', async () => (await gate, looked), meta))
        await Promise.resolve()
        setImmediate(finishRetry)
        await gate
        return looked
      }, meta),
    )
    const second = await retry
    expect(second).toMatchObject({ kind: 'result' })
    expect(await credits.balance()).toMatchObject({ balance: 97, reserved: 0, lifetimeUsed: 3 })
    expect((await credits.verify({ account: 'a' })).ok).toBe(true)
  })

  it('answers a refusal that tells how many more calls of that tool the balance pays for', async () => {
    const { credits } = await openAgent(2)
    const answer = await credits.meter(call('look', () => looked))
    const [block] = (answer as unknown as { result: { content: { text: string }[] } }).result.content
    expect(JSON.parse(block?.text ?? '{}')).toMatchObject({ error: { code: 'out_of_credits', affordable: { units: 0 } } })
  })

  it('AX-18: a task that nobody ends is charged as reserved after a day and holds nothing any more', async () => {
    const { credits, clock } = await openAgent()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      await credits.meter(call('look', () => ({ kind: 'task', result: { task: {} }, end: new Promise(() => undefined) })))
      for (let passed = 0; passed <= DAY_MS; passed += 20_000) {
        clock.at += 20_000
        if (passed % (100 * 20_000) === 0 || passed >= DAY_MS - 20_000) await credits.sweep()
        vi.advanceTimersByTime(20_000)
        await turns()
      }
      expect(await credits.balance()).toMatchObject({ balance: 97, reserved: 0 })
    } finally {
      vi.useRealTimers()
    }
  })
})

/** Lets what the heartbeat started come to its commit. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('a call whose price another process changes', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcp-credits-metered-'))
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('is paid or free by the new catalog at once, and what was free last stays so while the ledger is away', async () => {
    const clock = { now: () => Date.UTC(2026, 0, 1) }
    const database = join(folder, 'ledger.db')
    const here = await openCredits({ database, catalog: CATALOG, clock })
    const there = await openCredits({ database, clock })
    await here.createAccount({ id: 'a', plan: 'none' })
    await here.grant({ account: 'a', credits: 100 })
    const agent = here.as({ account: 'a', holder: 'agent' })
    const looking = async () => codeOf(await agent.meter(call('look', () => looked)))
    const balances: number[] = []
    for (const look of [{ credits: '5' }, { free: true }, { credits: '7' }, { free: true }]) {
      await looking()
      await there.applyCatalog({ ...CATALOG, tools: { ...CATALOG.tools, look } })
      await looking()
      balances.push((await there.balance({ account: 'a' })).balance)
    }
    expect(balances).toEqual([100 - 3 - 5, 87, 87 - 7, 73])
    await there.close()
    await here.close()
    expect([await looking(), codeOf(await agent.meter(call('count', () => looked)))]).toEqual([undefined, 'ledger_unavailable'])
  })

  it('is free by the new catalog at once for a key that may not spend as well', async () => {
    const database = join(folder, 'ledger.db')
    const here = await openCredits({ database, catalog: CATALOG })
    const there = await openCredits({ database })
    await here.createAccount({ id: 'a', plan: 'none' })
    await here.createKey({ account: 'a', id: 'reader', scopes: ['credits:read'] })
    const reader = here.as({ account: 'a', key: 'reader', holder: 'agent' })
    const looking = async () => codeOf(await reader.meter(call('look', () => looked)))
    expect(await looking()).toBe('forbidden')
    await there.applyCatalog({ ...CATALOG, tools: { ...CATALOG.tools, look: { free: true } } })
    expect(await looking()).toBeUndefined()
    await there.close()
    await here.close()
  })
})

describe('a call whose end the ledger does not take', () => {
  it.each(['result', 'task'] as const)('T19: holds nothing any more once the ledger is back, whether it ends by a %s', async (kind) => {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-metered-'))
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const database = join(folder, 'ledger.db')
      const credits = await openCredits({ database, catalog: CATALOG, clock: { now: () => Date.UTC(2026, 0, 1) } })
      await credits.createAccount({ id: 'a', plan: 'none' })
      await credits.grant({ account: 'a', credits: 100 })
      const agent = credits.as({ account: 'a', holder: 'agent' })
      const ending = async () => (await rename(database, `${database}.away`), looked as Extract<RunOutcome, { kind: 'result' }>)
      const answer = await agent.meter(call('look', async () => (kind === 'result' ? ending() : { kind, result: {}, end: new Promise(setImmediate).then(ending) })))
      if (answer.kind === 'task') await expect(answer.end).rejects.toMatchObject({ code: 'ledger_unavailable' })
      else expect(codeOf(answer)).toBe('ledger_unavailable')
      await rename(`${database}.away`, database)
      expect(await agent.balance()).toMatchObject({ balance: 97, reserved: 3 })
      vi.advanceTimersByTime(1_000)
      await turns()
      expect(await agent.balance()).toMatchObject({ balance: 100, reserved: 0 })
      await credits.close()
    } finally {
      vi.useRealTimers()
      await rm(folder, { recursive: true })
    }
  })

  /** A store that takes every write but the first settlement: it loses it, or loses what would tell that it was written. */
  function losingASettlement(store: Store, lost: 'none' | 'unknown'): Store {
    let isOver = false
    const update: Store['update'] = async (command, now) => {
      if (command.kind !== 'settle' || isOver) return store.update(command, now)
      isOver = true
      if (lost === 'unknown') await store.update(command, now)
      throw new LedgerUnavailable('The database cannot be reached', lost)
    }
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = name === 'update' ? update : Reflect.get(target, name, target)
        return typeof member === 'function' ? (member.bind(target) as unknown) : member
      },
    })
  }

  const PAID = { name: 'Paid', unit: { name: 'job', plural: 'jobs' }, price: { model: 'flat', credits: '3' }, charge_on_fault: ['platform'] }
  const WITH_PAID = { ...CATALOG, operations: { ...CATALOG.operations, 'job.paid': PAID }, tools: { ...CATALOG.tools, paid: { operation: 'job.paid' } } }

  it.each([
    ['result', 'look', 'none', 100, /^The tool has run, but its charge could not be written: its result is withheld, and nothing is charged\. The database/],
    ['task', 'look', 'none', 100, /^The tool has run, but its charge could not be written: its result is withheld, and nothing is charged\. The database/],
    ['result', 'look', 'unknown', 97, /^The tool has run, but whether its charge was written is not known: its result is withheld\. The database/],
    ['result', 'paid', 'none', 97, /^The tool has run, but its charge could not be written in time: its result is withheld, and it is charged, as its operation asks/],
  ] as const)('T18: a %s of %s says that the tool has run and what became of its charge (%s)', async (kind, tool, lost, balance, message) => {
    const clock = { now: () => Date.UTC(2026, 0, 1) }
    const store = losingASettlement(await openLedger(':memory:', await readCatalog(WITH_PAID), clock), lost)
    const credits = new Credits(new Desk(new Ledger({ store, clock, defaultAccount: null }), { account: null, key: null, operatorOf: null, member: null, run: null, holder: 'operator' }))
    await credits.createAccount({ id: 'a', plan: 'none' })
    await credits.grant({ account: 'a', credits: 100 })
    const agent = credits.as({ account: 'a', holder: 'agent' })
    const end = looked as Extract<RunOutcome, { kind: 'result' }>
    const answer = await agent.meter(call(tool, () => (kind === 'result' ? end : { kind, result: {}, end: Promise.resolve(end) })))
    const error: unknown = answer.kind === 'task' ? await answer.end.catch((thrown: unknown) => thrown) : bodyOf(answer)
    expect(error).toMatchObject({ code: 'ledger_unavailable', retryable: true, details: { outcome: lost }, message: expect.stringMatching(message) as string })
    expect((error as { advice: readonly string[] }).advice).toEqual([expect.stringMatching(/Calling again runs the tool again/)])
    expect(await agent.balance()).toMatchObject({ balance, reserved: 0 })
    await credits.close()
  })

  it('T19: a reservation that fails before the tool is run still says that nothing was written', async () => {
    const { credits } = await openAgent()
    await credits.close()
    const answer = await credits.meter(call('look', () => Promise.reject(new Error('it ran'))))
    expect(bodyOf(answer)).toMatchObject({ code: 'ledger_unavailable', message: 'The ledger is closed', advice: ['Nothing was written. Try again once the ledger can be reached.'] })
  })
})

describe('a call that its arguments make cost nothing', () => {
  const none = (run: () => RunOutcome, tool = 'list'): MeteredCall => ({ ...call(tool, run), arguments: { n: 0 } })

  it('is a call like any other: reserved, settled and told with a receipt', async () => {
    const { credits } = await openAgent()
    const answer = await credits.meter(none(() => looked))
    expect(answer).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { charged: 0, balance: 100 } } } })
    const { transactions } = await credits.transactions()
    expect(transactions.map(({ type, credits: moved, tool }) => [type, moved, tool])).toEqual([['settle', 0, 'list'], ['grant', 100, null]])
    expect(await credits.verify({ account: 'a' })).toMatchObject({ ok: true })
  })

  it('WC-05: does not run with a key that may only read, nor on a suspended account, where what is free does', async () => {
    const { credits } = await openAgent()
    const operator = credits.as({ account: 'a', holder: 'operator' })
    const { key } = await operator.createKey({ scopes: ['credits:read'] })
    const reader = credits.as({ ...(await credits.authenticate(key ?? '')), holder: 'agent' })
    const ran: string[] = []
    const tried = async (by: Credits, tool: string) => codeOf(await by.meter(none(() => (ran.push(tool), looked), tool)))
    expect([await tried(reader, 'list'), await tried(reader, 'help'), await tried(reader, 'note')]).toEqual(['forbidden', undefined, undefined])
    await operator.setAccountState({ account: 'a', state: 'suspended' })
    expect([await tried(credits, 'list'), await tried(credits, 'help'), await tried(credits, 'note')]).toEqual(['account_suspended', undefined, undefined])
    expect(ran).toEqual(['help', 'note', 'help', 'note'])
    expect((await operator.transactions()).transactions.map(({ type }) => type)).toEqual(['grant'])
  })

  it('is never charged beyond the nothing that was reserved by what its result says', async () => {
    const { credits } = await openAgent()
    const answer = await credits.meter(none(() => counted(7), 'told'))
    expect(answer).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { charged: 0, balance: 100 } } } })
    expect((await credits.transactions()).transactions.map(({ type }) => type)).toEqual(['settle', 'grant'])
  })

  it('leaves nothing charged and nothing reserved when it fails', async () => {
    const { credits } = await openAgent()
    const answer = await credits.meter(none(() => ({ kind: 'error', error: { code: 1, message: 'no' } })))
    expect(answer).toEqual({ kind: 'error', error: { code: 1, message: 'no' } })
    expect(await credits.balance()).toMatchObject({ balance: 100, reserved: 0 })
    expect(await credits.verify({ account: 'a' })).toMatchObject({ ok: true, problems: [] })
  })
})
