import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { jsonHere } from '../cli/in-process.js'
import { BIN, Home } from '../cli/process.js'
import { startListening } from '../pitfalls/doors.js'
import { AFTER_KILL_MS, askAgain, expectAccounted, makePayableLedger, payingClient, payOn, type Told, type Way } from '../support/paying-clients.js'
import { startPostgres } from '../support/postgres-server.js'
import { createTestDatabase } from '../support/postgres.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { relayThatStalls } from '../support/stalled-connection.js'

const seed = newSeed()
const PROCESSES = 4
const LANES: readonly Way[] = ['rest', 'rest', 'rest', 'rest', 'relay', 'relay']
const OUTAGE_MS = 10_000

/** A call that the database's end cuts off waits for no limit of ours, and none is made that would have to. */
const PROMPT_MS = 10_000

/** So many answers of each process are waited for, before the outage, in it and after it. */
const CHARGED_MIN = 40
const REFUSED_MIN = 100
const SERVED_FREE_MIN = 20

/** So long one waits at most for a database that says nothing: fifteen seconds, and what a machine of few cores takes besides. */
const SILENCE_MS = 30_000

/** So long it may take until paid calls are served again, once the database is back. */
const BACK_MS = 5_000

const TOOLS = [process.execPath, fileURLToPath(new URL('fixtures/tools.mjs', import.meta.url))]
const SERVE = [BIN, 'serve', '--http', '0', '--log', 'off', '--rate-limit', '1000000', '--', ...TOOLS]

/** A ledger there, and a key to pay with. */
async function ledgerOn(url: string): Promise<{ readonly home: Home; readonly key: string }> {
  const home = new Home({ MCP_CREDITS_DB: url })
  onTestFinished(() => home.remove())
  const key = await makePayableLedger(home)
  return { home, key }
}

it(`T04, T18, T19: PostgreSQL is stopped in mid-load for ten seconds and one of four servers is killed: nothing acknowledged is lost, nothing is charged twice, paid calls are refused and free ones are served meanwhile, and service returns by itself (seed ${seed})`, async () => {
  const random = seededRandom(seed)
  const database = await startPostgres({ isDurable: true })
  onTestFinished(() => database.stop())
  const { home, key } = await ledgerOn(database.url)
  const processes = await Promise.all(Array.from({ length: PROCESSES }, () => startListening(home, SERVE)))
  const servers = processes.map(({ url, server, ended }) => ({ client: payingClient(url, key), told: [] as Told[], free: [] as Free[], url, server, ended, isOver: false }))
  type Server = (typeof servers)[number]

  const lanes = servers.map((server, index) => [
    ...LANES.map((way, lane) => payOn({ client: server.client, way, name: `${index}-${way}-${lane}`, random }, () => server.isOver, (told) => void server.told.push(told))),
    (async () => {
      while (!server.isOver) server.free.push(await server.client.isServedFree())
    })(),
  ])
  /** The answers that a process gave from an instant on to calls that were made then. */
  const since = (server: Server, at: number): readonly Told[] => server.told.filter((one) => one.at >= at)
  const charged = (told: readonly Told[]): readonly Told[] => told.filter(({ said }) => said === 'charged')
  const health = async ({ url }: Server): Promise<number> => (await fetch(new URL('/healthz', url))).status

  const began = performance.now()
  await until(() => servers.every((server) => charged(since(server, began)).length >= CHARGED_MIN))
  const killed = servers[random.below(PROCESSES)] as Server
  const rest = servers.filter((server) => server !== killed)
  await killed.ended('SIGKILL')
  killed.isOver = true
  const killedAt = performance.now()
  await until(() => rest.every((server) => charged(since(server, killedAt)).length >= CHARGED_MIN))

  const stoppedAt = performance.now()
  await database.halt()
  const awayAt = performance.now()
  await passed(OUTAGE_MS)
  expect(await Promise.all(rest.map(health))).toEqual(rest.map(() => 503))
  const backAt = performance.now()
  await database.startAgain()
  const startedAt = performance.now()
  await until(() => rest.every((server) => charged(since(server, startedAt)).length >= CHARGED_MIN))
  expect(await Promise.all(rest.map(health))).toEqual(rest.map(() => 200))
  for (const server of rest) server.isOver = true
  await Promise.all(lanes.flat())

  for (const server of rest) {
    const meanwhile = since(server, awayAt).filter(({ at, tookMs }) => at + tookMs < backAt)
    const refused = meanwhile.flatMap((one) => (one.said === 'refused' ? [one] : []))
    expect(meanwhile.filter(({ said }) => said !== 'refused')).toEqual([])
    expect([...new Set(refused.map(({ error }) => `${error.code}, ${String(error.details['outcome'])}, ${error.retryable}`))]).toEqual(['ledger_unavailable, none, true'])
    expect(refused.length).toBeGreaterThanOrEqual(REFUSED_MIN)
    const free = server.free.filter(({ at, tookMs }) => at >= awayAt && at + tookMs < backAt)
    expect(free.length).toBeGreaterThanOrEqual(SERVED_FREE_MIN)
    expect(server.free.filter(({ isServed, tookMs }) => !isServed || tookMs > PROMPT_MS)).toEqual([])
    expect(server.told.filter(({ tookMs, said }) => said === 'nothing' || tookMs > PROMPT_MS)).toEqual([])
    const first = charged(since(server, stoppedAt)).find(({ at, tookMs }) => at + tookMs > startedAt)
    expect((first as Told).at + (first as Told).tookMs - startedAt).toBeLessThan(BACK_MS)
    expect([server.server.exitCode, server.server.signalCode]).toEqual([null, null])
  }
  const [heir] = rest as [Server, ...Server[]]
  const told = await Promise.all([
    askAgain(heir.client, killed.told, { patienceMs: AFTER_KILL_MS }),
    ...rest.map((server) => askAgain(heir.client, server.told)),
  ])
  await expectAccounted(home, told.flat())
  expect(await jsonHere(home, 'doctor')).toMatchObject({ ok: true, problems: [] })
  for (const server of rest) {
    await server.ended('SIGTERM')
    expect(server.server.exitCode).toBe(0)
  }
})

/** A server whose PostgreSQL can be made to say nothing. */
async function serverOnRelay() {
  const database = await createTestDatabase()
  const relay = await relayThatStalls(database.url)
  onTestFinished(async () => {
    await relay.close()
    await database.drop()
  })
  const { home, key } = await ledgerOn(relay.url)
  const { url, ended } = await startListening(home, SERVE)
  const client = payingClient(url, key)
  return { home, relay, client, ended }
}

it('T19: a PostgreSQL that is there and does not answer keeps nobody from what is free, and what is paid is answered once it does', async () => {
  const { home, relay, client, ended } = await serverOnRelay()
  const told = await Promise.all([client.pay({ way: 'rest', key: 'before' }), client.pay({ way: 'relay', key: 'called before' })])
  expect(told).toMatchObject([{ said: 'charged' }, { said: 'charged' }])
  expect(await client.isServedFree()).toMatchObject({ isServed: true })

  relay.stall()
  const meanwhile = [client.pay({ way: 'rest', key: 'meanwhile' }), client.pay({ way: 'relay', key: 'called meanwhile' })]
  for (let count = 0; count < SERVED_FREE_MIN; count += 1) {
    const { isServed, tookMs } = await client.isServedFree()
    expect({ isServed, isPrompt: tookMs < PROMPT_MS }).toEqual({ isServed: true, isPrompt: true })
  }
  relay.goOn()
  told.push(...(await Promise.all(meanwhile)))
  const all = await askAgain(client, told)
  expect(await client.pay({ way: 'rest', key: 'before' })).toMatchObject({ said: 'charged', replayed: true })
  await ended('SIGTERM')
  await expectAccounted(home, all)
})

it('T19: a PostgreSQL that goes on saying nothing has paid calls refused, nothing done, and serves them once it is back', async () => {
  const { home, relay, client, ended } = await serverOnRelay()
  const before = await client.pay({ way: 'rest', key: 'before' })
  expect(before).toMatchObject({ said: 'charged' })

  relay.stall()
  const ways: readonly Way[] = ['rest', 'relay']
  const refused = await Promise.all(ways.map((way) => client.pay({ way, key: `${way} meanwhile` })))
  for (const told of refused) {
    expect(told).toMatchObject({ said: 'refused', error: { code: 'ledger_unavailable', details: { outcome: 'none' }, retryable: true } })
    expect(told.tookMs).toBeLessThan(SILENCE_MS)
  }
  relay.goOn()
  const told = await askAgain(client, [before, ...refused])
  await ended('SIGTERM')
  await expectAccounted(home, told)
})

type Free = { readonly isServed: boolean; readonly at: number; readonly tookMs: number }

const LOOK_MS = 20
const LOOKS_MAX = 3_000

/** Waits for what the load brings about. */
async function until(isSo: () => boolean): Promise<void> {
  for (let looks = 0; !isSo(); looks += 1) {
    if (looks === LOOKS_MAX) throw new Error('what was waited for did not come')
    await passed(LOOK_MS)
  }
}

/** The outage lasts ten seconds of the machine's own time: what is tested is how real patience ends. */
function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
