import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { parseSignedCredits } from '../../src/money/credits.js'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { calendarPeriod } from '../../src/time/calendar.js'
import { DAY_MS, HOUR_MS, type Instant } from '../../src/time/instant.js'
import { Ledger } from '../../src/usage/ledger.js'
import type { StatementResult } from '../../src/usage/results.js'
import { statement } from '../../src/usage/statement.js'
import { statementHtml } from '../../src/usage/statement-html.js'
import { statementRows } from '../../src/usage/statement-table.js'
import { type Transaction, transactionId } from '../../src/ledger/transaction.js'
import { csv } from '../../src/csv.js'
import * as make from '../storage/fixtures.js'
import { catalogVersion, charge, createAccount, credits, grant, T0 } from '../storage/fixtures.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'

let now: Instant
let ledger: Ledger

beforeEach(async () => {
  now = T0
  const store = await openSqliteStore(':memory:')
  await store.addCatalogs([catalogVersion()], T0)
  ledger = new Ledger({ store, clock: { now: () => now }, defaultAccount: null })
  return () => store.close()
})

const write = async (command: Parameters<typeof ledger.update>[0]) => ledger.update(command)
const open = async (id: string, given: Parameters<typeof createAccount>[1] = {}) => write(createAccount(id, given))
const monthly = (account: string, month: string | null, timeZone: string | null = null) => statement(ledger, { account, month, timeZone })

describe('a statement', () => {
  it('tells what an account had, what came and went, and what it has, with the lines of each', async () => {
    await open('acme')
    await write(grant('acme', 100, { source: 'pack' }))
    await write(grant('acme', 10, { source: 'bonus', expiresAt: now + DAY_MS }))
    const charged = await write(charge('acme', 30))
    now = Date.UTC(2026, 1, 3)
    await write(charge('acme', 5))
    await write(charge('acme', 1, { subject: make.operation('image.draw', 2) }))
    await write(make.refund('acme', transactionId(charged.transaction as Transaction), 4))
    await write(make.adjust('acme', -1))
    const last = await write(make.adjust('acme', 0.5))
    now = Date.UTC(2026, 2, 3)
    expect(await monthly('acme', '2026-01')).toMatchObject({
      account: 'acme', opening: 0, granted: 110, spent: 30, refunded: 0, expired: 0, revoked: 0, adjusted: 0, closing: 80, reserved: 0,
      grantedBy: [{ source: 'pack', credits: 100 }, { source: 'bonus', credits: 10 }],
      spentBy: [{ operation: 'work.unit', calls: 1, credits: 30 }],
      transactions: { first: 1, last: 3 }, children: [], total: null,
    })
    expect(await monthly('acme', '2026-02')).toMatchObject({
      opening: 80, granted: 0, spent: 10, refunded: 4, adjusted: -0.5, closing: 73.5, uncollected: 0,
      head: last.transaction?.hash,
      spentBy: [{ operation: 'image.draw', calls: 1, credits: 5 }, { operation: 'work.unit', calls: 1, credits: 5 }],
      period: { month: '2026-02', since: '2026-02-01T00:00:00.000Z', until: '2026-03-01T00:00:00.000Z', timeZone: 'UTC' },
    })
  })

  it('what is reserved is still the customer’s: it is in opening and closing, and named', async () => {
    await open('acme')
    await write(grant('acme', 100))
    now = Date.UTC(2026, 0, 31, 23, 50)
    const { reservation } = await write(make.reserve('acme', 40))
    now = Date.UTC(2026, 1, 1, 0, 1)
    await write(make.settle('acme', reservation?.id as string, { actual: { actual: credits(25) } }))
    expect(await monthly('acme', '2026-01')).toMatchObject({ closing: 100, reserved: 40, spent: 0 })
    expect(await monthly('acme', '2026-02')).toMatchObject({ opening: 100, closing: 75, reserved: 0, spent: 25 })
  })

  it('what expired in a month that is over stands in it before anybody has written it down, and the same afterwards', async () => {
    await open('acme')
    await write(grant('acme', 100, { expiresAt: now + DAY_MS }))
    now += 60 * DAY_MS
    const [january, february] = [await monthly('acme', '2026-01'), await monthly('acme', '2026-02')]
    expect(january).toMatchObject({ granted: 100, expired: 100, closing: 0, transactions: { first: 1, last: 2 } })
    expect(february).toMatchObject({ opening: 0, closing: 0, transactions: null, head: january.head })
    await write(grant('acme', 1))
    expect(await monthly('acme', '2026-01')).toEqual(january)
    expect(await monthly('acme', '2026-02')).toEqual(february)
  })

  it('SF-14: months are those of the account’s zone, or of the one that is asked for', async () => {
    await open('acme', { settings: { timeZone: 'Asia/Kolkata' } })
    now = Date.UTC(2026, 0, 31, 20)
    await write(grant('acme', 7))
    expect(await monthly('acme', '2026-02')).toMatchObject({ granted: 7, period: { since: '2026-01-31T18:30:00.000Z', timeZone: 'Asia/Kolkata' } })
    expect(await monthly('acme', null)).toMatchObject({ granted: 7, period: { month: '2026-02' } })
    expect(await monthly('acme', '2026-01', 'UTC')).toMatchObject({ granted: 7 })
  })

  it('T31: names what was consumed and nothing could pay, apart from the balance', async () => {
    await open('acme')
    await write(grant('acme', 10))
    const { reservation } = await write(make.reserve('acme', 1, { subject: make.operation('work.open') }))
    await write(make.settle('acme', reservation?.id as string, { actual: { actual: credits(14) } }))
    expect(await monthly('acme', '2026-01')).toMatchObject({ granted: 10, spent: 10, closing: 0, uncollected: 4 })
  })

  it('ND-19: a master account has its projects one by one and all together, test accounts apart', async () => {
    await open('master')
    await open('p1', { settings: { parent: 'master' } })
    await open('p2', { settings: { parent: 'master', timeZone: 'Asia/Kolkata' } })
    for (const [id, amount] of [['master', 100], ['p1', 20], ['p2', 3]] as const) {
      await write(grant(id, amount))
      await write(charge(id, 1))
    }
    // Nothing offers to make such an account; the statement does not rely on that.
    await open('p3', { settings: { parent: 'master', isTest: true } })
    await write(grant('p3', 1_000))
    const found = await monthly('master', null)
    expect(found.children.map(({ account, granted, spent, closing }) => [account, granted, spent, closing])).toEqual([['p1', 20, 1, 19], ['p2', 3, 1, 2]])
    expect(found.total).toMatchObject({ granted: 123, spent: 3, closing: 120, spentBy: [{ operation: 'work.unit', calls: 3, credits: 3 }] })
    expect(found).toMatchObject({ account: 'master', granted: 100, closing: 99, test: false })
    expect(await monthly('p1', null)).toMatchObject({ children: [], total: null, closing: 19 })
  })

  it('refuses a month that is none, one that has not begun, a zone that is none and an account that is not there', async () => {
    await open('acme')
    for (const month of ['2026-13', '2026-1', 'January', '2026-02', '1969-01', '']) {
      await expect(monthly('acme', month), month).rejects.toMatchObject({ code: 'invalid_request' })
    }
    await expect(monthly('acme', null, 'Mars/Base')).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(monthly('nobody', null)).rejects.toMatchObject({ code: 'unknown_account' })
  })

  it('fails rather than print a sum that no number tells exactly', async () => {
    await open('master')
    for (const id of ['p1', 'p2']) {
      await open(id, { settings: { parent: 'master' } })
      await write(grant(id, 2_000_000_000))
    }
    await expect(monthly('master', null)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('exactly') })
    expect(await monthly('p1', null)).toMatchObject({ closing: 2_000_000_000 })
  })

  it('adds up to the micro-credit over any journal, and each month begins with what the one before ended with', async () => {
    const random = seededRandom(newSeed())
    for (const timeZone of ['UTC', 'America/New_York', 'Asia/Kathmandu']) {
      const id = `account in ${timeZone}`
      now = Math.max(now, T0)
      await open(id, { plan: random.pick(['none', 'monthly', 'keeper']), settings: { timeZone, debtMax: credits(50) } })
      const begun = now
      await play(id, random)
      let before: StatementResult | null = null
      for (let at = begun; at <= now; at = calendarPeriod(at, 'month', timeZone).until) {
        const found: StatementResult = await monthly(id, calendarPeriod(at, 'month', timeZone).key)
        const told = `seed ${random.seed}: ${JSON.stringify(found)}`
        const micro = (field: 'opening' | 'granted' | 'refunded' | 'adjusted' | 'spent' | 'expired' | 'revoked' | 'closing') =>
          parseSignedCredits(found[field], field)
        const sum = micro('opening') + micro('granted') + micro('refunded') + micro('adjusted') - micro('spent') - micro('expired') - micro('revoked')
        expect(sum, told).toBe(micro('closing'))
        expect(found.grantedBy.reduce((all, line) => all + parseSignedCredits(line.credits, 'line'), 0n), told).toBe(micro('granted'))
        expect(found.spentBy.reduce((all, line) => all + parseSignedCredits(line.credits, 'line'), 0n), told).toBe(micro('spent'))
        if (before !== null) expect(found.opening, told).toBe(before.closing)
        before = found
      }
      const books = await ledger.read(id, (draft) => draft.account.books)
      expect(parseSignedCredits(before?.closing, 'closing'), `seed ${random.seed}`).toBe(books.available + books.reserved)
      expect(parseSignedCredits(before?.reserved, 'reserved'), `seed ${random.seed}`).toBe(books.reserved)
    }
  })

  it('adds up while others write', async () => {
    await open('acme', { plan: 'monthly' })
    await write(grant('acme', 100, { expiresAt: now + 3 * DAY_MS }))
    let isWriting = true
    const writing = (async () => {
      for (let made = 0; made < 80; made += 1) {
        now += 5 * HOUR_MS
        await write(grant('acme', 1, { expiresAt: now + DAY_MS }))
      }
    })().finally(() => (isWriting = false))
    let told = 0
    for (; isWriting; told += 1) {
      await monthly('acme', null)
      await nextTurn()
    }
    await writing
    expect(told).toBeGreaterThan(0)
    expect((await monthly('acme', null)).closing).toBeGreaterThan(0)
  })

  async function play(id: string, random: ReturnType<typeof seededRandom>): Promise<void> {
    const held: string[] = []
    const spent: string[] = []
    for (let step = 0; step < 150; step += 1) {
      now += random.pick([0, HOUR_MS, 9 * HOUR_MS, DAY_MS, 3 * DAY_MS])
      const amount = (1 + random.below(9_000_000)) / 1e6
      const outcome = await ledger.store.update(
        random.pick([
          grant(id, amount, { source: random.pick(['pack', 'gift']), expiresAt: random.pick([null, now + DAY_MS, now + 40 * DAY_MS]) }),
          charge(id, amount),
          charge(id, 1, { subject: make.operation('image.draw', 1, { variant: 'large' }) }),
          make.reserve(id, 1, { subject: make.operation('work.open'), ttlMs: random.pick([HOUR_MS, DAY_MS]), overrun: random.pick(['cap', 'debt']) }),
          make.adjust(id, random.pick([amount, -amount / 2].map((one) => Number(one.toFixed(6))))),
          ...(held.length === 0 ? [] : [make.settle(id, held.pop() as string, { actual: { actual: credits(random.below(15)) } })]),
          ...(spent.length === 0 ? [] : [make.refund(id, random.pick(spent), random.pick([null, 0.3]))]),
        ]),
        now,
      )
      if (outcome.kind === 'refused') continue
      if (outcome.reservation?.state === 'open') held.push(outcome.reservation.id)
      if (outcome.transaction !== null && ['charge', 'settle'].includes(outcome.transaction.kind)) spent.push(transactionId(outcome.transaction))
    }
  }
})

describe('a statement for a printer and for a spreadsheet', () => {
  beforeEach(async () => {
    await open('<b>acme</b>')
    await open('p,1', { settings: { parent: '<b>acme</b>' } })
    await write(grant('<b>acme</b>', 12.5, { source: '=1+1' }))
    await write(grant('p,1', 5))
    await write(charge('p,1', 2))
  })

  it('ND-19: is a table with a line for each figure, signed, so that each account’s lines add up to its closing', async () => {
    const found = await monthly('<b>acme</b>', null)
    const rows = statementRows(found)
    for (const account of ['<b>acme</b>', 'p,1', 'total']) {
      const own = rows.filter((row) => row.account === account)
      const moving = own.filter(({ line }) => !['closing', 'reserved', 'uncollected'].includes(line))
      expect(moving.reduce((sum, row) => sum + row.credits, 0)).toBe(own.find(({ line }) => line === 'closing')?.credits)
    }
    const text = csv(['account', 'line', 'of', 'calls', 'credits'], rows.map((row) => [row.account, row.line, row.of, row.calls, row.credits]))
    expect(text).toContain('<b>acme</b>,granted,\'=1+1,,12.5\r\n')
    expect(text).toContain('"p,1",spent,work.unit,1,-2\r\n')
  })

  it('is one page by itself: escaped, without a script, with rules for a printer', async () => {
    const page = statementHtml(await monthly('<b>acme</b>', null))
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).not.toMatch(/<script|<link|<img|https?:|<b>acme/i)
    expect(page).toContain('&lt;b&gt;acme&lt;/b&gt;')
    expect(page).toContain('@media print')
    expect(page).toContain('p,1')
    expect(page.match(/<table/g)).toHaveLength(3)
  })
})
