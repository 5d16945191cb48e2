import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import { jsonHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { REFUSAL, receiptOf, refusalOf, type Result } from '../meter/support.js'
import { relayThatCuts } from '../support/cut-connection.js'
import { createTestDatabase } from '../support/postgres.js'
import { type Door, DOORS } from './doors.js'
import { startRest } from './rest-client.js'

/** A credit a call, and one tool that costs nothing. */
const CATALOG = { ...(starter as object), tools: { looks: { free: true } } }

interface Ledger {
  readonly home: Home
  /** Takes the ledger away from whoever uses it, and gives it back. */
  away(): void
  back(): void
}

async function initialised(home: Home): Promise<void> {
  onTestFinished(() => home.remove())
  const file = home.path('catalog.json')
  writeFileSync(file, JSON.stringify(CATALOG))
  await jsonHere(home, 'init', '--catalog', file)
}

const LEDGERS: Readonly<Record<string, () => Promise<Ledger>>> = {
  'a file that is moved away': async () => {
    const home = new Home()
    await initialised(home)
    const elsewhere = `${home.ledger}.moved`
    return { home, away: () => renameSync(home.ledger, elsewhere), back: () => renameSync(elsewhere, home.ledger) }
  },
  'a PostgreSQL that cannot be reached': async () => {
    const database = await createTestDatabase()
    const relay = await relayThatCuts(database.url)
    onTestFinished(async () => {
      await relay.close()
      await database.drop()
    })
    const home = new Home({ MCP_CREDITS_DB: relay.url })
    await initialised(home)
    return { home, away: () => void (relay.fateOf = () => 'cut before'), back: () => void (relay.fateOf = () => 'forward') }
  },
}

/** The refusal of what needs a ledger that is away: its code, that it may pass, and no figure that could be taken for a balance. */
function expectUnavailable(result: Result): void {
  expect(refusalOf(result)).toBe('ledger_unavailable')
  const { error } = result._meta?.[REFUSAL] as unknown as { readonly error: Readonly<Record<string, unknown>> }
  expect(error).toMatchObject({ retryable: true, affordable: null, cheaper: [], top_up_url: null })
  expect(Object.keys(error['details'] as object)).toEqual(['outcome'])
}

describe.each(Object.entries(LEDGERS))('T19: %s', (_which, prepare) => {
  it.each(Object.entries(DOORS))('T19: through %s refuses what is paid, keeps from nothing that is free, and goes on once it is back', async (_name, door: Door) => {
    const { home, away, back } = await prepare()
    const { client } = await door.open(home)
    const call = (name: string) => client.call(name).answer
    expect(receiptOf(await call('done'))).toMatchObject({ charged: 1, balance: 999 })
    away()
    for (let again = 0; again < 2; again += 1) {
      expectUnavailable(await call('done'))
      expect(await call('looks')).toMatchObject({ content: [{ text: 'done' }] })
      if (door.by === 'relay') expectUnavailable(await call('get_credit_balance'))
    }
    back()
    expect(receiptOf(await call('done'))).toMatchObject({ charged: 1, balance: 998 })
    expect(receiptOf(await call('looks'))).toBeUndefined()
  })

  it('T19: over REST is 503 for all that needs it, never a balance of zero, and health says so', async () => {
    const { home, away, back } = await prepare()
    const rest = await startRest(home)
    expect(await rest.tool('charge_credits', { operation: 'tool.call' })).toMatchObject({ status: 200, body: { balance: 999 } })
    away()
    const asked = [
      rest.tool('charge_credits', { operation: 'tool.call' }, 'while-away'), rest.tool('reserve_credits', { operation: 'tool.call' }),
      rest.tool('get_credit_balance', {}), rest.get('/v1/balance'), rest.get('/v1/budgets'), rest.get('/v1/usage'), rest.get('/v1/transactions'),
    ]
    for (const { status, body } of await Promise.all(asked)) {
      expect({ status, error: body.error }).toMatchObject({ status: 503, error: { code: 'ledger_unavailable', retryable: true, affordable: null } })
      expect(body).not.toHaveProperty('balance')
    }
    expect((await fetch(new URL('/healthz', rest.url))).status).toBe(503)
    back()
    expect(await rest.tool('charge_credits', { operation: 'tool.call' }, 'while-away')).toMatchObject({ status: 200, body: { balance: 998, replayed: false } })
    expect((await fetch(new URL('/healthz', rest.url))).status).toBe(200)
  })
})

it('T19, T44: a ledger that was replaced by a copy of itself is not the one that a server opened, and takes nothing from it', async () => {
  const home = new Home()
  await initialised(home)
  const rest = await startRest(home)
  const charge = (key: string) => rest.tool('charge_credits', { operation: 'tool.call' }, key)
  expect((await charge('before')).status).toBe(200)
  copyFileSync(home.ledger, `${home.ledger}.copy`)
  renameSync(`${home.ledger}.copy`, home.ledger)
  for (const key of ['before', 'after']) expect(await charge(key)).toMatchObject({ status: 503, body: { error: { code: 'ledger_unavailable' } } })
})
