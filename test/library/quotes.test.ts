import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')
const MINUTE_MS = 60_000

const catalog = (credits: string) => ({
  id: 'shop',
  name: 'Shop',
  unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
  price_increase_notice_days: 0,
  operations: {
    post: { name: 'Post', price: { model: 'per_unit', credits } },
    strategy: { name: 'Strategy', price: { model: 'range', minimum: '2', maximum: '5' } },
    image: {
      name: 'Image',
      variants: { good: { name: 'Good', price: { model: 'flat', credits: '8' } }, plain: { name: 'Plain', price: { model: 'flat', credits: '3' } } },
      default_variant: 'good',
    },
  },
  tools: { write_post: { operation: 'post' }, look: { free: true } },
})

let credits: Credits
let clock: { at: number; now: () => number }
let folder: string

beforeEach(async () => {
  clock = { at: T0, now: () => clock.at }
  folder = await mkdtemp(join(tmpdir(), 'mcp-credits-quotes-'))
  credits = await openCredits({ database: join(folder, 'ledger.db'), catalog: catalog('2'), clock })
  await credits.createAccount({ id: 'acme', plan: 'none' })
  await credits.grant({ account: 'acme', credits: 100 })
})

afterEach(async () => {
  expect((await credits.verify()).problems).toEqual([])
  await credits.close()
  await rm(folder, { recursive: true, force: true })
})

const agent = () => credits.as({ account: 'acme', holder: 'agent' })
const code = (promise: Promise<unknown>) => promise.then(() => 'done', (error: { readonly code: string }) => error.code)

describe('a quote', () => {
  it('AX-01: is an estimate with an id and an end, and its price holds after a price change, also to be explained', async () => {
    const plain = await agent().estimate({ operation: 'post', quantity: 3 })
    expect(plain).not.toHaveProperty('quoteId')
    const quote = await agent().estimate({ operation: 'post', quantity: 3, quote: true })
    expect(quote).toEqual({ ...plain, quoteId: expect.stringMatching(/^quote_2_[0-9a-f]{10}$/), expiresAt: '2026-03-10T12:15:00.000Z' })
    clock.at += MINUTE_MS
    await credits.applyCatalog(catalog('7'))
    const quoteId = quote.quoteId as string
    const charge = await agent().charge({ operation: 'post', quantity: 3, quoteId, idempotencyKey: 'k' })
    expect(charge).toMatchObject({ charged: 6, balance: 94, replayed: false })
    expect(await agent().charge({ operation: 'post', quantity: 3, quoteId, idempotencyKey: 'k' })).toEqual({ ...charge, replayed: true })
    expect(await code(agent().charge({ operation: 'post', quantity: 3, idempotencyKey: 'k' }))).toBe('idempotency_conflict')
    const explained = await agent().explain({ transaction: charge.transaction as string })
    expect(explained).toMatchObject({ outcome: 'charged', charged: 6, priceVersion: 1, quote: { quoteId, maximum: 6, expiresAt: quote.expiresAt } })
    const { transaction } = await agent().charge({ operation: 'post' })
    expect(await agent().explain({ transaction: transaction as string })).toMatchObject({ charged: 7, priceVersion: 2, quote: null })
  })

  it('AX-01: asked for again with its key, it is the same after a price change, and the estimate with it', async () => {
    const quote = await agent().estimate({ operation: 'post', quote: true, idempotencyKey: 'q' })
    clock.at += MINUTE_MS
    await credits.applyCatalog(catalog('7'))
    expect(await agent().estimate({ operation: 'post', quote: true, idempotencyKey: 'q' })).toEqual(quote)
    expect(await agent().estimate({ operation: 'post', quote: true })).toMatchObject({ maximum: 7, priceVersion: 2 })
    expect(await code(agent().estimate({ operation: 'strategy', quote: true, idempotencyKey: 'q' }))).toBe('idempotency_conflict')
    expect(await agent().explain({ idempotencyKey: 'q' })).toMatchObject({ outcome: 'not_charged', quote: { quoteId: quote.quoteId, maximum: 2 } })
  })

  it('AX-01: is refused once it is over and for anything else, before anything is spent, with what was quoted and what was asked', async () => {
    const { quoteId } = await agent().estimate({ operation: 'post', quantity: 3, args: { tone: 'dry' }, quote: true, quoteTtlSeconds: 60 })
    const id = quoteId as string
    await expect(agent().charge({ operation: 'post', quantity: 3, args: { tone: 'wet' }, quoteId: id })).rejects.toMatchObject({
      code: 'quote_mismatch',
      details: { quote: id, quoted: [{ operation: 'post', quantity: 3, maximum: 6, state: 'open' }], asked: { operation: 'post', variant: null, quantity: 3, argsQuoted: false } },
    })
    clock.at += MINUTE_MS
    await expect(agent().charge({ operation: 'post', quantity: 3, args: { tone: 'dry' }, quoteId: id })).rejects.toMatchObject({
      code: 'quote_expired', details: { quote: id, expiresAt: '2026-03-10T12:01:00.000Z' }, retryable: false,
    })
    expect(await agent().balance()).toMatchObject({ balance: 100, lifetimeUsed: 0 })
  })

  it('SN-07: of a variant that was picked is charged as picked, however it would be picked by then', async () => {
    const quote = await agent().estimate({ operation: 'image', variant: 'auto', quote: true })
    expect(quote).toMatchObject({ maximum: 3, picked: [{ operation: 'image', variant: 'plain' }] })
    const quoteId = quote.quoteId as string
    expect(await code(agent().charge({ operation: 'image', quoteId }))).toBe('quote_mismatch')
    expect(await agent().charge({ operation: 'image', variant: 'auto', quoteId })).toMatchObject({ charged: 3, variant: 'plain', picked: quote.picked[0]?.reason })
    const named = await agent().estimate({ operation: 'image', quote: true })
    expect(await agent().charge({ operation: 'image', variant: 'good', quoteId: named.quoteId as string })).toMatchObject({ charged: 8 })
  })

  it('answers whatever stops it, and no campaign is quoted', async () => {
    expect(await agent().estimate({ operation: 'post', quantity: 80, quote: true })).toMatchObject({ affordable: false, quoteId: expect.stringMatching(/^quote_/), blockedBy: [{ code: 'out_of_credits' }] })
    expect(await agent().estimate({ tool: 'look', quote: true })).toMatchObject({ maximum: 0, quoteId: null, expiresAt: null })
    const refusals: readonly (readonly [object, string])[] = [
      [{ campaign: { platforms: 1, weeks: 1, postsPerWeek: 1 }, quote: true }, 'a campaign cannot be quoted'],
      [{ operation: 'post', quoteTtlSeconds: 5 }, 'quoteTtlSeconds'],
      [{ operation: 'post', quote: true, quoteTtlSeconds: 90_000 }, '24 hours'],
      [{ tool: 'write_post', quantity: 2 }, 'a call of a tool has args alone'],
      [{ tool: 'write_post', operation: 'post' }, 'give one of operation, tool, calls and campaign'],
      [{ calls: [{ operation: 'post', tool: 'write_post' }] }, 'give either operation or tool'],
      [{ calls: [{}] }, 'give either operation or tool'],
    ]
    for (const [input, words] of refusals) await expect(agent().estimate(input as never), words).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(words) })
  })

  it('an upstream tool is estimated and quoted by its arguments', async () => {
    expect(await agent().estimate({ tool: 'write_post', args: { text: 'hello' } })).toMatchObject({ maximum: 2, lines: [{ operation: 'post' }] })
    expect(await code(agent().estimate({ tool: 'unheard_of' }))).toBe('price_unknown')
  })

  it('is nobody else’s: another key and another account get the answer for one that never was', async () => {
    await credits.createAccount({ id: 'other', plan: 'none' })
    await credits.createKey({ account: 'acme', id: 'mine' })
    await credits.createKey({ account: 'acme', id: 'theirs' })
    const { quoteId } = await credits.as({ account: 'acme', holder: 'agent', key: 'mine' }).estimate({ operation: 'post', quote: true })
    const id = quoteId as string
    const asked = async (party: Credits, quote: string) => {
      const error = await party.charge({ operation: 'post', quoteId: quote }).catch((refusal: { code: string; message: string; details: object }) => refusal)
      const { code: found, message, details } = error as { code: string; message: string; details: object }
      return { code: found, message: message.replace(quote, '…'), details }
    }
    const never = await asked(agent(), 'quote_2_0123456789')
    expect(never.code).toBe('unknown_quote')
    expect(await asked(agent(), id)).toEqual(never)
    expect(await asked(credits.as({ account: 'acme', holder: 'agent', key: 'theirs' }), id)).toEqual(never)
    expect(await asked(credits.as({ account: 'other', holder: 'agent' }), id)).toEqual(never)
    expect(await asked(agent(), 'nonsense')).toEqual(never)
  })

  it('T46: no argument of a quoted call is anywhere in the file', async () => {
    await agent().estimate({ calls: [{ operation: 'post', args: { text: 'planted-secret' } }, { tool: 'write_post', args: { text: 'planted-secret' } }], quote: true })
    const plan = await agent().reserve({ calls: [{ operation: 'post', args: { text: 'planted-secret' } }] })
    await agent().charge({ operation: 'post', args: { text: 'planted-secret' }, quoteId: plan.reservation as string, idempotencyKey: 'k' })
    const file = new Database(join(folder, 'ledger.db'), { readonly: true })
    const rows = ['transactions', 'records', 'reservations'].flatMap((table) => file.prepare(`select * from ${table}`).all())
    file.close()
    expect(rows.length).toBeGreaterThan(5)
    expect(JSON.stringify(rows)).not.toContain('planted-secret')
  })
})

describe('a plan of calls', () => {
  const CALLS = [{ operation: 'post', quantity: 3 }, { operation: 'strategy' }, { tool: 'write_post', args: { text: 'hello' } }, { tool: 'look' }]

  it('AX-02: is reserved in one call, spent down call by call and ended by its own id', async () => {
    const plan = await agent().reserve({ calls: CALLS, ttlSeconds: 600, idempotencyKey: 'plan' })
    expect(plan).toMatchObject({
      reservation: expect.stringMatching(/^quote_2_/),
      reserved: 13,
      expiresAt: '2026-03-10T12:10:00.000Z',
      balance: 87,
      calls: [
        { operation: 'post', variant: null, quantity: 3, tool: null, reserved: 6 },
        { operation: 'strategy', quantity: 1, tool: null, reserved: 5 },
        { operation: 'post', quantity: 1, tool: 'write_post', reserved: 2 },
      ],
    })
    const quoteId = plan.reservation as string
    expect(await agent().reserve({ calls: CALLS, ttlSeconds: 600, idempotencyKey: 'plan' })).toEqual({ ...plan, replayed: true })
    expect(await agent().charge({ operation: 'post', quantity: 3, quoteId })).toMatchObject({ charged: 6, balance: 87 })
    expect(await code(agent().charge({ operation: 'strategy', quoteId }))).toBe('invalid_request')
    expect(await agent().charge({ operation: 'strategy', actual: 4, quoteId })).toMatchObject({ charged: 4, balance: 88 })
    expect(await agent().explain({ idempotencyKey: 'plan' })).toMatchObject({ outcome: 'in_progress', reserved: 13, charged: 10, quote: { quoteId, maximum: 13 } })
    expect(await agent().extend({ reservation: quoteId, ttlSeconds: 3_600 })).toMatchObject({ reservation: quoteId, expiresAt: '2026-03-10T13:00:00.000Z' })
    const released = await agent().release({ reservation: quoteId, idempotencyKey: 'end' })
    expect(released).toMatchObject({ released: 2, charged: 0, balance: 90, replayed: false })
    expect(await agent().release({ reservation: quoteId, idempotencyKey: 'end' })).toEqual({ ...released, replayed: true })
    expect(await agent().explain({ idempotencyKey: 'plan' })).toMatchObject({ outcome: 'charged', charged: 10 })
    expect(await agent().balance()).toMatchObject({ balance: 90, reserved: 0 })
  })

  it('AX-02: is reserved all or none, within budgets for all of it together', async () => {
    await credits.setBudget({ account: 'acme', id: 'day', window: 'day', limit: 12 })
    await expect(agent().reserve({ calls: CALLS })).rejects.toMatchObject({ code: 'budget_exceeded', details: { required: 13, available: 12, shortfall: 1, limitedBy: { id: 'day' } } })
    expect(await agent().balance()).toMatchObject({ balance: 100, reserved: 0 })
    await credits.raiseBudget({ account: 'acme', id: 'day', credits: 1 })
    expect(await agent().reserve({ calls: CALLS })).toMatchObject({ reserved: 13 })
    expect(await agent().budgets()).toMatchObject({ budgets: [{ used: 0, reserved: 13 }] })
  })

  it('AX-02: is settled in full by its own id', async () => {
    const { quoteId } = await agent().estimate({ calls: CALLS, quote: true })
    const reservation = quoteId as string
    expect(await agent().reserve({ quoteId: reservation })).toMatchObject({ reservation, reserved: 13 })
    expect(await code(agent().settle({ reservation, actual: 3 }))).toBe('invalid_request')
    const settled = await agent().settle({ reservation, idempotencyKey: 's' })
    expect(settled).toMatchObject({ charged: 13, released: 0, uncollected: 0, balance: 87 })
    expect(await agent().settle({ reservation, idempotencyKey: 's' })).toEqual({ ...settled, replayed: true })
    expect(await agent().explain({ idempotencyKey: 's' })).toMatchObject({ outcome: 'charged', charged: 13 })
    const { transactions } = await agent().transactions({ type: 'settle' })
    expect(transactions.map((row) => row.credits)).toEqual([2, 5, 6])
  })

  it('AX-01: a single quote is reserved under an id of its own, at the quoted price and never exceeded', async () => {
    const { quoteId } = await agent().estimate({ operation: 'strategy', quote: true })
    const held = await agent().reserve({ quoteId: quoteId as string, idempotencyKey: 'r' })
    expect(held).toMatchObject({ reservation: expect.stringMatching(/^rs_/), reserved: 5 })
    expect(held).not.toHaveProperty('calls')
    expect(await agent().reserve({ quoteId: quoteId as string, idempotencyKey: 'r' })).toEqual({ ...held, replayed: true })
    expect(await agent().settle({ reservation: held.reservation as string, actual: 20 })).toMatchObject({ charged: 5, uncollected: 0 })
  })

  it.each([
    [{}, 'operation: expected the id of an operation, or calls, or quoteId'],
    [{ quantity: 2, quoteId: 'quote_2_0123456789' }, 'operation: expected an operation with variant, quantity and args'],
    [{ calls: [{ operation: 'post' }], operation: 'post' }, 'give calls without operation and quoteId'],
    [{ calls: [{ operation: 'post' }], quoteId: 'quote_2_0123456789' }, 'give calls without operation and quoteId'],
    [{ quoteId: 'quote_2_0123456789', overrun: 'debt' }, 'overrun: a quote is never exceeded'],
    [{ calls: [] }, 'calls'],
  ])('refuses %j to be reserved', async (input, words) => {
    await expect(agent().reserve(input as never)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(words) })
  })

  it.each([
    [{}, 'operation: expected the id of an operation, or quoteId'],
    [{ quantity: 2, quoteId: 'quote_2_0123456789' }, 'operation: expected an operation with variant, quantity and args'],
  ])('refuses %j to be charged', async (input, words) => {
    await expect(agent().charge(input as never)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(words) })
  })

  it('AX-21: what doctor finds of a quote that somebody changed behind the rules', async () => {
    const { reservation } = await agent().reserve({ calls: [{ operation: 'post' }, { operation: 'post', quantity: 2 }] })
    await agent().charge({ operation: 'post', quoteId: reservation as string })
    const original = (await credits.verify()).problems
    expect(original).toEqual([])
    const file = join(folder, 'ledger.db')
    const change = (sql: string) => {
      const database = new Database(file)
      database.exec(sql)
      database.close()
    }
    const found = async () => {
      const opened = await openCredits({ database: file, clock })
      const { problems } = await opened.verify()
      await opened.close()
      return problems.map(({ row, message }) => `${row}: ${message}`)
    }
    change(`update records set document = replace(document, '{"reservation":3}', 'null') where kind = 'quote'`)
    expect(await found()).toEqual([expect.stringContaining('it does not say by what its calls were used')])
    change(`update records set document = replace(document, 'null', '{"reservation":3}') where kind = 'quote'`)
    expect(await found()).toEqual([])
    change(`update reservations set overrun = 'cap' where sequence = 4`)
    expect(await found()).toEqual([expect.stringContaining('is not for whom and what its transaction says')])
    change(`update reservations set overrun = 'quoted' where sequence = 4`)
  })
})
