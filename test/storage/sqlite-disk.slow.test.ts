import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openCredits } from '../../src/index.js'
import { jsonHere } from '../cli/in-process.js'
import { BIN, Home } from '../cli/process.js'
import { type ListeningProcess, startListening } from '../pitfalls/doors.js'
import { type FaultyDisk, faultyDisk, whyNoFaultyDisk } from '../support/faulty-disk.js'
import {
  AFTER_KILL_MS,
  askAgain,
  expectAccounted,
  makePayableLedger,
  type PaidCall,
  payingClient,
  type PayingClient,
  payOn,
  payUntilCharged,
  type Told,
  type Way,
} from '../support/paying-clients.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'

const seed = newSeed()
const reason = whyNoFaultyDisk()
beforeEach(({ skip }) => {
  if (reason !== null) skip(reason)
})

const TOOLS = [process.execPath, fileURLToPath(new URL('fixtures/tools.mjs', import.meta.url))]

interface Served {
  readonly home: Home
  readonly disk: FaultyDisk
  readonly client: PayingClient
  readonly process: ListeningProcess
  /** The account as somebody reads it who asks this server. */
  balance(): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>
  /** Another process on the same ledger, with a whole disk. */
  again(): Promise<{ readonly client: PayingClient; readonly process: ListeningProcess }>
}

/** A ledger whose disk the test breaks under the process that serves it, with REST and tools behind the relay. */
async function served(): Promise<Served> {
  const home = new Home()
  onTestFinished(() => home.remove())
  const key = await makePayableLedger(home)
  const disk = faultyDisk(dirname(home.ledger))
  const start = async (wrapper: readonly string[]) => {
    const process = await startListening(home, [BIN, 'serve', '--http', '0', '--log', 'off', '--rate-limit', '1000000', '--', ...TOOLS], wrapper)
    return { process, client: payingClient(process.url, key) }
  }
  const { process, client } = await start(disk.wrapper)
  const balance = async () => {
    const response = await fetch(new URL('/v1/balance', process.url), { headers: { authorization: `Bearer ${key}` } })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { home, disk, client, process, balance, again: () => start([]) }
}

const LANES: readonly Way[] = [...Array<Way>(12).fill('rest'), ...Array<Way>(4).fill('relay')]

/** So few that reservations, which nobody syncs, are often the last thing in the log when a sync fails. */
const FEW_LANES: readonly Way[] = ['rest', 'relay', 'relay']

interface Load {
  readonly told: readonly Told[]
  /** Resolves once so many more calls of each lane were answered in this way. */
  each(said: Told['said'], count: number): Promise<void>
  /** Lets what is under way end. */
  end(): Promise<void>
}

/** Clients that go on paying, whatever they are told, until the test ends them. */
function load(client: PayingClient, name: string, ways = LANES): Load {
  const random = seededRandom(seed)
  const told: Told[] = []
  let isOver = false
  let look: () => void = () => undefined
  const tell = (one: Told): void => {
    told.push(one)
    look()
  }
  const lanes = ways.map((way, index) => ({ name: `${name}-${way}-${index}`, way, client, random }))
  const done = Promise.all(lanes.map((lane) => payOn(lane, () => isOver, tell)))
  return {
    told,
    each: (said, count) =>
      new Promise((resolve) => {
        const from = told.length
        look = () => {
          const since = told.slice(from).filter((one) => one.said === said)
          if (lanes.every((lane) => since.filter(({ key }) => key.startsWith(`${lane.name}-`)).length >= count)) resolve()
        }
      }),
    end: async () => {
      isOver = true
      await done
    },
  }
}


/** Longer than any of these answers takes on a busy machine, and shorter than a client's patience. */
const PROMPT_MS = 10_000

function refusals(told: readonly Told[]): readonly Extract<Told, { said: 'refused' }>[] {
  expect(told.filter(({ said, tookMs }) => said === 'nothing' || tookMs > PROMPT_MS)).toEqual([])
  return told.flatMap((one) => (one.said === 'refused' ? [one] : []))
}

/** Each refusal that was told, by its code and what it says of the write, without what a call says of its tool before. */
function kinds(told: readonly Told[]): readonly string[] {
  const ofWrite = (message: string): string => message.replace(/^The tool has run, .*? is withheld(?:, and nothing is charged)?\. /, '')
  return [...new Set(refusals(told).map(({ error }) => `${error.code}, ${String(error.details['outcome'])}: ${ofWrite(error.message)}`))].sort()
}

const FULL = 'ledger_unavailable, none: The disk of the ledger file is full (SQLITE_FULL)'
const unknown = (code: string): string => `ledger_unavailable, unknown: The disk failed during a write of the ledger file (${code})`

describe(`a disk that is full (seed ${seed})`, () => {
  it('T18, T19: in mid-load refuses what is paid and says why, serves what is free, keeps what was acknowledged, and serves again once there is room', async () => {
    const { home, disk, client, process, balance } = await served()
    const paying = load(client, 'full')
    await paying.each('charged', 5)
    disk.leaveRoom(seededRandom(seed).below(100_000))
    await paying.each('refused', 5)
    // What is free is served while nothing fits, and what stands in the ledger is told as it is, here and to other processes.
    for (let count = 0; count < 20; count += 1) expect(await client.isServedFree()).toMatchObject({ isServed: true })
    expect(await balance()).toMatchObject({ status: 200, body: { lifetime_used: expect.any(Number) } })
    expect(await jsonHere(home, 'doctor')).toMatchObject({ ok: true })
    disk.leaveRoom(null)
    await paying.each('charged', 5)
    await paying.end()
    expect(kinds(paying.told)).toEqual([FULL])
    const told = await askAgain(client, paying.told)
    await process.ended('SIGTERM')
    expect(process.server.exitCode).toBe(0)
    await expectAccounted(home, told)
  })

  it('T18: a call that was at work when it filled up is not delivered and not charged, then or later; made again with its key it is charged once', async () => {
    const { home, disk, client, process, balance } = await served()
    const call: PaidCall = { way: 'relay', key: 'built' }
    const [work, started, startedAgain] = await workplace()
    const building = client.pay(call, work)
    const worker = await started
    disk.leaveRoom(0)
    worker.end()
    const first = await building
    expect(kinds([first])).toEqual([FULL])
    expect(first).toMatchObject({ error: { message: expect.stringMatching(/^The tool has run, .* nothing is charged\. /) } })
    expect(await balance()).toMatchObject({ status: 200, body: { lifetime_used: 0, reserved: 1 } })
    disk.leaveRoom(null)

    void startedAgain.then((socket) => socket.end())
    const second = await payUntilCharged(client, call, { tool: work })
    expect(second).toMatchObject({ said: 'charged' })
    await process.ended('SIGTERM')
    const later = await openCredits({ database: home.ledger, clock: { now: () => Date.now() + 90_000 } })
    await later.sweep()
    expect(await later.balance({ account: 'default' })).toMatchObject({ reserved: 0, lifetimeUsed: 1 })
    await later.close()
    await expectAccounted(home, [first, second])
  })

  it('T18: where the log took a charge and its index did not, the charge may come to light later: that is said, and its key counts once', async () => {
    const { home, disk, client, process, again } = await served()
    // Somebody who reads keeps the log from beginning anew, so that it outgrows its index.
    const reader = new Database(home.ledger)
    reader.exec('begin; select 1 from accounts')
    disk.fillIndex(true)
    const paying = load(client, 'index')
    await paying.each('refused', 1)
    await paying.end()
    expect(kinds(paying.told)).toEqual([unknown('SQLITE_IOERR_SHMSIZE')])
    await process.ended('SIGKILL')
    reader.close()
    const other = await again()
    await expectAccounted(home, await askAgain(other.client, paying.told, { patienceMs: AFTER_KILL_MS }))
  })
})

describe(`a disk that fails at a sync (seed ${seed})`, () => {
  it('T18: nobody knows what became of the write, and a retry with its key counts once; what is acknowledged afterwards survives a power cut', async () => {
    const { home, disk, client, process } = await served()
    const random = seededRandom(seed)
    const paying = load(client, 'sync', FEW_LANES)
    const cuts: { readonly told: readonly Told[]; readonly folder: string }[] = []
    for (let round = 1; round <= 8; round += 1) {
      await paying.each('charged', 1 + random.below(3))
      disk.failSyncs(1)
      await paying.each('charged', 2)
      const told = [...paying.told]
      cuts.push({ told, folder: disk.afterPowerCut() })
    }
    await paying.end()
    expect(disk.failedSyncs()).toBe(8)
    expect(kinds(paying.told)).toEqual([unknown('SQLITE_IOERR_FSYNC')])
    const told = await askAgain(client, paying.told)
    await process.ended('SIGTERM')
    await expectAccounted(home, told)
    for (const { told: until, folder } of cuts) await expectKept(join(folder, 'ledger.db'), until)
  })

  it('T18, T19: one that fails at every sync refuses what is paid, serves what is free, and serves again once it syncs', async () => {
    const { home, disk, client, process } = await served()
    const paying = load(client, 'broken')
    await paying.each('charged', 2)
    disk.failSyncs('all')
    await paying.each('refused', 3)
    for (let count = 0; count < 20; count += 1) expect(await client.isServedFree()).toMatchObject({ isServed: true })
    disk.failSyncs(0)
    await paying.each('charged', 5)
    await paying.end()
    const told = await askAgain(client, paying.told)
    await process.ended('SIGKILL')
    await expectAccounted(home, told)
    await expectKept(join(disk.afterPowerCut(), 'ledger.db'), told)
  })
})

/** What was acknowledged by then is in what is left of the ledger, and that adds up. */
async function expectKept(database: string, told: readonly Told[]): Promise<void> {
  const credits = await openCredits({ database })
  try {
    const found: string[] = []
    for (const one of told) {
      if (one.said === 'charged') found.push(await credits.explain({ account: 'default', transaction: one.transaction }).then(({ outcome }) => outcome, String))
    }
    expect(new Set(found)).toEqual(new Set(['charged']))
    expect(await credits.verify()).toMatchObject({ ok: true, problems: [] })
  } finally {
    await credits.close()
    rmSync(dirname(database), { recursive: true })
  }
}

/** A tool that is at work until the test ends the connection that it makes: the first time, and when it is called again. */
async function workplace(): Promise<readonly [tool: { name: string; arguments: { port: number } }, started: Promise<Socket>, startedAgain: Promise<Socket>]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const started = once(server, 'connection').then(([socket]) => socket as Socket)
  const startedAgain = started.then(() => once(server, 'connection')).then(([socket]) => socket as Socket)
  return [{ name: 'builds', arguments: { port: (server.address() as AddressInfo).port } }, started, startedAgain]
}
