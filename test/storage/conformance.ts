import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { spendable } from '../../src/decide/limits.js'
import type { Outcome } from '../../src/decide/outcome.js'
import { transactionId } from '../../src/ledger/transaction.js'
import type { WriteSet } from '../../src/storage/loaded-account.js'
import type { LedgerUnavailable, Store } from '../../src/storage/port.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/time/instant.js'
import { MemoryDatabase, openMemoryStore } from '../support/memory-store.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { accountOf, audit, journalOf } from './audit.js'
import * as make from './fixtures.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, keyed, refusalOf, T0 } from './fixtures.js'
import { describeQuotes } from './quote-conformance.js'
import { describeRecords } from './record-conformance.js'
import { comparable, contents, recordScenario, replayInBatches } from './scenario.js'

/** A database that stores are opened on, as processes open one. */
export interface StoreDatabase {
  open(): Promise<Store>
  drop(): Promise<void>
  /** Writes rows by the driver's own writer and as another process does; absent where there can be no other. */
  readonly write?: (change: WriteSet) => Promise<void>
  /** How many stores can be open on it at once: a database in a store's own memory has one. */
  readonly storesMax: 1 | 2
}

/** What every store must do, whatever keeps its rows. */
export function describeStore(name: string, create: () => Promise<StoreDatabase>): void {
  describe(name, () => {
    let database: StoreDatabase
    let store: Store
    let accounts = 0
    const audited = new Set<string>()

    beforeAll(async () => {
      database = await create()
      store = await database.open()
      expect(await store.addCatalogs([catalogVersion()], T0)).toBe(true)
    })

    afterAll(async () => {
      await store.close()
      await database.drop()
    })

    /** Every account that a test has touched is right to the last entry when it ends. */
    afterEach(async () => {
      const touched = (await store.accounts(null, 10_000)).filter(({ id }) => !audited.has(id))
      for (const { id } of touched) {
        audited.add(id)
        expect(await audit(store, id), id).toEqual([])
      }
    })

    /** A new account without a plan, with one grant. */
    async function open(balance = 0, given: Parameters<typeof createAccount>[1] = {}): Promise<string> {
      accounts += 1
      const id = `account-${accounts}`
      doneOf(await store.update(createAccount(id, given), T0))
      if (balance > 0) doneOf(await store.update(grant(id, balance), T0))
      return id
    }

    async function balanceOf(id: string): Promise<bigint> {
      return (await accountOf(store, id)).books.available
    }

    describe('commands', () => {
      it('opens an account on its plan, with the first grant, and answers the same again', async () => {
        const command = createAccount('planned', { plan: 'monthly' })
        const first = doneOf(await store.update(command, T0))
        expect(first).toMatchObject({ replayed: false, account: { sequence: 1, books: { available: credits(100) } } })
        expect(doneOf(await store.update(command, T0 + 1))).toMatchObject({ replayed: true, account: { head: first.account.head } })
        expect(await store.grants('planned', 0, 10)).toMatchObject([{ source: 'allowance', remaining: credits(100) }])
      })

      it('charges, and the row that was written is the row that was told', async () => {
        const id = await open(10)
        const labels = { customer: 'c1', 'odd "name"\\ .$[0]': 'ü' }
        doneOf(await store.update(make.createKey(id, 'k1'), T0))
        doneOf(await store.update(make.putMember(id, 'm1'), T0))
        const actor = { key: 'k1', member: 'm1', holder: 'agent', run: null } as const
        const { transaction, account } = doneOf(await store.update(charge(id, 2.5, { ...keyed('one'), actor, labels }), T0 + 5))
        expect(account.books.available).toBe(credits(7.5))
        expect(transaction).toMatchObject({ quantity: 2.5, credits: credits(2.5), balanceAfter: credits(7.5), key: 'k1', member: 'm1', labels })
        expect((await journalOf(store, id)).at(-1)).toEqual(transaction)
        expect(await accountOf(store, id)).toEqual(account)
      })

      it('holds an amount of two billion credits to the last millionth', async () => {
        const id = await open()
        doneOf(await store.update({ ...grant(id, 1), amount: credits('1999999999.999999') } as ReturnType<typeof grant>, T0))
        expect(await balanceOf(id)).toBe(credits('1999999999.999999'))
        doneOf(await store.update(grant(id, 0.000001), T0))
        expect(await balanceOf(id)).toBe(credits(2_000_000_000))
        expect(refusalOf(await store.update(grant(id, 0.000001), T0)).code).toBe('invalid_amount')
      })

      it('AX-06: reserves, settles what was consumed, and gives the rest back', async () => {
        const id = await open(10)
        const held = doneOf(await store.update(make.reserve(id, 1, { subject: make.operation('work.open'), labels: { job: '1' } }), T0))
        expect(await balanceOf(id)).toBe(0n)
        const reservation = held.reservation?.id as string
        const settled = doneOf(await store.update(make.settle(id, reservation, { actual: { actual: credits(4) } }), T0 + 1))
        expect(settled).toMatchObject({ transaction: { kind: 'settle', credits: credits(4) }, reservation: { state: 'settled' } })
        expect(await balanceOf(id)).toBe(credits(6))
        expect(refusalOf(await store.update(make.settle(id, reservation), T0 + 2)).code).toBe('reservation_not_open')
      })

      it('releases a reservation, extends one, and records or keeps silent about the extension as asked', async () => {
        const id = await open(10)
        const reserved = async () => doneOf(await store.update(make.reserve(id, 3), T0)).reservation?.id as string
        const [one, other] = [await reserved(), await reserved()]
        doneOf(await store.update(make.release(id, one, { fault: 'provider' }), T0 + 1))
        doneOf(await store.update(make.extend(id, other, HOUR_MS), T0 + 1))
        doneOf(await store.update(make.extend(id, other, 2 * HOUR_MS, { isHeartbeat: true }), T0 + 1))
        expect(await balanceOf(id)).toBe(credits(7))
        expect((await journalOf(store, id)).map((row) => row.kind)).toEqual(['grant', 'reserve', 'reserve', 'release', 'amend'])
        expect((await store.reservations(id, 0, 10)).map(({ state, expiresAt }) => [state, expiresAt])).toEqual([
          ['released', T0 + 15 * MINUTE_MS],
          ['open', T0 + 1 + 2 * HOUR_MS],
        ])
      })

      it('keeps what became of a reservation in the write in which it ends, and that alone', async () => {
        const id = await open(10)
        const held = doneOf(await store.update(make.reserve(id, 3), T0)).reservation
        const reservation = held?.id as string
        const written = await Promise.all([make.extend(id, reservation, HOUR_MS), make.settle(id, reservation)].map((command) => store.update(command, T0 + 1)))
        expect(written.map((outcome) => outcome.kind)).toEqual(['done', 'done'])
        const [kept] = await store.reservations(id, 0, 10)
        expect(kept).toEqual({ ...held, state: 'settled', expiresAt: T0 + 1 + HOUR_MS, endedBy: doneOf(written[1] as never).transaction?.sequence })
      })

      it('refunds part of a charge and then the rest, to the grants that paid, and never more', async () => {
        const id = await open(5)
        doneOf(await store.update(grant(id, 5, { priority: 30 }), T0))
        const charged = transactionId(doneOf(await store.update(charge(id, 8), T0)).transaction as never)
        doneOf(await store.update(make.refund(id, charged, 4), T0 + 1))
        expect((await store.grants(id, 0, 10)).map((row) => row.remaining)).toEqual([credits(1), credits(5)])
        expect(doneOf(await store.update(make.refund(id, charged), T0 + 2)).transaction?.credits).toBe(credits(4))
        expect(refusalOf(await store.update(make.refund(id, charged, 1), T0 + 3)).code).toBe('refund_not_allowed')
        expect(await balanceOf(id)).toBe(credits(10))
      })

      it('settles into debt where the policy allows it, and the next credits repay it first', async () => {
        const id = await open(10, { settings: { debtMax: credits(5) } })
        const held = doneOf(await store.update(make.reserve(id, 1, { subject: make.operation('work.open'), overrun: 'debt' }), T0))
        doneOf(await store.update(make.settle(id, held.reservation?.id as string, { actual: { actual: credits(14) } }), T0))
        expect(await balanceOf(id)).toBe(credits(-4))
        doneOf(await store.update(grant(id, 10), T0))
        expect(await balanceOf(id)).toBe(credits(6))
      })

      it('adjusts up and down, suspends, resumes, closes', async () => {
        const id = await open(10)
        doneOf(await store.update(make.adjust(id, 5), T0))
        doneOf(await store.update(make.adjust(id, -12), T0))
        expect(refusalOf(await store.update(make.adjust(id, -4), T0)).code).toBe('out_of_credits')
        doneOf(await store.update(make.setState(id, 'suspended'), T0))
        expect(refusalOf(await store.update(charge(id, 1), T0)).code).toBe('account_suspended')
        doneOf(await store.update(make.setState(id, 'active'), T0))
        doneOf(await store.update(charge(id, 1), T0))
        doneOf(await store.update(make.setState(id, 'closed'), T0))
        expect(await accountOf(store, id)).toMatchObject({ state: 'closed', books: { available: credits(2), revoked: credits(12) } })
      })

      it('knows no account that was not opened', async () => {
        expect(refusalOf(await store.update(charge('nobody', 1), T0)).code).toBe('unknown_account')
        expect(await store.read('nobody', T0, () => true)).toBeNull()
      })

      it('goes on from the last instant of an account when the clock steps back', async () => {
        const id = await open(10)
        doneOf(await store.update(charge(id, 1), T0 + HOUR_MS))
        expect(doneOf(await store.update(charge(id, 1), T0)).transaction?.at).toBe(T0 + HOUR_MS)
      })
    })

    describe('keys', () => {
      it('T08, T09: a key used again gets the first answer, in one batch and a year later', async () => {
        const id = await open(10)
        const command = charge(id, 3, keyed('same'))
        const outcomes = await Promise.all(Array.from({ length: 5 }, () => store.update(command, T0)))
        const later = await store.update(command, T0 + 365 * DAY_MS)
        const hashes = new Set([...outcomes, later].map((outcome) => doneOf(outcome).transaction?.hash))
        expect(hashes.size).toBe(1)
        expect(outcomes.map((outcome) => doneOf(outcome).replayed)).toEqual([false, true, true, true, true])
        expect(await balanceOf(id)).toBe(credits(7))
      })

      it('T08: a key used for something else is refused, in one batch and later', async () => {
        const id = await open(10)
        const [first, second] = await Promise.all([
          store.update(charge(id, 3, keyed('same', 'a')), T0),
          store.update(charge(id, 4, keyed('same', 'b')), T0),
        ])
        doneOf(first)
        expect(refusalOf(second).code).toBe('idempotency_conflict')
        expect(refusalOf(await store.update(charge(id, 4, keyed('same', 'b')), T0 + 1)).code).toBe('idempotency_conflict')
      })

      it('the same key of another account is another key', async () => {
        const [one, other] = [await open(10), await open(10)]
        const outcomes = await Promise.all([one, other].map((id) => store.update(charge(id, 3, keyed('same')), T0)))
        expect(outcomes.map((outcome) => doneOf(outcome).replayed)).toEqual([false, false])
      })

      it('a replayed reservation is told as it stands now', async () => {
        const id = await open(10)
        const command = make.reserve(id, 3, keyed('hold'))
        const held = doneOf(await store.update(command, T0)).reservation?.id as string
        doneOf(await store.update(make.release(id, held), T0))
        expect(doneOf(await store.update(command, T0))).toMatchObject({ replayed: true, reservation: { id: held, state: 'released' } })
      })

      it('AX-12: a metered call is charged once by its key, runs once at a time, and is free to be retried after a release', async () => {
        const id = await open(10)
        const command = make.reserve(id, 3, { actor: make.METER, call: { key: 'call-1', fingerprint: 'f1' } })
        const held = async () => doneOf(await store.update(command, T0)).reservation?.id as string
        const first = await held()
        expect(refusalOf(await store.update(command, T0))).toMatchObject({ code: 'idempotency_conflict', retryable: true })
        doneOf(await store.update(make.release(id, first, { actor: make.METER }), T0))
        doneOf(await store.update(make.settle(id, await held(), { actor: make.METER }), T0))
        expect(doneOf(await store.update(command, T0))).toMatchObject({ replayed: true, transaction: { kind: 'settle' } })
        expect(await balanceOf(id)).toBe(credits(7))
      })
    })

    describe('refusals and throws', () => {
      it('a refusal leaves nothing behind, and takes no key', async () => {
        const id = await open(2)
        const before = await contents(store, [id])
        expect(refusalOf(await store.update(charge(id, 3, keyed('later')), T0 + 1)).code).toBe('out_of_credits')
        expect(await contents(store, [id])).toEqual(before)
        doneOf(await store.update(grant(id, 1), T0 + 2))
        expect(doneOf(await store.update(charge(id, 3, keyed('later')), T0 + 3)).replayed).toBe(false)
      })

      it('a throw in a decision fails its caller alone', async () => {
        const id = await open(10)
        const malformed = { ...charge(id, 1), subject: null } as unknown as ReturnType<typeof charge>
        const settled = await Promise.allSettled([
          store.update(charge(id, 1), T0),
          store.update(malformed, T0),
          store.update(charge(id, 2), T0),
        ])
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        expect(await balanceOf(id)).toBe(credits(7))
      })

      it('a row that the database does not take fails its caller alone', async () => {
        const id = await open(10)
        const broken = { ...grant(id, 1), priority: 101 } as ReturnType<typeof grant>
        const settled = await Promise.allSettled([
          store.update(charge(id, 1), T0),
          store.update(broken, T0),
          store.update(charge(id, 2), T0),
        ])
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        expect(await balanceOf(id)).toBe(credits(7))
      })
    })

    describe('time', () => {
      it('expires a grant and times out a reservation at their own instants, whatever becomes of the command', async () => {
        const id = await open()
        doneOf(await store.update(grant(id, 5, { expiresAt: T0 + HOUR_MS }), T0))
        doneOf(await store.update(grant(id, 4), T0))
        doneOf(await store.update(make.reserve(id, 2, { ttlMs: 2 * HOUR_MS }), T0))
        expect(refusalOf(await store.update(charge(id, 100), T0 + DAY_MS)).code).toBe('out_of_credits')
        expect((await journalOf(store, id)).slice(3).map((row) => [row.kind, row.at - T0, row.credits])).toEqual([
          ['expire', HOUR_MS, credits(3)],
          ['release', 2 * HOUR_MS, credits(2)],
          ['expire', 2 * HOUR_MS, credits(2)],
        ])
        expect(await balanceOf(id)).toBe(credits(4))
      })

      it('what is due at one instant happens in the order of its rows, however they came to be loaded', async () => {
        const id = await open()
        const grants = Array.from({ length: 30 }, (_, index) => grant(id, 1, { priority: 90 - index, expiresAt: T0 + HOUR_MS }))
        for (const command of grants) doneOf(await store.update(command, T0))
        await Promise.all([store.update(charge(id, 0.5), T0), store.update(make.sweep(id), T0 + HOUR_MS)])
        const expired = (await journalOf(store, id)).flatMap((row) => (row.kind === 'expire' ? [row.refersTo] : []))
        expect(expired).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
      })

      it('a scheduled grant takes effect at its instant', async () => {
        const id = await open()
        doneOf(await store.update(grant(id, 5, { effectiveAt: T0 + HOUR_MS, expiresAt: T0 + 2 * HOUR_MS }), T0))
        expect(refusalOf(await store.update(charge(id, 1), T0 + HOUR_MS - 1)).code).toBe('out_of_credits')
        doneOf(await store.update(charge(id, 1), T0 + HOUR_MS))
        doneOf(await store.update(make.sweep(id), T0 + 3 * HOUR_MS))
        expect((await journalOf(store, id)).map((row) => row.kind)).toEqual(['amend', 'grant', 'charge', 'expire'])
      })

      it('T23: two stores that catch up at once after a pause of three periods grant three times', async () => {
        const id = await open(0, { plan: 'monthly' })
        const other = database.storesMax === 1 ? store : await database.open()
        const now = Date.UTC(2026, 3, 20)
        await Promise.all([store, other].flatMap((each) => [each.update(make.sweep(id), now), each.update(charge(id, 1), now)]))
        const grants = (await journalOf(store, id)).filter((row) => row.kind === 'grant').map((row) => row.at)
        expect(grants).toEqual([0, 1, 2, 3].map((month) => Date.UTC(2026, month, 15, 10)))
        expect(await balanceOf(id)).toBe(credits(98))
        if (other !== store) await other.close()
      })

      it.each([200, 201, 450])('catches up with %i rows due at one instant', async (rows) => {
        const id = await open(rows)
        await Promise.all(Array.from({ length: rows }, () => store.update(make.reserve(id, 1, { ttlMs: HOUR_MS }), T0)))
        expect(await balanceOf(id)).toBe(0n)
        expect(await store.read(id, T0 + DAY_MS, (draft) => draft.account.books.available)).toBe(credits(rows))
        doneOf(await store.update(charge(id, 1), T0 + DAY_MS))
        expect(await accountOf(store, id)).toMatchObject({ openReservations: 0, books: { available: credits(rows - 1), reserved: 0n } })
      })

      it('catches up with more rows of each kind than one step takes, all in the order of their instants', async () => {
        const id = await open(260)
        const fire = (count: number, command: (index: number) => Parameters<Store['update']>[0]) =>
          Promise.all(Array.from({ length: count }, (_, index) => store.update(command(index), T0)))
        await fire(260, (index) => make.reserve(id, 1, { ttlMs: HOUR_MS + index * 10 }))
        await fire(300, (index) => grant(id, 1, { expiresAt: T0 + HOUR_MS + index * 7 }))
        await fire(300, (index) => grant(id, 1, { effectiveAt: T0 + HOUR_MS + index * 3, expiresAt: T0 + 2 * HOUR_MS }))
        const late = T0 + HOUR_MS + 2_000
        await store.update(make.sweep(id), late)
        const balance = await store.read(id, late, (draft) => draft.account.books.available)
        expect(balance).toBe((await accountOf(store, id)).books.available)
        doneOf(await store.update(make.sweep(id), T0 + DAY_MS))
        expect(await accountOf(store, id)).toMatchObject({ openGrants: 1, openReservations: 0, books: { available: credits(260), expired: credits(600) } })
      })

      it('lists the accounts with something due, the longest waiting first', async () => {
        const [one, other, idle] = [await open(), await open(), await open(5)]
        doneOf(await store.update(grant(one, 1, { expiresAt: T0 + 2 * HOUR_MS }), T0))
        doneOf(await store.update(grant(other, 1, { expiresAt: T0 + HOUR_MS }), T0))
        const mine = async (now: number) => (await store.dueAccounts(now, 1_000)).filter((id) => [one, other, idle].includes(id))
        expect(await mine(T0 + HOUR_MS - 1)).toEqual([])
        expect(await mine(T0 + HOUR_MS)).toEqual([other])
        expect(await mine(T0 + DAY_MS)).toEqual([other, one])
        expect(await store.dueAccounts(T0 + DAY_MS, 0)).toEqual([])
        for (const id of [one, other]) doneOf(await store.update(make.sweep(id), T0 + DAY_MS))
        expect(await mine(T0 + DAY_MS)).toEqual([])
      })
    })

    describe('grants', () => {
      it('takes credits from more grants than one page holds, in burn order', async () => {
        const id = await open()
        for (let index = 0; index < 40; index += 1) {
          doneOf(await store.update(grant(id, 1, { priority: 90 - index, isPaid: index % 2 === 0 }), T0))
        }
        const { transaction } = doneOf(await store.update(charge(id, 35), T0))
        const paid = transaction?.entries.filter((entry) => entry.book === 'spent').map((entry) => entry.grant)
        expect(paid).toEqual(Array.from({ length: 35 }, (_, index) => 40 - index))
      })

      it('goes through many grants in one batch, each charge seeing what those before it took', async () => {
        const id = await open()
        await Promise.all(Array.from({ length: 100 }, (_, index) => store.update(grant(id, 1, { priority: index }), T0)))
        const outcomes = await Promise.all(Array.from({ length: 30 }, () => store.update(charge(id, 4), T0)))
        expect(outcomes.map((outcome) => outcome.kind)).toEqual([...Array(25).fill('done'), ...Array(5).fill('refused')])
      })

      it('a grant made in a decision takes its place behind those that are not loaded yet', async () => {
        const id = await open()
        await Promise.all(Array.from({ length: 60 }, () => store.update(grant(id, 1), T0)))
        doneOf(await store.update(grant(id, 500, { effectiveAt: T0 + HOUR_MS, priority: 50 }), T0))
        const { transaction } = doneOf(await store.update(charge(id, 50), T0 + HOUR_MS))
        expect(transaction?.entries.filter((entry) => entry.book === 'spent').map((entry) => entry.amount)).toEqual(Array(50).fill(credits(1)))
      })

      it('free grants go before paid ones of the same priority and expiry, also beyond the first page', async () => {
        const id = await open()
        await Promise.all(Array.from({ length: 60 }, (_, index) => store.update(grant(id, 1, { isPaid: index % 2 === 0 }), T0)))
        const { transaction } = doneOf(await store.update(charge(id, 30), T0))
        const paid = transaction?.entries.filter((entry) => entry.book === 'spent').map((entry) => entry.grant)
        expect(paid).toEqual(Array.from({ length: 30 }, (_, index) => 2 * index + 2))
      })

      it('grants made in the same batch take their place behind those that are not loaded yet', async () => {
        const id = await open()
        await Promise.all(Array.from({ length: 60 }, () => store.update(grant(id, 1), T0)))
        const made = Array.from({ length: 40 }, () => grant(id, 10, { priority: 50 }))
        const outcomes = await Promise.all([charge(id, 1), ...made, charge(id, 50)].map((command) => store.update(command, T0)))
        const paid = doneOf(outcomes.at(-1) as Outcome).transaction?.entries.filter((entry) => entry.book === 'spent')
        expect(paid?.map((entry) => entry.grant)).toEqual(Array.from({ length: 50 }, (_, index) => index + 2))
      })

      it('grants that expire in the very decision leave no gap before those behind them', async () => {
        const id = await open()
        await Promise.all(Array.from({ length: 40 }, () => store.update(grant(id, 1, { expiresAt: T0 + HOUR_MS, priority: 1 }), T0)))
        await Promise.all(Array.from({ length: 40 }, () => store.update(grant(id, 1), T0)))
        expect(doneOf(await store.update(charge(id, 30), T0 + HOUR_MS)).account.books).toMatchObject({ spent: credits(30), expired: credits(40) })
      })

      it('takes a charge whole from as many grants as an account can have', async () => {
        const id = await open()
        const outcomes = await Promise.all(Array.from({ length: 1_001 }, () => store.update(make.adjust(id, 1), T0)))
        expect(refusalOf(outcomes.at(-1) as Outcome).code).toBe('invalid_request')
        doneOf(await store.update(charge(id, 1_000), T0))
        expect(await balanceOf(id)).toBe(0n)
      })
    })

    describe('batches', () => {
      const seed = newSeed()

      it.each([
        ['one account', 1, 600, 600],
        ['sixty accounts', 60, 900, 300],
        ['few at a time', 3, 300, 7],
      ])(`many commands at once come to the same as one by one: %s (seed ${seed})`, async (_what, count, length, size) => {
        const reference = openMemoryStore(new MemoryDatabase(seededRandom(seed)))
        await reference.addCatalogs([catalogVersion()], T0)
        accounts += 1
        const ids = Array.from({ length: count }, (_, index) => `batch-${accounts}-${index}`)
        const steps = await recordScenario(seededRandom(seed), reference, ids, length)
        const outcomes = await replayInBatches(store, steps, size)

        expect(await contents(store, ids)).toEqual(await contents(reference, ids))
        const again = openMemoryStore(new MemoryDatabase(seededRandom(seed)))
        await again.addCatalogs([catalogVersion()], T0)
        expect(outcomes.map(comparable)).toEqual((await replayInBatches(again, steps, 1)).map(comparable))
      })

      it(`T14, T15: what one store wrote the very next write and read of another sees (seed ${seed})`, async () => {
        const random = seededRandom(seed)
        const reference = openMemoryStore(new MemoryDatabase(random))
        await reference.addCatalogs([catalogVersion()], T0)
        accounts += 1
        const ids = [`turns-${accounts}-0`, `turns-${accounts}-1`]
        const steps = await recordScenario(random, reference, ids, 400)
        const stores = [store, database.storesMax === 1 ? store : await database.open()]
        for (let from = 0; from < steps.length; ) {
          const size = 1 + random.below(5)
          await replayInBatches(random.pick(stores), steps.slice(from, from + size), size)
          from += size
          const last = (steps[from - 1] ?? steps.at(-1)) as (typeof steps)[number]
          const balances = await Promise.all(stores.map((each) => each.read(last.command.account, last.now, ({ account }) => account.head)))
          expect(balances[0]).toBe(balances[1])
        }
        expect(await contents(store, ids)).toEqual(await contents(reference, ids))
        if (stores[1] !== store) await stores[1]?.close()
      })

      it('a batch that the database did not take leaves no trace in what comes after it', async () => {
        const id = await open(10)
        const broken = { ...grant(id, 1), priority: 101 } as ReturnType<typeof grant>
        for (let round = 0; round < 3; round += 1) {
          const settled = await Promise.allSettled([charge(id, 1), broken, make.reserve(id, 1)].map((command) => store.update(command, T0)))
          expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
          await expect(store.update(broken, T0)).rejects.toThrow()
          doneOf(await store.update(charge(id, 1), T0))
        }
        expect(await accountOf(store, id)).toMatchObject({ sequence: 10, books: { available: credits(1), reserved: credits(3) } })
      })

      it('answers of one account are in the order of the calls', async () => {
        const id = await open(1_000)
        const order: number[] = []
        const outcomes = await Promise.all(
          Array.from({ length: 300 }, async (_, index) => {
            const outcome = await store.update(charge(id, 1), T0)
            order.push(index)
            return outcome
          }),
        )
        expect(order).toEqual([...order].sort((a, b) => a - b))
        expect(outcomes.map((outcome) => doneOf(outcome).transaction?.sequence)).toEqual(Array.from({ length: 300 }, (_, index) => index + 2))
      })

      it('T01: 200 parallel charges of 1 on a balance of 50, from as many stores as there can be: exactly 50 are done', async () => {
        const id = await open(50)
        const other = database.storesMax === 1 ? store : await database.open()
        const outcomes = await Promise.all(Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? store : other).update(charge(id, 1), T0)))
        expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(50)
        expect(outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? outcome.refusal.code : []))).toEqual(Array(150).fill('out_of_credits'))
        expect(await balanceOf(id)).toBe(0n)
        if (other !== store) await other.close()
      })

      it('T02, T17: stores that open one account at once open it once, and all that follows counts on it', async () => {
        const id = `opened-at-once-${(accounts += 1)}`
        const other = database.storesMax === 1 ? store : await database.open()
        const outcomes = await Promise.all(
          [store, other].flatMap((each) => [
            each.update(createAccount(id, { plan: 'monthly' }), T0),
            each.update(charge(id, 60), T0),
            each.update(charge(id, 30), T0),
          ]),
        )
        const opened = outcomes.filter((outcome) => outcome.kind === 'done' && outcome.transaction === null)
        expect(opened.map((outcome) => doneOf(outcome).replayed).sort()).toEqual([false, true])
        expect((await journalOf(store, id)).filter((row) => row.kind === 'grant')).toHaveLength(1)
        const charged = outcomes.filter((outcome) => outcome.kind === 'done' && outcome.transaction !== null)
        expect(charged.length).toBeGreaterThanOrEqual(2)
        if (other !== store) await other.close()
      })
    })

    describe('reads', () => {
      it('projects what is due and writes nothing', async () => {
        const id = await open(0, { plan: 'monthly' })
        const before = await contents(store, [id])
        const read = await store.read(id, Date.UTC(2026, 3, 20), (draft) => ({
          spendable: spendable(draft, make.OPERATOR),
          sequence: draft.account.sequence,
          grants: draft.sharesFor(credits(1_000)).length,
        }))
        expect(read).toEqual({ spendable: credits(100), sequence: 7, grants: 1 })
        expect(await contents(store, [id])).toEqual(before)
      })

      it('loads what the reader asks for', async () => {
        const id = await open()
        await Promise.all(Array.from({ length: 50 }, () => store.update(grant(id, 1), T0)))
        const held = doneOf(await store.update(make.reserve(id, 45, keyed('hold')), T0)).reservation
        const read = await store.read(id, T0, (draft) => ({
          shares: draft.sharesFor(credits(5)).length,
          reservation: draft.reservation(held?.sequence as number)?.id,
          byKey: draft.view.transactionByKey('hold')?.sequence,
          none: draft.view.transaction(4_711),
        }))
        expect(read).toEqual({ shares: 5, reservation: held?.id, byKey: held?.sequence, none: null })
      })

      it('what a reader throws is the caller’s', async () => {
        const id = await open(1)
        await expect(store.read(id, T0, () => { throw new Error('mine') })).rejects.toThrow('mine')
        expect(await store.read(id, T0, ({ account }) => account.books.available)).toBe(credits(1))
      })

      it('filters transactions by kind, operation and label, and pages through them', async () => {
        const id = await open(100)
        for (let index = 0; index < 12; index += 1) {
          const subject = index % 3 === 0 ? make.operation('image.draw') : make.operation('work.unit')
          const labels = index % 4 === 0 ? { 'odd "name"\\ .$[0]': 'x', customer: `c${index}` } : null
          doneOf(await store.update(charge(id, 1, { subject, labels }), T0 + index * 1_000))
        }
        const held = doneOf(await store.update(make.reserve(id, 1, { actor: make.METER }), T0 + DAY_MS)).reservation?.id as string
        doneOf(await store.update(make.release(id, held, { actor: make.METER }), T0 + DAY_MS))
        doneOf(await store.update(make.reserve(id, 1), T0 + DAY_MS))
        const sequences = async (query: object) =>
          (await store.transactions({ account: id, limit: 100, ...query })).map((row) => row.sequence)

        expect(await sequences({})).toEqual(Array.from({ length: 16 }, (_, index) => 16 - index))
        expect(await sequences({ kinds: ['grant', 'release'] })).toEqual([15, 1])
        expect(await sequences({ operation: 'image.draw' })).toEqual([11, 8, 5, 2])
        expect(await sequences({ label: { name: 'customer', value: 'c4' } })).toEqual([6])
        expect(await sequences({ label: { name: 'odd "name"\\ .$[0]', value: 'x' } })).toEqual([10, 6, 2])
        expect(await sequences({ label: { name: 'nothing', value: 'x' } })).toEqual([])
        expect(await sequences({ withoutMeter: true, from: 14 })).toEqual([16])
        expect(await sequences({ withoutMeter: true, before: 16, limit: 1 })).toEqual([13])
        expect(await sequences({ operation: 'image.draw', from: 5, before: 11 })).toEqual([8, 5])
        expect(await sequences({ from: 9, before: 9 })).toEqual([])
        expect(await sequences({ limit: 3 })).toEqual([16, 15, 14])
        expect(await sequences({ limit: 3, before: 14 })).toEqual([13, 12, 11])
        expect(await store.transactions({ account: 'nobody', limit: 10 })).toEqual([])
      })

      it('tells what keys did, with what was given back of it, whoever gave it back', async () => {
        const id = await open(100)
        for (const key of ['k1', 'k2']) doneOf(await store.update(make.createKey(id, key), T0))
        const by = (key: string) => ({ actor: { key, member: null, holder: 'agent', run: null } as const })
        const charged = async (key: string) => transactionId(doneOf(await store.update(charge(id, 1, by(key)), T0)).transaction as never)
        const [first, other] = [await charged('k1'), await charged('k2')]
        doneOf(await store.update(make.reserve(id, 1, by('k1')), T0))
        doneOf(await store.update(make.reserve(id, 1, by('k2')), T0))
        for (const transaction of [first, other]) doneOf(await store.update(make.refund(id, transaction, 1), T0))
        // Nobody ends the two reservations: time does.
        doneOf(await store.update(charge(id, 1), T0 + DAY_MS))
        const sequences = async (...keys: readonly string[]) => (await store.transactions({ account: id, limit: 100, keys })).map((row) => `${row.kind} ${row.key}`)
        expect(await sequences('k1')).toEqual(['release null', 'refund null', 'reserve k1', 'charge k1'])
        expect(await sequences('k2', 'nobody')).toEqual(['release null', 'refund null', 'reserve k2', 'charge k2'])
        expect(await sequences('k1', 'k2')).toHaveLength(8)
        expect(await sequences('nobody')).toEqual([])
      })

      it('finds the sequences of a window of time, however long the journal is', async () => {
        for (const rows of [1, 2, 3, 8, 13]) {
          const id = await open(100)
          // Three rows at each instant.
          for (let index = 1; index < rows; index += 1) doneOf(await store.update(charge(id, 1), T0 + Math.floor(index / 3) * 1_000))
          const times = (await journalOf(store, id)).map(({ at }) => at)
          const edges = [undefined, T0 - 1, T0, T0 + 1, ...times.slice(1).flatMap((at) => [at, at + 1])]
          for (const since of edges) {
            for (const until of edges) {
              const window = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) }
              const first = since === undefined ? 1 : times.filter((at) => at < since).length + 1
              const last = until === undefined ? rows : times.filter((at) => at < until).length
              expect(await store.sequences(id, window), `${rows} rows, ${since} to ${until}`).toEqual({ first, last })
            }
          }
        }
        for (const window of [{}, { since: T0 }, { until: T0 }]) expect(await store.sequences('nobody', window)).toEqual({ first: 1, last: 0 })
      })

      it('sums usage by column, label and quarter of an hour, refunds at the time of their charge', async () => {
        const id = await open(1_000)
        const quarter = T0 / (15 * MINUTE_MS)
        const charged = async (quantity: number, at: number, given: Parameters<typeof charge>[2] = {}) =>
          transactionId(doneOf(await store.update(charge(id, quantity, given), at)).transaction as never)
        const first = await charged(10, T0, { labels: { customer: 'a' } })
        doneOf(await store.update(make.createKey(id, 'k1'), T0))
        doneOf(await store.update(make.putMember(id, 'm1'), T0))
        await charged(5, T0 + 15 * MINUTE_MS - 1, { actor: { key: 'k1', member: 'm1', holder: 'agent', run: null } })
        const second = await charged(2, T0 + 15 * MINUTE_MS, { subject: make.operation('image.draw', 2), labels: { customer: 'b' } })
        const held = doneOf(await store.update(make.reserve(id, 8, { labels: { customer: 'a' } }), T0 + HOUR_MS)).reservation?.id as string
        doneOf(await store.update(make.settle(id, held, { actual: { actual: credits(6) } }), T0 + HOUR_MS))
        doneOf(await store.update(make.refund(id, first, 4), T0 + DAY_MS))
        doneOf(await store.update(make.refund(id, first, 1), T0 + 2 * DAY_MS))
        doneOf(await store.update(make.refund(id, second), T0 + 2 * DAY_MS))
        const usage = async (query: object) =>
          summed(await store.usage({ account: id, since: T0, until: T0 + DAY_MS, by: null, ...query }))

        expect(await usage({})).toEqual({ [`null ${quarter}`]: [2, 10], [`null ${quarter + 1}`]: [1, 0], [`null ${quarter + 4}`]: [1, 6] })
        expect(await usage({ by: { column: 'operation' }, until: T0 + 1 })).toEqual({ [`work.unit ${quarter}`]: [1, 5] })
        expect(await usage({ by: { column: 'member' }, until: T0 + HOUR_MS })).toEqual({
          [`null ${quarter}`]: [1, 5], [`m1 ${quarter}`]: [1, 5], [`null ${quarter + 1}`]: [1, 0],
        })
        expect(await usage({ by: { label: 'customer' } })).toEqual({
          [`a ${quarter}`]: [1, 5], [`null ${quarter}`]: [1, 5], [`b ${quarter + 1}`]: [1, 0], [`a ${quarter + 4}`]: [1, 6],
        })
        expect(await usage({ label: { name: 'customer', value: 'a' } })).toEqual({ [`null ${quarter}`]: [1, 5], [`null ${quarter + 4}`]: [1, 6] })
        expect(await usage({ keys: ['k1', 'k2'] })).toEqual({ [`null ${quarter}`]: [1, 5] })
        expect(await usage({ keys: ['k1'], by: { column: 'member' } })).toEqual({ [`m1 ${quarter}`]: [1, 5] })
        expect(await usage({ keys: ['k2'] })).toEqual({})
        expect(await usage({ since: T0 + 2 * DAY_MS, until: T0 + 9 * DAY_MS })).toEqual({})
      })

      it('pages through accounts in the order of their ids’ bytes', async () => {
        for (const id of ['page-ä', 'page-z', 'page-A', 'page-a', 'page-😀']) doneOf(await store.update(createAccount(id), T0))
        const pages: string[] = []
        for (let after = 'page-'; ;) {
          const page = await store.accounts(after, 2)
          pages.push(...page.map((row) => row.id).filter((id) => id.startsWith('page-')))
          if (page.length < 2) break
          after = (page.at(-1) as { id: string }).id
        }
        expect(pages).toEqual(['page-A', 'page-a', 'page-z', 'page-ä', 'page-😀'])
      })
    })

    describeRecords({ database: () => database, store: () => store, open })
    describeQuotes({ database: () => database, store: () => store, open })

    describe('catalogs', () => {
      it('of two that add the same version at once one does, and each store sees it at its next write', async () => {
        const [version] = await store.catalogs()
        expect(version).toMatchObject({ version: 1, effectiveAt: 0, catalog: { id: 'store-test' } })
        const other = database.storesMax === 1 ? store : await database.open()
        const dearer = catalogVersion(2, T0 + 10 * DAY_MS, { default_tool_price: '3' })
        const added = await Promise.all([store.addCatalogs([dearer], T0), other.addCatalogs([dearer], T0)])
        expect([...added].sort()).toEqual([false, true])
        expect(await store.addCatalogs([catalogVersion(4)], T0)).toBe(false)
        const id = await open(10)
        const call = (each: Store, at: number) => each.update(charge(id, 1, { subject: { kind: 'tool', tool: 'any', args: {} } }), at)
        expect(doneOf(await call(other, T0)).transaction).toMatchObject({ credits: credits(1), priceVersion: 1 })
        expect(doneOf(await call(other, T0 + 10 * DAY_MS)).transaction).toMatchObject({ credits: credits(3), priceVersion: 2 })
        expect((await store.catalogs()).map((row) => row.version)).toEqual([1, 2])
        if (other !== store) await other.close()
      })

      it('without any a decision that needs one fails, and nothing is written', async () => {
        const fresh = await create()
        const empty = await fresh.open()
        expect(await empty.catalogs()).toEqual([])
        await expect(empty.update(createAccount('early'), T0)).rejects.toThrow('at least one catalog version')
        expect(await empty.accounts(null, 10)).toEqual([])
        await empty.close()
        await fresh.drop()
      })
    })

    describe('the store itself', () => {
      it('its mark of change changes with a write, here and through another store', async () => {
        const id = await open(10)
        const other = database.storesMax === 1 ? store : await database.open()
        const marks = [await store.changeMark()]
        doneOf(await store.update(charge(id, 1), T0))
        marks.push(await store.changeMark())
        doneOf(await other.update(charge(id, 1), T0))
        marks.push(await store.changeMark())
        expect(new Set(marks).size).toBe(3)
        if (other !== store) await other.close()
      })

      it('what was answered is there when the store is opened again', async () => {
        if (database.storesMax === 1) return
        const id = await open(10)
        const other = await database.open()
        const told = doneOf(await other.update(charge(id, 4), T0)).transaction
        await other.close()
        const reopened = await database.open()
        expect((await journalOf(reopened, id)).at(-1)).toEqual(told)
        await reopened.close()
      })

      it('closing waits for what is under way and rejects what comes later', async () => {
        const fresh = await create()
        const closing = await fresh.open()
        await closing.addCatalogs([catalogVersion()], T0)
        const underWay = closing.update(createAccount('last'), T0)
        const closed = closing.close()
        const rejected: Partial<LedgerUnavailable> = { name: 'LedgerUnavailable', outcome: 'none' }
        await expect(closing.update(createAccount('later'), T0)).rejects.toMatchObject(rejected)
        doneOf(await underWay)
        await closed
        await expect(closing.update(createAccount('later'), T0)).rejects.toMatchObject(rejected)
        for (const call of [
          () => closing.read('last', T0, () => 1),
          () => closing.transactions({ account: 'last', limit: 1 }),
          () => closing.catalogs(),
          () => closing.addCatalogs([catalogVersion(2)], T0),
          () => closing.changeMark(),
        ]) {
          await expect(call()).rejects.toMatchObject(rejected)
        }
        await closing.close()
        await fresh.drop()
      })

      it('says where it is without a password', () => {
        expect(store.location).not.toMatch(/:[^/]*@/)
        expect(store.location).not.toBe('')
      })
    })
  })
}

function summed(sums: Awaited<ReturnType<Store['usage']>>): Record<string, [calls: number, credits: number]> {
  const result: Record<string, [number, number]> = {}
  for (const { key, quarter, calls, credits: micro } of sums) {
    const [before, total] = result[`${key} ${quarter}`] ?? [0, 0]
    result[`${key} ${quarter}`] = [before + calls, total + Number(micro) / 1e6]
  }
  return result
}
