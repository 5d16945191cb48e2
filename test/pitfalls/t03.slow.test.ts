import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { jsonHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { DOORS, type Opened } from './doors.js'
import { expectWhole } from './support.js'

/** What a process reserved is given back this long after its last sign of life, by whoever comes next. */
const SWEPT_AFTER_MS = 90_000

/** How a tool's calls stand in the journal, oldest first: kinds and credits. */
type Rows = readonly (readonly [type: string, credits: number])[]

const CHARGED: Rows = [['reserve', 1], ['settle', 1]]
const RELEASED: Rows = [['reserve', 1], ['release', 1]]

afterEach(() => void vi.useRealTimers())

async function withLedger(): Promise<Home> {
  const home = new Home()
  onTestFinished(() => home.remove())
  await jsonHere(home, 'init', '--catalog', 'starter')
  return home
}

async function open(home: Home, clock?: { now(): number }): Promise<Credits> {
  const credits = await openCredits({ database: home.ledger, ...(clock === undefined ? {} : { clock }) })
  onTestFinished(() => credits.close())
  return credits.as({ account: 'default' })
}

/** Waits until what a call owes is written by the process that metered it. */
async function nothingReserved(home: Home): Promise<void> {
  const credits = await open(home)
  await expect.poll(async () => (await credits.balance()).reserved, { timeout: 30_000 }).toBe(0)
}

/** The journal by tool once the clock has moved on and a sweep was made: with nothing reserved, and adding up. */
async function sweptRows(home: Home): Promise<Readonly<Record<string, Rows>>> {
  const { transactions: [latest] } = await (await open(home)).transactions({ limit: 1 })
  const later = Date.parse(latest?.at ?? '') + SWEPT_AFTER_MS
  const credits = await open(home, { now: () => later })
  await credits.sweep()
  const { reserved, lifetimeUsed } = await credits.balance()
  expect(reserved).toBe(0)
  await expectWhole(credits)
  const rows: Record<string, [string, number][]> = {}
  for (const { tool, type, credits: moved } of (await credits.transactions({ limit: 100 })).transactions.toReversed()) {
    if (tool !== null) (rows[tool] ??= []).push([type, moved])
  }
  const settled = Object.values(rows).flat().filter(([type]) => type === 'settle')
  expect(settled.reduce((sum, [, moved]) => sum + moved, 0)).toBe(lifetimeUsed)
  return rows
}

/** A call that its client gives up, by itself or because its patience ends, once the tool runs. */
async function given(up: 'cancelled' | 'timed out', { client }: Opened): Promise<void> {
  if (up === 'cancelled') {
    const controller = new AbortController()
    const call = client.call('waits_cancelled', { signal: controller.signal })
    await call.started
    controller.abort()
    await expect(call.answer).rejects.toThrow()
    return
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const call = client.call('waits_in_vain')
  await call.started
  vi.advanceTimersByTime(60_000)
  await expect(call.answer).rejects.toThrow(/timed out/i)
  vi.useRealTimers()
}

describe.each(Object.entries(DOORS))('T03: through %s', (_name, { by, open: openDoor }) => {
  it('T03, T33: success, tool error, throw, unknown tool, time-out, cancellation and a client that goes leave nothing reserved', async () => {
    const home = await withLedger()
    const opened = await openDoor(home)
    const { client } = opened
    expect((await client.call('done').answer).isError ?? false).toBe(false)
    expect((await client.call('fails').answer).isError).toBe(true)
    expect((await client.call('throws').answer).isError).toBe(true)
    await client.call('nowhere').answer.catch(() => undefined)
    await given('timed out', opened)
    await given('cancelled', opened)
    const left = client.call('waits_left')
    await left.started
    await opened.leave()
    // A relay that is told to end waits for what its client has left; a vendor's server ends as it was written.
    if (by === 'meter') await nothingReserved(home)
    await opened.ended('SIGTERM')
    const { nowhere = RELEASED, ...rows } = await sweptRows(home)
    expect(nowhere).toEqual(RELEASED)
    expect(rows).toEqual({ done: CHARGED, fails: RELEASED, throws: RELEASED, waits_in_vain: CHARGED, waits_cancelled: CHARGED, waits_left: CHARGED })
  })

  it('T03: a tool that takes its server down releases its own call and that beside it', async () => {
    const home = await withLedger()
    const opened = await openDoor(home)
    const beside = opened.client.call('waits_beside')
    await beside.started
    const answers = [opened.client.call('crashes').answer, beside.answer]
    // Nobody answers for a vendor's server that has gone; whoever relays to it does, or ends with it.
    if (by === 'meter') await opened.ended()
    else for (const answer of answers) expect(await answer.then(({ isError }) => isError, () => true)).toBe(true)
    expect(await sweptRows(home)).toEqual({ waits_beside: RELEASED, crashes: RELEASED })
  })
})

it('T03, T04: told to end in mid-call, or killed in it, no door leaves a reservation behind', async () => {
  const ends = Object.entries(DOORS).flatMap(([name, door]) => (['SIGTERM', 'SIGKILL'] as const).map((signal) => ({ name, door, signal })))
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const rows = await Promise.all(ends.filter((end) => end.signal === signal).map(async ({ name, door }) => {
      const home = await withLedger()
      const opened = await door.open(home)
      const tool = signal === 'SIGTERM' ? 'waits_stopped' : 'waits_killed'
      const call = opened.client.call(tool)
      await call.started
      await opened.ended(signal)
      return { name, rows: await sweptRows(home), tool }
    }))
    for (const { name, rows: found, tool } of rows) expect({ name, rows: found }).toEqual({ name, rows: { [tool]: RELEASED } })
  }
})
