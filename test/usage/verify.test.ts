import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')

describe('the check of a ledger', () => {
  let folder: string
  let database: string
  let now: number
  const open = () => openCredits({ database, clock: { now: () => now } })

  beforeEach(async () => {
    now = T0
    folder = await mkdtemp(join(tmpdir(), 'mcp-credits-verify-'))
    database = join(folder, 'ledger.db')
    const credits = await openCredits({ database, catalog: 'neural-draft', clock: { now: () => now } })
    await credits.createAccount({ id: 'acme', plan: 'hobby' })
    await credits.createAccount({ id: 'other', plan: 'free' })
    const { transaction } = await credits.charge({ account: 'acme', operation: 'blog.post', labels: { customer: 'c1' } })
    await credits.refund({ account: 'acme', transaction: transaction as string, credits: 10 })
    const { reservation } = await credits.reserve({ account: 'acme', operation: 'video.clip' })
    await credits.settle({ account: 'acme', reservation: reservation as string, actual: 30 })
    await credits.reserve({ account: 'acme', operation: 'blog.post' })
    await credits.charge({ account: 'other', operation: 'chat.message' })
    await credits.close()
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  /** Changes the file behind the product's back. */
  function tamper(sql: string): void {
    const file = new Database(database)
    file.pragma('foreign_keys = off')
    file.pragma('ignore_check_constraints = on')
    file.exec(sql)
    file.close()
  }

  async function verified(input: { readonly account?: string; readonly since?: string } = {}) {
    const credits = await open()
    try {
      return await credits.verify(input)
    } finally {
      await credits.close()
    }
  }

  it('finds nothing in a ledger that nobody touched, and gives the head of a single account', async () => {
    expect(await verified()).toEqual({ ok: true, problems: [], head: null, accounts: 2, transactions: 8 })
    expect(await verified({ account: 'acme' })).toMatchObject({ ok: true, head: expect.stringMatching(/^[0-9a-f]{64}$/), accounts: 1, transactions: 6 })
    await expect(verified({ account: 'nobody' })).rejects.toMatchObject({ code: 'unknown_account' })
  })

  it('stays clean when time has made something necessary that no write has recorded', async () => {
    now += 90 * 86_400_000
    expect((await verified()).problems).toEqual([])
  })

  it('names account, first bad row and invariant', async () => {
    tamper(`update transactions set operation = 'chat.message' where account = 'acme' and sequence = 2`)
    const { ok, problems } = await verified()
    expect(ok).toBe(false)
    expect(problems).toEqual([{ account: 'acme', row: expect.stringMatching(/^tx_2_/), invariant: 'chain', message: expect.any(String) }])
  })

  it.each([
    ['T17: a balance that was set', `update accounts set available = available + 1 where id = 'acme'`, 'I1'],
    ['a grant that was topped up', `update grants set remaining = remaining + 1 where account = 'acme'`, 'I1'],
    ['a reservation that was closed by hand', `update reservations set state = 'released', ended_by = 5 where account = 'acme' and state = 'open'`, 'I3'],
    ['a row that was taken out', `delete from transactions where account = 'acme' and sequence = 3`, 'sequence'],
    ['a journal that was cut', `delete from transactions where account = 'acme' and sequence = 6`, 'sequence'],
    ['a journal that is gone', `delete from transactions where account = 'acme'`, 'sequence'],
    ['a label that was changed', `update transactions set labels = '{"customer":"c2"}' where labels is not null`, 'chain'],
    [
      'a grant from nowhere',
      `create temp table copied as select * from grants where account = 'acme';
       update copied set sequence = 99, id = 'gr_99_0000000000';
       insert into grants select * from copied`,
      'I1',
    ],
    ['a reservation whose row is gone', `delete from reservations where account = 'acme' and state = 'open'`, 'rows'],
    ['a grant whose life was made longer', `update grants set expires_at = expires_at + 1000 where account = 'acme'`, 'rows'],
    ['a grant of another source', `update grants set source = 'gift' where account = 'acme'`, 'rows'],
    ['a row that nobody can read', `update transactions set detail = 'garbage' where account = 'acme' and sequence = 4`, 'rows'],
    ['a due date that was put off', `update accounts set next_due_at = 8640000000000000 where id = 'acme'`, 'due'],
  ])('finds %s', async (_, sql, invariant) => {
    tamper(sql)
    const { problems } = await verified()
    expect(problems.map((problem) => problem.invariant)).toContain(invariant)
    expect(new Set(problems.map((problem) => problem.account))).toEqual(new Set(['acme']))
  })

  it('finds a head printed earlier while it is there, and says so when what came before was rewritten or cut', async () => {
    const { head } = await verified({ account: 'acme' })
    const credits = await open()
    await credits.charge({ account: 'acme', operation: 'chat.message' })
    await credits.close()
    expect(await verified({ since: head as string })).toMatchObject({ ok: true })
    expect(await verified({ account: 'other', since: head as string })).toMatchObject({ ok: false, problems: [{ account: 'other', invariant: 'chain' }] })
    expect(await verified({ since: '0'.repeat(64) })).toMatchObject({ ok: false, problems: [{ account: '*', row: '0'.repeat(64) }] })
  })

  it('pages through more rows than one page holds', async () => {
    const credits = await open()
    await Promise.all(Array.from({ length: 1_200 }, () => credits.reserve({ account: 'acme', operation: 'chat.message', ttlSeconds: 60 })))
    now += 60_000
    await credits.sweep()
    await Promise.all(Array.from({ length: 50 }, () => credits.grant({ account: 'acme', credits: 1 })))
    expect(await credits.verify({ account: 'acme' })).toMatchObject({ ok: true, transactions: 6 + 2 * 1_200 + 50 })
    await credits.close()
  })

  it('is right while others go on writing', async () => {
    const credits = await open()
    const writing = Promise.all(
      Array.from({ length: 600 }, async () => {
        const { reservation } = await credits.reserve({ account: 'acme', operation: 'chat.message' })
        await credits.settle({ account: 'acme', reservation: reservation as string })
      }),
    )
    const checks = await Promise.all(Array.from({ length: 5 }, () => credits.verify()))
    await writing
    expect(checks.flatMap((check) => check.problems)).toEqual([])
    expect((await credits.verify()).problems).toEqual([])
    await credits.close()
  })

  it('stops at a hundred problems', async () => {
    const credits = await open()
    await Promise.all(Array.from({ length: 150 }, () => credits.charge({ account: 'acme', operation: 'chat.message' })))
    await credits.close()
    tamper(`update transactions set credits = credits + 1 where account = 'acme'`)
    expect((await verified()).problems).toHaveLength(100)
  })
})

describe('the check of what an account has beside its credits', () => {
  let folder: string
  let whole: string
  let now = T0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcp-credits-verify-'))
    whole = join(folder, 'whole.db')
    await makeLedger()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Something of everything, with every movement that budgets count: charges, settlements, time-outs, refunds. */
  async function makeLedger(): Promise<void> {
    const credits = await openCredits({ database: whole, catalog: 'neural-draft', clock: { now: () => now } })
    const account = 'acme'
    await credits.createAccount({ id: account, plan: 'free' })
    await credits.subscribe({ account, plan: 'hobby' })
    await credits.putMember({ account, id: 'ada' })
    await credits.putMember({ account, id: 'gone' })
    await credits.removeMember({ account, id: 'gone' })
    const { id: key } = await credits.createKey({ account, id: 'preview', environment: 'preview', member: 'ada' })
    await credits.createKey({ account, id: 'other' })
    await credits.revokeKey({ account, id: 'other' })
    const windows = ['day', 'week', 'month', 'billing_period', 'total', 'rolling:24h']
    for (const window of windows) await credits.setBudget({ account, id: window.replace(':24h', ''), window, limit: 5_000 })
    await credits.setBudget({ account, id: 'preview', window: 'total', limit: 100, scope: { environment: 'preview' } })
    await credits.setBudget({ account, id: 'customers', window: 'month', limit: 900, scope: { each: 'label:customer' } })
    await credits.setBudget({ account, id: 'runs', window: 'run', limit: 900 })
    await credits.setBudget({ account, id: 'former', window: 'day', limit: 900 })
    await credits.removeBudget({ account, id: 'former' })
    await credits.setAlert({ account, id: 'soon', credits: 50 })
    await credits.purchase({ account, pack: 'usd-20', budget: 'preview', reference: 'order-1' })
    await credits.purchase({ account, pack: 'usd-100', pending: true, reference: 'order-2' })
    await credits.setItem({ account, item: 'storage', quantity: 3 })
    await credits.setSelfService({ account, enabled: false })
    await credits.grant({ account, credits: 40, priority: 50, paid: true, expiresAt: now + 40 * 86_400_000 })
    now += 60_000
    const keyed = credits.as({ key, run: 'r1' })
    const { transaction } = await keyed.charge({ account, operation: 'blog.post', labels: { customer: 'c1' } })
    now += 60_000
    await credits.refund({ account, transaction: transaction as string, credits: 10 })
    const settled = await keyed.reserve({ account, operation: 'video.clip', labels: { customer: 'c2' } })
    const timedOut = await credits.reserve({ account, operation: 'blog.post', labels: { customer: 'c1' }, ttlSeconds: 60 })
    now += 60_000
    await keyed.settle({ account, reservation: settled.reservation as string, actual: 30 })
    await credits.settle({ account, reservation: timedOut.reservation as string, actual: 7 })
    await credits.reserve({ account, operation: 'image.generate', labels: { customer: 'c2' }, overrun: 'debt' })
    await credits.setTimeZone({ account, timeZone: 'Europe/Berlin' })
    await credits.setAccountState({ account, state: 'suspended' })
    await credits.close()
  }

  async function tampered(sql: string) {
    const database = join(folder, `${Math.abs(hash(sql))}.db`)
    await copyFile(whole, database)
    const file = new Database(database)
    file.pragma('foreign_keys = off')
    file.pragma('ignore_check_constraints = on')
    expect(file.prepare(sql).run().changes, 'the tampering changes something').toBeGreaterThan(0)
    file.close()
    const credits = await openCredits({ database, clock: { now: () => now } })
    const { problems } = await credits.verify()
    await credits.close()
    return problems
  }

  const hash = (text: string): number => [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7)

  it('finds nothing where nobody touched anything', async () => {
    const credits = await openCredits({ database: whole, clock: { now: () => now } })
    expect((await credits.verify()).problems).toEqual([])
    await credits.close()
  })

  const counters = ['day', 'week', 'month', 'billing_period', 'total', 'preview']
  it.each([
    ...counters.map((budget) => [`the budget ${budget} saying that less was used`, `counters set used = used - 1000000`, budget, `counter ${budget}`] as const),
    ['a budget saying that nothing is set aside', `counters set reserved = 0`, 'total', 'counter total'],
    ['a budget saying that more is set aside', `counters set reserved = reserved + 1`, 'month', 'counter month'],
    ['a day that began later', `counters set window_start = window_start + 70000, used = 27000000`, 'day', 'counter day'],
    ['a month that goes on for longer', `counters set window_end = window_end + 86400000`, 'month', 'counter month'],
    ['a rolling window of which a part was changed', `counters set used = used - 1, slices = json_set(slices, '$[0][1]', json_extract(slices, '$[0][1]') - 1)`, 'rolling', 'counter rolling'],
    ['a rolling window that says another sum than its parts', `counters set used = used - 1`, 'rolling', 'counter rolling'],
    ['a rolling window that lost a part', `counters set used = 0, reserved = 0, slices = '[]'`, 'rolling', 'counter rolling'],
    ['a budget for each customer, of one of them', `counters set used = 1`, 'customers', 'counter customers/c1'],
    ['a run that spent less', `counters set used = 1`, 'runs', 'counter runs/r1'],
    ['a counter taken for that of a former budget', `counters set origin = origin - 1`, 'total', 'counter total'],
  ] as const)('T16: finds and names %s', async (_, change, budget, row) => {
    const problems = await tampered(`update ${change} where budget = '${budget}'`)
    expect(problems).toContainEqual({ account: 'acme', row, invariant: 'counters', message: expect.any(String) })
    expect(problems.every(({ invariant }) => invariant === 'counters')).toBe(true)
  })

  it('finds a counter that is gone, of a budget for everything and of one for each', async () => {
    expect(await tampered(`delete from counters where budget = 'total'`)).toMatchObject([{ row: 'counter total', invariant: 'counters' }])
    expect(await tampered(`delete from counters where budget = 'customers' and subject = 'c2'`)).toMatchObject([{ row: 'counter customers/c2', invariant: 'counters' }])
  })

  const limit = `document = json_set(document, '$.limit', 1)`
  it.each([
    ['a limit that was changed', `update records set ${limit} where kind = 'budget' and id = 'total'`, 'budget total'],
    ['a limit that a purchase raised', `update records set ${limit} where kind = 'budget' and id = 'preview'`, 'budget preview'],
    ['a limit that was changed as if later', `update records set ${limit}, sequence = sequence + 1 where kind = 'budget' and id = 'total'`, 'budget total'],
    ['a budget that was opened again', `update records set is_open = 1 where kind = 'budget' and id = 'former'`, 'budget former'],
    ['a budget that is gone', `delete from records where kind = 'budget' and id = 'week'`, 'budget week'],
    ['a threshold that was changed', `update records set document = json_set(document, '$.limit.credits', 1) where kind = 'alert'`, 'alert soon'],
    ['a member with another role', `update records set document = json_set(document, '$.role', 'owner') where id = 'ada'`, 'member ada'],
    ['a member that came back', `update records set is_open = 1 where id = 'gone'`, 'member gone'],
    ['a member from nowhere', `insert into records select account, kind, 'eve', sequence, is_open, lookup, document from records where id = 'ada'`, 'member eve'],
    ['a key with more scopes', `update records set document = json_set(document, '$.scopes[0]', 'admin') where kind = 'key' and id = 'preview'`, 'key preview'],
    ['a key of another environment', `update records set document = json_set(document, '$.environment', 'production') where kind = 'key' and id = 'preview'`, 'key preview'],
    ['a revoked key that holds again', `update records set is_open = 1 where id = 'other'`, 'key other'],
    ['a purchase that was never paid and says it was', `update records set is_open = 0, document = json_set(document, '$.state', 'settled') where document like '%order-2%'`, /^purchase pu_/],
    ['a purchase of more credits', `update records set document = json_set(document, '$.credits', 1) where document like '%order-1%'`, /^purchase pu_/],
    ['a purchase that was refunded already', `update records set document = json_set(document, '$.refundedUsd', '20') where document like '%order-1%'`, /^purchase pu_/],
    ['an item of which less is kept', `update records set document = json_set(document, '$.quantity', 1) where kind = 'item'`, 'item storage'],
    ['a setting that was turned', `update records set document = json_set(document, '$.isEnabled', json('true')) where kind = 'setting'`, 'setting self_service'],
    ['an account that overlooks its budgets', `update accounts set rules = 0 where rules > 0`, 'acme'],
    ['an account that overlooks one of its budgets', `update accounts set rules = rules - 1 where rules > 0`, 'acme'],
    ['an account with nothing pending', `update accounts set pending = 0 where pending > 0`, 'acme'],
    ['an account that is never charged for its items', `update accounts set items_due_at = 8640000000000000 where id = 'acme'`, 'acme'],
  ])('finds and names %s', async (_, sql, row) => {
    const problems = await tampered(sql)
    const named = typeof row === 'string' ? row : expect.stringMatching(row)
    expect(problems).toContainEqual({ account: 'acme', row: named, invariant: 'records', message: expect.any(String) })
  })

  it.each([
    ['state', `update accounts set state = 'active'`],
    ['plan', `update accounts set plan = 'scale'`],
    ['next plan', `update accounts set next_plan = 'scale'`],
    ['period', `update accounts set period = period - 1`],
    ['anchor', `update accounts set plan_anchor_at = plan_anchor_at + 1`],
    ['zone', `update accounts set time_zone = 'UTC'`],
    ['clock', `update accounts set clock_ahead_ms = 1`],
  ])('finds an account with another %s than its journal says', async (_, sql) => {
    expect(await tampered(sql)).toContainEqual({ account: 'acme', row: 'acme', invariant: 'account', message: expect.any(String) })
  })

  it.each([
    ['a grant with another place in the burn order', `update grants set priority = 20 where priority = 50`],
    ['a grant that says it was not paid', `update grants set is_paid = 0 where is_paid = 1`],
    ['a grant that outlives its plan', `update grants set ends_with_plan = 1 where sequence = 1`],
    ['a reservation of another overrun policy', `update reservations set overrun = 'cap' where overrun = 'debt'`],
    ['a reservation of another member', `update reservations set member = 'eve' where member = 'ada'`],
    ['a reservation of another run', `update reservations set run = 'r2' where run = 'r1'`],
    ['a reservation of another key', `update reservations set key = 'other' where key is not null`],
    ['a reservation of another holder', `update reservations set holder = 'agent' where state = 'open'`],
    ['a reservation with another label', `update reservations set labels = '{"customer":"c9"}' where state = 'open'`],
    ['a reservation that began earlier', `update reservations set opened_at = opened_at - 1 where state = 'open'`],
    ['a reservation that ends earlier', `update reservations set expires_at = expires_at - 1 where state = 'open'`],
    ['a reservation at another sum', `update reservations set price = json_set(price, '$.maximum', '1') where state = 'open'`],
  ])('finds %s', async (_, sql) => {
    const problems = await tampered(sql)
    expect(problems).toContainEqual({ account: 'acme', row: expect.stringMatching(/^(gr|rs)_/), invariant: 'rows', message: expect.any(String) })
  })

  it('finds a price that its catalog version does not have, and rows of a version that there is not', async () => {
    expect(await tampered(`update reservations set price = json_set(price, '$.lines[0].price.credits', '0.01') where state = 'open'`)).toMatchObject([
      { row: expect.stringMatching(/^rs_/), invariant: 'catalogs' },
    ])
    const later = `update reservations set price_version = 9 where state = 'open'`
    expect((await tampered(later)).map(({ invariant }) => invariant)).toContain('catalogs')
  })

  it.each(['grants', 'reservations', 'transactions', 'records', 'counters'] as const)('finds %s of an account that is not there', async (table) => {
    const problems = await tampered(`update ${table} set account = 'nobody'`)
    expect(problems).toContainEqual({ account: 'nobody', row: 'nobody', invariant: 'rows', message: `there are ${table} of it, and there is no such account` })
  })

  it('says which catalog version can no longer be read', async () => {
    await expect(tampered(`update catalogs set document = '{}'`)).rejects.toMatchObject({ code: 'catalog_invalid', message: expect.stringContaining('version 1') })
  })

  it('remembers trials and spending caps where the plan has them', async () => {
    const database = join(folder, 'trial.db')
    const credits = await openCredits({ database, catalog: 'social-neuron', clock: { now: () => now } })
    await credits.createAccount({ id: 'sn', plan: 'trial' })
    await credits.charge({ account: 'sn', operation: 'image.generate' })
    await credits.close()
    const whole = await verifiedAfter(database, null)
    expect(whole).toEqual([])
    expect(await verifiedAfter(database, `delete from records where kind = 'trial'`)).toMatchObject([{ row: 'trial trial', invariant: 'records' }])
    expect(await verifiedAfter(database, `update records set document = json_set(document, '$.limit', 9) where kind = 'budget'`)).toContainEqual(
      expect.objectContaining({ row: 'budget spending_cap', invariant: 'records' }),
    )
    expect(await verifiedAfter(database, `update counters set used = 0`)).toContainEqual(expect.objectContaining({ row: 'counter spending_cap', invariant: 'counters' }))
  })

  async function verifiedAfter(database: string, sql: string | null) {
    if (sql !== null) {
      const file = new Database(database)
      file.exec(sql)
      file.close()
    }
    const credits = await openCredits({ database, clock: { now: () => now } })
    const { problems } = await credits.verify()
    await credits.close()
    return problems
  }
})
