import { describe, expect, it } from 'vitest'
import type { Counter } from '../../src/budgets/counter.js'
import type { Command } from '../../src/decide/command.js'
import type { Outcome } from '../../src/decide/outcome.js'
import type { Account } from '../../src/ledger/account.js'
import type { AccountRecord, RecordKind } from '../../src/ledger/account-record.js'
import type { Grant } from '../../src/ledger/grant.js'
import type { Reservation } from '../../src/ledger/reservation.js'
import { transactionId } from '../../src/ledger/transaction.js'
import { AMOUNT_MAX } from '../../src/money/credits.js'
import type { WriteSet } from '../../src/storage/loaded-account.js'
import type { Store } from '../../src/storage/port.js'
import { DAY_MS, HOUR_MS, NEVER } from '../../src/time/instant.js'
import { accountOf } from './audit.js'
import type { StoreDatabase } from './conformance.js'
import * as make from './fixtures.js'
import { charge, createAccount, credits, doneOf, refusalOf, T0 } from './fixtures.js'

interface Context {
  database(): StoreDatabase
  store(): Store
  /** Opens an account with a balance and tells its id. */
  open(balance?: number, given?: Parameters<typeof createAccount>[1]): Promise<string>
}

/** What every store must do with an account's records and counters, and with what stands in its rows beside the books. */
export function describeRecords({ database, store, open }: Context): void {
  /** Writes rows as another process does; `account` is what it changes of the account itself. */
  async function write(id: string, change: Omit<Partial<WriteSet>, 'account'> & { readonly account?: Partial<Account> }): Promise<void> {
    const accountBefore = await accountOf(store(), id)
    const account = { ...accountBefore, ...change.account }
    const rows = { transactions: [], grants: [], reservations: [], records: [], counters: [], tallies: [] }
    await database().write?.({ ...rows, ...change, accountBefore, account })
  }

  const isAlone = () => database().write === undefined

  describe('what stands in rows beside the books', () => {
    it('every field of an account comes back as it was written', async () => {
      if (isAlone()) return
      const id = await open(10, { settings: { isTest: true } })
      const account: Partial<Account> = {
        subscription: {
          plan: 'monthly', anchorAt: T0, period: 3, periodStart: T0 + 1, periodEnd: T0 + 2, periodBase: credits(12.5), nextPlan: 'keeper',
        },
        pending: AMOUNT_MAX,
        fired: ['low "balance"', 'kritisch ü', '20%'],
        clockAheadMs: 400 * DAY_MS,
        itemsDueAt: T0 + 31 * DAY_MS,
      }
      await write(id, { account })
      expect(await accountOf(store(), id)).toMatchObject(account)
      const changed = { ...account, subscription: null, pending: 0n, fired: [], clockAheadMs: 401 * DAY_MS, itemsDueAt: NEVER }
      await write(id, { account: changed })
      expect(await accountOf(store(), id)).toMatchObject(changed)
    })

    it('a new account has nothing of it, and a charge leaves what there is as it was', async () => {
      const id = await open(10)
      expect(await accountOf(store(), id)).toMatchObject({ rules: 0, pending: 0n, fired: [], clockAheadMs: 0, itemsDueAt: NEVER })
      if (isAlone()) return
      const account = { pending: 7n, itemsDueAt: T0 + 31 * DAY_MS }
      await write(id, { account })
      doneOf(await store().update(charge(id, 1), T0))
      expect(await accountOf(store(), id)).toMatchObject({ ...account, books: { available: credits(9) } })
    })

    it('a grant keeps whether it ends with the plan', async () => {
      if (isAlone()) return
      const id = await open(1)
      const [given] = await store().grants(id, 0, 10)
      const scheduled: Grant = {
        ...(given as Grant), id: 'gr_2_0123456789', sequence: 2, remaining: 0n, state: 'scheduled', effectiveAt: T0 + DAY_MS,
        expiresAt: T0 + 2 * DAY_MS, endsWithPlan: true,
      }
      await write(id, { account: { openGrants: 2 }, grants: [scheduled] })
      expect((await store().grants(id, 0, 10)).map((row) => row.endsWithPlan)).toEqual([false, true])
    })

    it('a reservation keeps the member and the run for whom it was made', async () => {
      if (isAlone()) return
      const id = await open(1)
      doneOf(await store().update(make.reserve(id, 1), T0))
      const [held] = await store().reservations(id, 0, 10)
      const late: Reservation = { ...(held as Reservation), sequence: 3, id: 'rs_3_0123456789', member: 'm1', run: 'r "1"', state: 'expired', endedBy: 3 }
      await write(id, { reservations: [late] })
      expect((await store().reservations(id, 0, 10)).map(({ member, run }) => [member, run])).toEqual([[null, null], ['m1', 'r "1"']])
    })
  })

  describe('records', () => {
    it('come back as they were written, and as they were changed', async () => {
      if (isAlone()) return
      const id = await open()
      const document = { text: 'ü "quoted" \\ \n', list: [1, 2.5, null], nested: { limit: 2_000_000_000_000_000, 'odd key': true }, empty: {} }
      const made = record('budget', 'b1', { lookup: `${id}:b1`, document })
      await write(id, { account: { rules: 1 }, records: [made] })
      expect(await store().records({ account: id, kind: 'budget', limit: 10 })).toEqual([made])
      const closed = { ...made, sequence: 9, isOpen: false, lookup: null, document: {} }
      await write(id, { account: { rules: 0 }, records: [closed] })
      expect(await store().records({ account: id, kind: 'budget', limit: 10 })).toEqual([closed])
      expect(await store().recordByLookup(`${id}:b1`)).toBeNull()
    })

    it('are listed newest first, of one sequence by id, page by page, open ones or closed ones or all', async () => {
      if (isAlone()) return
      const [id, other] = [await open(), await open()]
      const places = [[1, 'a'], [2, 'z'], [2, 'Z'], [2, 'ä'], [3, 'a2'], [7, 'a1']] as const
      const records = places.map(([sequence, name], index) => record('message', name, { sequence, isOpen: index % 2 === 0 }))
      await write(id, { records: [...records, record('purchase', 'p1'), record('item', 'a')] })
      await write(other, { records: [record('message', 'a', { sequence: 8 })] })
      const listed = async (query: object) =>
        (await store().records({ account: id, kind: 'message', limit: 100, ...query })).map((row) => `${row.sequence}${row.id}`)

      expect(await listed({})).toEqual(['7a1', '3a2', '2ä', '2z', '2Z', '1a'])
      expect(await listed({ isOpen: true })).toEqual(['3a2', '2Z', '1a'])
      expect(await listed({ isOpen: false })).toEqual(['7a1', '2ä', '2z'])
      expect(await listed({ limit: 2 })).toEqual(['7a1', '3a2'])
      expect(await listed({ limit: 2, before: { sequence: 3, id: 'a2' } })).toEqual(['2ä', '2z'])
      expect(await listed({ before: { sequence: 2, id: 'z' } })).toEqual(['2Z', '1a'])
      expect(await listed({ before: { sequence: 2, id: 'z' }, isOpen: true, limit: 1 })).toEqual(['2Z'])
      expect(await listed({ before: { sequence: 1, id: 'a' } })).toEqual([])
      expect(await listed({ kind: 'purchase' })).toEqual(['1p1'])
      expect(await listed({ kind: 'key' })).toEqual([])
      expect(await listed({ account: 'nobody' })).toEqual([])
    })

    it('are found by their lookup, whosever they are, open or closed', async () => {
      if (isAlone()) return
      const [one, other] = [await open(), await open()]
      const [mine, theirs] = [record('key', 'k1', { lookup: `key:${one}` }), record('key', 'k1', { lookup: `key:${other}`, isOpen: false })]
      await write(one, { records: [mine] })
      await write(other, { records: [theirs] })
      expect(await store().recordByLookup(`key:${one}`)).toEqual({ account: one, record: mine })
      expect(await store().recordByLookup(`key:${other}`)).toEqual({ account: other, record: theirs })
      expect(await store().recordByLookup('key:nobody')).toBeNull()
      await write(one, { records: [{ ...mine, sequence: 2, document: { name: 'again' } }] })
      expect(await store().recordByLookup(`key:${one}`)).toMatchObject({ record: { document: { name: 'again' } } })
    })

    it('of one lookup there is one in the ledger: a second is refused, in its account and in another', async () => {
      if (isAlone()) return
      const [one, other] = [await open(), await open()]
      await write(one, { records: [record('key', 'k1', { lookup: `once:${one}` })] })
      await expect(write(other, { records: [record('key', 'k1', { lookup: `once:${one}` })] })).rejects.toThrow()
      await expect(write(one, { records: [record('key', 'k2', { lookup: `once:${one}` })] })).rejects.toThrow()
      await expect(write(one, { records: [record('member', 'k1', { lookup: `once:${one}` })] })).rejects.toThrow()
      for (const id of [one, other]) {
        expect(await store().records({ account: id, kind: 'key', limit: 10 })).toHaveLength(id === one ? 1 : 0)
      }
    })

    it('are read within an account: the open ones by id, and any by its id', async () => {
      if (isAlone()) return
      const id = await open()
      const open1 = record('budget', 'b1')
      const records = [record('budget', 'b2'), open1, record('budget', 'b0', { isOpen: false }), record('alert', 'b1'), record('member', 'm1')]
      await write(id, { account: { rules: 3 }, records })
      const read = await store().read(id, T0, ({ view }) => ({
        budgets: view.records('budget').map((row) => row.id),
        alerts: view.records('alert').map((row) => row.id),
        keys: view.records('key'),
        open: view.record('budget', 'b1'),
        closed: view.record('budget', 'b0')?.isOpen,
        none: view.record('budget', 'b9'),
        member: view.record('member', 'm1')?.id,
      }))
      expect(read).toEqual({ budgets: ['b1', 'b2'], alerts: ['b1'], keys: [], open: open1, closed: false, none: null, member: 'm1' })
    })

    it('more open ones than a page of anything holds are read whole', async () => {
      if (isAlone()) return
      const id = await open()
      const records = Array.from({ length: 500 }, (_, index) => record('budget', `b${String(index).padStart(3, '0')}`, { sequence: index % 7 }))
      await write(id, { account: { rules: 500 }, records })
      expect(await store().read(id, T0, ({ view }) => view.records('budget'))).toEqual(records)
    })
  })

  describe('counters', () => {
    it('come back as they were written, and as they were moved', async () => {
      if (isAlone()) return
      const id = await open()
      const slices = [{ start: T0, used: 0n, reserved: 3n }, { start: T0 + HOUR_MS, used: AMOUNT_MAX, reserved: 0n }]
      const made = counter('b1', 'kunde "ü"', { windowEnd: NEVER, used: 3n * AMOUNT_MAX, reserved: 5n, fired: 80, slices })
      await write(id, { counters: [made] })
      expect(await store().counters(id, null, 10)).toEqual([made])
      const moved = { ...made, windowStart: T0 + 5, windowEnd: T0 + 9, used: 0n, reserved: 0n, fired: 0, slices: [] }
      await write(id, { counters: [moved] })
      expect(await store().counters(id, null, 10)).toEqual([moved])
    })

    it.each(['one by one', 'at once'])('are written as they were when their window ended, also where the same write begins another: %s', async (how) => {
      const id = await open(100)
      const charged = doneOf(await store().update(charge(id, 3), T0))
      const commands: readonly (readonly [Command, number])[] = [
        [make.setBudget(id, 'b1', 50, { window: { kind: 'day' } }), T0],
        [make.reserve(id, 10), T0 + DAY_MS],
        // The reservation has timed out in its day, and what is given back was charged before the budget was.
        [make.refund(id, transactionId(charged.transaction as { sequence: number; hash: string }), 1), T0 + 3 * DAY_MS],
      ]
      const update = ([command, now]: readonly [Command, number]) => store().update(command, now)
      if (how === 'at once') await Promise.all(commands.map(update))
      else for (const step of commands) await update(step)
      expect(await store().counters(id, null, 10)).toMatchObject([{ budget: 'b1', windowStart: Date.UTC(2026, 0, 16), used: 0n, reserved: 0n }])
    })

    it('are listed the most used first, of all budgets or of one', async () => {
      if (isAlone()) return
      const [id, other] = [await open(), await open()]
      await write(id, {
        counters: [
          counter('b1', '', { used: 5n }), counter('b2', 'x', { used: 7n }), counter('b2', 'Y', { used: 7n }),
          counter('b1', 'z', { used: 9n }), counter('b3', '', { used: 0n, reserved: 90n }),
        ],
      })
      await write(other, { counters: [counter('b1', '', { used: 100n })] })
      const listed = async (budget: string | null, limit = 10) =>
        (await store().counters(id, budget, limit)).map((row) => `${row.budget}/${row.subject}`)
      expect(await listed(null)).toEqual(['b1/z', 'b2/Y', 'b2/x', 'b1/', 'b3/'])
      expect(await listed(null, 2)).toEqual(['b1/z', 'b2/Y'])
      expect(await listed('b1')).toEqual(['b1/z', 'b1/'])
      expect(await listed('b4')).toEqual([])
    })

    it('are read within an account in the order of their keys, null for one that is not there', async () => {
      if (isAlone()) return
      const [id, other] = [await open(), await open()]
      const [one, two] = [counter('b1', 'x', { used: 1n }), counter('b2', '', { used: 2n })]
      await write(id, { counters: [one, two] })
      await write(other, { counters: [counter('b1', '', { used: 3n })] })
      const keys = [{ budget: 'b2', subject: '' }, { budget: 'b1', subject: '' }, { budget: 'b1', subject: 'x' }, { budget: 'b2', subject: '' }]
      expect(await store().read(id, T0, ({ view }) => view.counters(keys))).toEqual([two, null, one, two])
      expect(await store().read(id, T0, ({ view }) => view.counters([]))).toEqual([])
    })
  })

  describe('rows that break a rule of the schema', () => {
    it.each<[string, Parameters<typeof write>[1]]>([
      ['less than no rules', { account: { rules: -1 } }],
      ['more pending than there can be', { account: { pending: AMOUNT_MAX + 1n } }],
      ['less pending than nothing', { account: { pending: -1n } }],
      ['a live account with a time of its own', { account: { clockAheadMs: 1 } }],
      ['a time behind the clock', { account: { isTest: true, clockAheadMs: -1 } }],
      ['a record of a kind that is not known', { records: [record('nothing' as RecordKind, 'r1')] }],
      ['a counter that used less than nothing', { counters: [counter('b1', '', { used: -1n })] }],
      ['a counter that set aside less than nothing', { counters: [counter('b1', '', { reserved: -1n })] }],
      ['a counter that told of less than nothing', { counters: [counter('b1', '', { fired: -1 })] }],
      ['a window without any length', { counters: [counter('b1', '', { windowEnd: T0 })] }],
    ])('%s: are refused, and nothing written with them is kept', async (_name, change) => {
      if (isAlone()) return
      const id = await open(1)
      const before = await accountOf(store(), id)
      const rows = { records: [record('message', 'm1'), ...(change.records ?? [])], counters: [counter('b0', ''), ...(change.counters ?? [])] }
      await expect(write(id, { ...change, ...rows, account: { fired: ['low'], ...change.account } })).rejects.toThrow()
      expect(await accountOf(store(), id)).toEqual(before)
      expect(await store().records({ account: id, kind: 'message', limit: 10 })).toEqual([])
      expect(await store().counters(id, null, 10)).toEqual([])
    })
  })

  describe('budgets and what they count', () => {
    const used = async (id: string, budget: string) =>
      Object.fromEntries((await store().counters(id, budget, 10)).map((row) => [row.subject, [row.used, row.reserved]]))

    /** A second store on the same database, as another process has it; the same one where there can be no second. */
    async function withOther<T>(work: (other: Store) => Promise<T>): Promise<T> {
      const other = database().storesMax === 1 ? store() : await database().open()
      try {
        return await work(other)
      } finally {
        if (other !== store()) await other.close()
      }
    }

    it.each(['at once', 'one by one'])('commands that come %s make, change and remove a budget for those that come after', async (how) => {
      const id = await open(100)
      const commands = [
        charge(id, 1), make.setBudget(id, 'b1', 5), charge(id, 3), charge(id, 3), make.setBudget(id, 'b1', 8), charge(id, 3),
        make.setBudget(id, 'b2', 2), charge(id, 3), make.removeBudget(id, 'b2'), charge(id, 2), charge(id, 1), make.removeBudget(id, 'b1'),
        charge(id, 9),
      ]
      const outcomes: Outcome[] = []
      if (how === 'at once') outcomes.push(...(await Promise.all(commands.map((command) => store().update(command, T0)))))
      else for (const command of commands) outcomes.push(await store().update(command, T0))
      const told = outcomes.map((outcome) => (outcome.kind === 'done' ? outcome.account.rules : outcome.refusal.code))
      const no = 'budget_exceeded'
      expect(told).toEqual([0, 1, 1, no, 1, 1, 2, no, 1, 1, no, 0, 0])
      expect(await accountOf(store(), id)).toMatchObject({ rules: 0, books: { spent: credits(18) } })
      const records = await store().records({ account: id, kind: 'budget', limit: 10 })
      expect(records.map((row) => [row.id, row.isOpen, row.document['limit']])).toEqual([['b1', false, 8_000_000], ['b2', false, 2_000_000]])
      expect([await used(id, 'b1'), await used(id, 'b2')]).toEqual([{ '': [credits(8), 0n] }, {}])
    })

    it('each subject of a budget is counted apart, all within one batch', async () => {
      const id = await open(1_000)
      doneOf(await store().update(make.setBudget(id, 'b1', 6, { scope: { values: {}, each: 'label:customer' } }), T0))
      const customers = Array.from({ length: 90 }, (_, index) => `c${index % 30}`)
      const charged = await Promise.all(customers.map((customer) => store().update(charge(id, 2.5, { labels: { customer } }), T0)))
      expect(charged.map(({ kind }) => kind)).toEqual([...Array(60).fill('done'), ...Array(30).fill('refused')])
      const counters = await store().counters(id, 'b1', 100)
      expect(new Set(counters.map((row) => row.subject))).toEqual(new Set(customers))
      expect(new Set(counters.map((row) => row.used))).toEqual(new Set([credits(5)]))
    })

    it('T16: what a budget has counted is there when the store is opened again', async () => {
      if (database().storesMax === 1) return
      const id = await open(100)
      doneOf(await store().update(make.setBudget(id, 'b1', 10), T0))
      const held = await withOther(async (other) => {
        doneOf(await other.update(charge(id, 4), T0))
        return doneOf(await other.update(make.reserve(id, 5), T0)).reservation?.id as string
      })
      expect(await used(id, 'b1')).toEqual({ '': [credits(4), credits(5)] })
      await withOther(async (other) => {
        expect(refusalOf(await other.update(charge(id, 2), T0)).code).toBe('budget_exceeded')
        doneOf(await other.update(make.release(id, held), T0))
        doneOf(await other.update(charge(id, 6), T0))
      })
      expect(await used(id, 'b1')).toEqual({ '': [credits(10), 0n] })
    })

    it('T25: a charge from before the budget does not count, nor what is given back of it, though all happen at one instant', async () => {
      const id = await open(100)
      const charged = transactionId(doneOf(await store().update(charge(id, 3), T0)).transaction as never)
      const held = doneOf(await store().update(make.reserve(id, 4), T0)).reservation?.id as string
      doneOf(await store().update(make.setBudget(id, 'b1', 10), T0))
      doneOf(await store().update(charge(id, 2), T0))
      doneOf(await store().update(make.refund(id, charged), T0))
      doneOf(await store().update(make.release(id, held), T0))
      expect(await used(id, 'b1')).toEqual({ '': [credits(2), 0n] })
    })

    it('T14, T17: charges of two stores count in one budget: of 200 exactly as many are done as it allows', async () => {
      const id = await open(1_000)
      doneOf(await store().update(make.setBudget(id, 'b1', 50), T0))
      await withOther(async (other) => {
        const outcomes = await Promise.all(Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? store() : other).update(charge(id, 1), T0)))
        expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(50)
      })
      expect(await used(id, 'b1')).toEqual({ '': [credits(50), 0n] })
    })

    it('T14: a budget that another store has made, changed or removed holds for the very next charge', async () => {
      const id = await open(100)
      await withOther(async (other) => {
        const isDone = async (command: Command) => (await store().update(command, T0)).kind === 'done'
        expect(await isDone(charge(id, 3))).toBe(true)
        doneOf(await other.update(make.setBudget(id, 'b1', 2), T0))
        expect(await isDone(charge(id, 3))).toBe(false)
        doneOf(await other.update(make.setBudget(id, 'b1', 6), T0))
        expect(await isDone(charge(id, 3))).toBe(true)
        doneOf(await other.update(charge(id, 2), T0))
        expect(await isDone(charge(id, 2))).toBe(false)
        doneOf(await other.update(make.removeBudget(id, 'b1'), T0))
        expect(await isDone(charge(id, 2))).toBe(true)
      })
    })

    it('T14, T16: a counter that another process has moved is the one that the next charge goes on from', async () => {
      if (isAlone()) return
      const id = await open(100)
      doneOf(await store().update(make.setBudget(id, 'b1', 10), T0))
      doneOf(await store().update(charge(id, 1), T0))
      const [counted] = await store().counters(id, 'b1', 1)
      await write(id, { counters: [{ ...(counted as Counter), used: credits(8) }] })
      expect(refusalOf(await store().update(charge(id, 3), T0)).code).toBe('budget_exceeded')
      doneOf(await store().update(charge(id, 2), T0))
      expect(await used(id, 'b1')).toEqual({ '': [credits(10), 0n] })
    })

    it('T14: a key that another store has revoked spends nothing from then on', async () => {
      const id = await open(100)
      doneOf(await store().update(make.createKey(id, 'k1'), T0))
      const spend = charge(id, 1, { actor: { ...make.AGENT, key: 'k1' } })
      doneOf(await store().update(spend, T0))
      doneOf(await withOther((other) => other.update(make.revokeKey(id, 'k1'), T0)))
      expect(refusalOf(await store().update(spend, T0)).code).toBe('unauthenticated')
    })

    it('a batch that the database did not take leaves no count and no record behind', async () => {
      const id = await open(100)
      doneOf(await store().update(make.setBudget(id, 'b1', 10), T0))
      const broken = { ...make.grant(id, 1), priority: 101 } as Command
      for (let round = 0; round < 3; round += 1) {
        const settled = await Promise.allSettled([charge(id, 1), broken, make.setBudget(id, 'b2', 90)].map((command) => store().update(command, T0)))
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        await expect(store().update(broken, T0)).rejects.toThrow()
      }
      expect([await used(id, 'b1'), await used(id, 'b2')]).toEqual([{ '': [credits(3), 0n] }, { '': [credits(2), 0n] }])
      expect(await accountOf(store(), id)).toMatchObject({ rules: 2, sequence: 8 })
    })
  })

  describe('reports', () => {
    it('lists the accounts that report to one, by id and page by page', async () => {
      const parent = await open()
      for (const name of ['z', 'A', 'ä', 'a']) doneOf(await store().update(createAccount(`${parent}-${name}`, { settings: { parent } }), T0))
      const listed = async (after: string | null, limit = 10) => (await store().children(parent, after, limit)).map(({ id }) => id.slice(parent.length + 1))
      expect(await listed(null)).toEqual(['A', 'a', 'z', 'ä'])
      expect(await listed(null, 2)).toEqual(['A', 'a'])
      expect(await listed(`${parent}-a`)).toEqual(['z', 'ä'])
      expect(await store().children(`${parent}-z`, null, 10)).toEqual([])
    })

    it('sums a part of a journal by kind and operation, both its ends included', async () => {
      const id = await open(100)
      doneOf(await store().update(charge(id, 2), T0))
      doneOf(await store().update(charge(id, 1, { subject: make.operation('image.draw', 2) }), T0))
      doneOf(await store().update(charge(id, 3.000001), T0))
      doneOf(await store().update(make.adjust(id, -5), T0))
      doneOf(await store().update(make.adjust(id, 1), T0))
      const sums = async (first: number, last: number) =>
        Object.fromEntries((await store().kindSums(id, { first, last })).map((sum) => [`${sum.kind} ${sum.operation}`, [sum.count, sum.credits]]))
      expect(await sums(1, 6)).toEqual({
        'grant null': [1, credits(100)], 'charge work.unit': [2, credits(5.000001)], 'charge image.draw': [1, credits(5)], 'adjust null': [2, credits(-4)],
      })
      expect(await sums(2, 3)).toEqual({ 'charge work.unit': [1, credits(2)], 'charge image.draw': [1, credits(5)] })
      expect(await sums(5, 4)).toEqual({})
      expect(await store().kindSums('nobody', { first: 1, last: 9 })).toEqual([])
    })
  })
}

export function record(kind: RecordKind, id: string, given: Partial<AccountRecord> = {}): AccountRecord {
  return { kind, id, sequence: 1, isOpen: true, lookup: null, document: { of: id }, ...given }
}

export function counter(budget: string, subject: string, given: Partial<Counter> = {}): Counter {
  return { budget, subject, origin: 1, windowStart: T0, windowEnd: T0 + DAY_MS, used: 0n, reserved: 0n, fired: 0, slices: [], ...given }
}
