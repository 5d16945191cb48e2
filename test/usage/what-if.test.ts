import { beforeEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { DAY_MS, type Instant } from '../../src/time/instant.js'
import { Ledger } from '../../src/usage/ledger.js'
import { whatIf } from '../../src/usage/what-if.js'
import { transactionId, type Transaction } from '../../src/ledger/transaction.js'
import * as make from '../storage/fixtures.js'
import { catalogVersion, charge, createAccount, credits, grant, T0 } from '../storage/fixtures.js'

let now: Instant
let ledger: Ledger

/** Operations that the ledger's own catalog prices in each of the ways that there are. */
const OPERATIONS = {
  'work.unit': { name: 'Work', price: { model: 'per_unit', credits: '1' } },
  'work.open': { name: 'Open work', price: { model: 'range', minimum: '1', maximum: '10' } },
  'text.write': { name: 'Text', price: { model: 'pass_through', rates: { tokens: { credits: '2', per: 1_000 } }, typical: { minimum: '1', maximum: '5' } } },
  'image.draw': {
    name: 'Image',
    variants: { small: { name: 'Small', price: { model: 'flat', credits: '2' } }, large: { name: 'Large', price: { model: 'flat', credits: '7' } } },
    default_variant: 'small',
  },
}

const live = catalogVersion(1, 0, { operations: OPERATIONS, tools: { search: { operation: 'work.unit', quantity: 3 }, free_tool: { free: true } } })
const draft = (operations: object, more: object = {}) =>
  catalogVersion(2, 0, { operations: { ...OPERATIONS, ...operations }, tools: { search: { operation: 'work.unit', quantity: 3 }, free_tool: { free: true } }, ...more }).catalog

beforeEach(async () => {
  now = T0
  const store = await openSqliteStore(':memory:')
  await store.addCatalogs([live], T0)
  ledger = new Ledger({ store, clock: { now: () => now }, defaultAccount: null })
  await open('acme')
  return () => store.close()
})

async function open(id: string, isTest = false): Promise<void> {
  await ledger.update(createAccount(id, { settings: { isTest } }))
  await ledger.update(grant(id, 10_000))
}

const ask = (catalog: ReturnType<typeof draft>, accounts: readonly string[] | null = ['acme']) =>
  whatIf(ledger, catalog, { accounts, since: T0, until: now + 1 })

const settled = async (operation: string, actual: object) => {
  const { reservation } = await ledger.update(make.reserve('acme', 1, { subject: make.operation(operation) }))
  return ledger.update(make.settle('acme', reservation?.id as string, { actual }))
}

describe('what if', () => {
  it('AX-22: prices history anew, with the difference per operation and account', async () => {
    await open('other')
    await ledger.update(charge('acme', 5))
    await ledger.update(charge('acme', 2.5))
    await ledger.update(charge('other', 1))
    await ledger.update(charge('acme', 1, { subject: make.operation('image.draw', 1, { variant: 'large' }) }))
    await ledger.update(charge('acme', 1, { subject: { kind: 'tool', tool: 'search', args: {} } }))
    const dearer = draft({ 'work.unit': { name: 'Work', price: { model: 'per_unit', credits: '1.5' } } })
    expect(await ask(dearer, null)).toMatchObject({
      rows: [
        { account: 'acme', operation: 'work.unit', calls: 3, creditsNow: 10.5, creditsThen: 15.75, difference: 5.25 },
        { account: 'acme', operation: 'image.draw', calls: 1, creditsNow: 7, creditsThen: 7, difference: 0 },
        { account: 'other', operation: 'work.unit', calls: 1, creditsNow: 1, creditsThen: 1.5, difference: 0.5 },
      ],
      unpriced: [],
      totalCalls: 5, creditsNow: 18.5, creditsThen: 24.25, difference: 5.75,
    })
    expect((await ask(dearer, ['other'])).rows).toHaveLength(1)
  })

  it('by the catalog in force it finds no difference, whatever the price model', async () => {
    await ledger.update(charge('acme', 3))
    await ledger.update(charge('acme', 1, { subject: make.operation('work.open', null, { actual: 4 }) }))
    await ledger.update(charge('acme', 1, { subject: make.operation('image.draw') }))
    await ledger.update(charge('acme', 1, { subject: { kind: 'tool', tool: 'search', args: {} } }))
    await ledger.update(charge('acme', 1, { subject: { kind: 'tool', tool: 'not listed', args: {} } }))
    await settled('work.open', { actual: credits(6) })
    await settled('work.unit', {})
    await settled('work.unit', { quantity: 0.5 })
    await settled('work.unit', { actual: credits(0.25) })
    await settled('text.write', { usage: { tokens: 1_500 } })
    const same = await ask(live.catalog)
    expect(same).toMatchObject({ unpriced: [], difference: 0, totalCalls: 10 })
    expect(same.rows.every((row) => row.difference === 0)).toBe(true)
  })

  it('keeps what a job actually cost within the range that the draft gives it', async () => {
    await settled('work.open', { actual: credits(2) })
    await settled('work.open', { actual: credits(9) })
    await settled('work.open', { actual: credits(5) })
    const narrower = draft({ 'work.open': { name: 'Open work', price: { model: 'range', minimum: '4', maximum: '6' } } })
    expect((await ask(narrower)).rows).toEqual([{ account: 'acme', operation: 'work.open', calls: 3, creditsNow: 16, creditsThen: 15, difference: -1 }])
    const fixed = draft({ 'work.open': { name: 'Open work', price: { model: 'flat', credits: '3' } } })
    expect((await ask(fixed)).rows[0]).toMatchObject({ creditsNow: 16, creditsThen: 9 })
  })

  it('prices what was used by the draft’s rates, and by its price where that is no longer by use', async () => {
    await settled('text.write', { usage: { tokens: 1_000 } })
    const cheaper = draft({ 'text.write': { name: 'Text', price: { model: 'pass_through', rates: { tokens: { credits: '0.5', per: 1_000 } } } } })
    expect((await ask(cheaper)).rows[0]).toMatchObject({ creditsNow: 2, creditsThen: 0.5 })
    const flat = draft({ 'text.write': { name: 'Text', price: { model: 'flat', credits: '4' } } })
    expect((await ask(flat)).rows[0]).toMatchObject({ creditsNow: 2, creditsThen: 4 })
    const otherwise = draft({ 'text.write': { name: 'Text', price: { model: 'pass_through', rates: { words: { credits: '1' } } } } })
    expect(await ask(otherwise)).toMatchObject({ rows: [], unpriced: [{ operation: 'text.write', calls: 1, creditsNow: 2 }] })
  })

  it('T32: names what the draft cannot price, with its count, and counts it in no sum and never as 0', async () => {
    await ledger.update(charge('acme', 5))
    await ledger.update(charge('acme', 1, { subject: make.operation('image.draw', 1, { variant: 'large' }) }))
    await ledger.update(charge('acme', 1, { subject: make.operation('image.draw', 1, { variant: 'large' }) }))
    await ledger.update(charge('acme', 1, { subject: { kind: 'tool', tool: 'search', args: {} } }))
    const image = { name: 'Image', variants: { small: { name: 'Small', price: { model: 'flat', credits: '2' } } }, default_variant: 'small' }
    const found = await ask(draft({ 'image.draw': image }, { tools: {}, default_tool_price: null }))
    expect(found.rows).toEqual([{ account: 'acme', operation: 'work.unit', calls: 1, creditsNow: 5, creditsThen: 5, difference: 0 }])
    expect(found.unpriced).toMatchObject([
      { account: 'acme', operation: 'image.draw', variant: 'large', tool: null, calls: 2, creditsNow: 14, reason: expect.stringContaining('variant') },
      { account: 'acme', operation: 'work.unit', tool: 'search', calls: 1, creditsNow: 3, reason: expect.stringContaining('search') },
    ])
    expect(found).toMatchObject({ totalCalls: 1, creditsNow: 5, creditsThen: 5, difference: 0 })
  })

  it('guesses no cost: what had a fixed price has no place in a range', async () => {
    await ledger.update(charge('acme', 5))
    const open = draft({ 'work.unit': { name: 'Work', price: { model: 'range', minimum: '1', maximum: '10' } } })
    expect(await ask(open)).toMatchObject({ rows: [], unpriced: [{ operation: 'work.unit', calls: 1, reason: expect.stringContaining('not recorded') }] })
  })

  it('a tool that the draft makes free costs nothing, which is a price', async () => {
    await ledger.update(charge('acme', 1, { subject: { kind: 'tool', tool: 'search', args: {} } }))
    expect((await ask(draft({}, { tools: { search: { free: true } } }))).rows[0]).toMatchObject({ creditsNow: 3, creditsThen: 0, difference: -3 })
  })

  it('looks at the window only, finds a reservation from before it, leaves refunds, test accounts and the ledger as they are', async () => {
    await open('trial', true)
    await ledger.update(charge('trial', 5))
    const early = await ledger.update(charge('acme', 5))
    const { reservation } = await ledger.update(make.reserve('acme', 1, { subject: make.operation('work.open'), ttlMs: DAY_MS }))
    now += DAY_MS / 2
    const since = now
    await ledger.update(make.settle('acme', reservation?.id as string, { actual: { actual: credits(6) } }))
    await ledger.update(make.refund('acme', transactionId(early.transaction as Transaction), 5))
    const mark = await ledger.store.changeMark()
    const found = await whatIf(ledger, live.catalog, { accounts: null, since, until: now + 1 })
    expect(found.rows).toEqual([{ account: 'acme', operation: 'work.open', calls: 1, creditsNow: 6, creditsThen: 6, difference: 0 }])
    expect(await ledger.store.changeMark()).toBe(mark)
    await expect(whatIf(ledger, live.catalog, { accounts: ['nobody'], since, until: now })).rejects.toMatchObject({ code: 'unknown_account' })
  })
})
