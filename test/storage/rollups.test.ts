import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Actor } from '../../src/decide/command.js'
import { type Transaction, transactionId } from '../../src/ledger/transaction.js'
import { QUARTER_MS, type Store, type UsageQuery, type UsageSum } from '../../src/storage/port.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS } from '../../src/time/instant.js'
import { createTestDatabase } from '../support/postgres.js'
import { newSeed, type SeededRandom, seededRandom } from '../support/seeded-random.js'

import { journalOf } from './audit.js'
import * as make from './fixtures.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, T0 } from './fixtures.js'

interface Database {
  open(): Promise<Store>
  drop(): Promise<void>
}

const DATABASES: readonly (readonly [name: string, create: () => Promise<Database>])[] = [
  [
    'SQLite',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-rollups-'))
      return { open: () => openSqliteStore(join(folder, 'ledger.db')), drop: async () => rmSync(folder, { recursive: true }) }
    },
  ],
  [
    'PostgreSQL',
    async () => {
      const { url, drop } = await createTestDatabase()
      return { open: () => openPostgresStore(url), drop }
    },
  ],
]

/** Names and values that a path, a quote, a prefix or an index might trip over. */
const LABELS = ['customer', 'a.b"c', "it's", 'label:x', '$[0]', 'ü\n', '\\', 'x'.repeat(255)]
const VALUES = ['', '=', 'null', 'c1', 'ü😀', '%', '{"a":1}', 'long '.repeat(200)]

const QUERIES: readonly Pick<UsageQuery, 'by' | 'label'>[] = [
  { by: null },
  ...(['tool', 'operation', 'member', 'key', 'variant'] as const).map((column) => ({ by: { column } })),
  ...LABELS.map((label) => ({ by: { label } })),
  { by: { label: 'nobody has it' } },
  { by: null, label: { name: 'customer', value: 'c1' } },
  { by: null, label: { name: 'customer', value: '' } },
  { by: { column: 'operation' }, label: { name: 'customer', value: 'c1' } },
]

describe.each(DATABASES)('usage on %s', (name, create) => {
  let database: Database
  let store: Store
  let accounts = 0

  beforeAll(async () => {
    database = await create()
    store = await database.open()
    await store.addCatalogs([catalogVersion()], T0)
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  async function open(): Promise<string> {
    accounts += 1
    const id = `account-${accounts}`
    doneOf(await store.update(createAccount(id), T0))
    doneOf(await store.update(grant(id, 1_000_000), T0))
    return id
  }

  it('is what a plain sum over the journal says, however much of it is rolled up', async () => {
    const random = seededRandom(newSeed())
    const id = await open()
    const step = async (): Promise<void> => void (await store.rollUp(id, random.pick([0, 1, 2, 7, 30])))
    // From never to nearly always: what is rolled up must be right wherever the last step ended.
    const foldEvery = random.pick([1, 2, 5, 1_000])
    const journal = new RandomJournal(store, id, random)
    await journal.begin()
    for (let round = 0; round < 5; round += 1) {
      for (let made = 0; made < 30; made += 1) {
        await journal.addRow()
        if (made % foldEvery === foldEvery - 1) await step()
      }
      const rows = await journalOf(store, id)
      for (const query of QUERIES) {
        for (let windows = 0; windows < 4; windows += 1) {
          const asked = { account: id, ...journal.window(), ...query }
          const found = folded(await store.usage(asked), asked.by === null)
          expect(found, `seed ${random.seed}: ${JSON.stringify(asked)}`).toEqual(plainSum(rows, asked))
        }
      }
      await step()
    }
  }, 60_000)

  it('tells how many rows are left, and is done when none is', async () => {
    const id = await open()
    for (let made = 0; made < 10; made += 1) doneOf(await store.update(charge(id, 1), T0 + made))
    expect(await store.rollUp(id, 0)).toBe(11)
    expect(await store.rollUp(id, 4)).toBe(7)
    expect(await store.rollUp(id, 100)).toBe(0)
    expect(await store.rollUp(id, 100)).toBe(0)
    expect(await store.rollUp('nobody', 100)).toBe(0)
  })

  it('a refund of a charge that is rolled up counts at the time of that charge, before and after it is rolled up itself', async () => {
    const id = await open()
    const charged = doneOf(await store.update(charge(id, 10), T0)).transaction as Transaction
    await store.rollUp(id, 100)
    doneOf(await store.update(make.refund(id, transactionId(charged), 4), T0 + 40 * DAY_MS))
    const usage = async () => folded(await store.usage({ account: id, since: T0 - HOUR_MS, until: T0 + DAY_MS, by: { column: 'operation' } }), false)
    expect(await usage()).toEqual({ '"work.unit"': [1, '6000000'] })
    expect(await store.rollUp(id, 100)).toBe(0)
    expect(await usage()).toEqual({ '"work.unit"': [1, '6000000'] })
  })

  it('two processes that roll up at once, while charges go on, count nothing twice and miss nothing', async () => {
    const id = await open()
    const other = await database.open()
    const charges = Promise.all(Array.from({ length: 200 }, (_, index) => store.update(charge(id, 1, { labels: { n: String(index % 7) } }), T0 + index * MINUTE_MS)))
    const rollAll = async (by: Store): Promise<void> => {
      let left = 1
      for (let steps = 0; steps < 60 && (left > 0 || steps < 20); steps += 1) left = await nextTurn(await by.rollUp(id, 9))
    }
    await Promise.all([charges, rollAll(store), rollAll(other), rollAll(store), rollAll(other)])
    while ((await other.rollUp(id, 50)) > 0);
    const rows = await journalOf(store, id)
    for (const query of [{ by: null }, { by: { label: 'n' } }, { by: { column: 'operation' } }] as const) {
      const asked = { account: id, since: T0 - (T0 % DAY_MS), until: T0 + DAY_MS, ...query }
      expect(folded(await other.usage(asked), query.by === null)).toEqual(plainSum(rows, asked))
    }
    await other.close()
  })

  it('reports of one moment: while everything is written and rolled up, each total is one that the account has had', async () => {
    const id = await open()
    const other = await database.open()
    const writing = (async () => {
      for (let made = 0; made < 60; made += 1) doneOf(await store.update(charge(id, 1), T0 + made * 5 * MINUTE_MS))
    })()
    let last = 0
    let isWriting = true
    const rolling = (async () => {
      while (isWriting) await nextTurn(await other.rollUp(id, 7))
    })()
    const reading = (async () => {
      while (isWriting) {
        const [sum] = Object.values(folded(await other.usage({ account: id, since: T0, until: T0 + DAY_MS, by: { column: 'tool' } }), false))
        const [calls, spent] = sum ?? [0, '0']
        expect(spent).toBe(String(calls * 1_000_000))
        expect(calls).toBeGreaterThanOrEqual(last)
        last = calls
        await nextTurn()
      }
    })()
    await writing.finally(() => (isWriting = false))
    await Promise.all([rolling, reading])
    await other.close()
  })

  it('finds the rows that moved credits in a book', async () => {
    const id = await open()
    const { reservation } = doneOf(await store.update(make.reserve(id, 5), T0))
    doneOf(await store.update(charge(id, 1), T0))
    doneOf(await store.update(make.settle(id, reservation?.id as string), T0))
    const sequences = async (book: 'reserved' | 'spent' | 'uncollected') => (await store.transactions({ account: id, book, limit: 9 })).map((row) => row.sequence)
    expect([await sequences('reserved'), await sequences('spent'), await sequences('uncollected')]).toEqual([[4, 2], [4, 3], []])
  })

  it('sums beyond what a number holds stay exact', async () => {
    const id = await open()
    const amount = 1_999_999_998
    doneOf(await store.update({ ...grant(id, 1), amount: credits(amount - 1_000_000) } as ReturnType<typeof grant>, T0))
    for (let round = 0; round < 6; round += 1) {
      const charged = doneOf(await store.update(charge(id, amount), T0 + round)).transaction as Transaction
      if (round < 5) doneOf(await store.update(make.refund(id, transactionId(charged), amount - 0.000001 * 3), T0 + round))
      doneOf(await store.update(grant(id, 0.000003), T0 + round))
      if (name === 'SQLite' && round === 3) await store.rollUp(id, 5)
      if (round === 4) await store.rollUp(id, 100)
    }
    const expected = credits(amount) + 15n
    for (const by of [null, { column: 'operation' } as const]) {
      const sums = await store.usage({ account: id, since: T0 - DAY_MS, until: T0 + DAY_MS, by })
      expect(sums.reduce((sum, one) => sum + one.credits, 0n)).toBe(expected)
    }
  })
})

/** Adds one row after another to an account's journal: charges, reservations, what ends them, and refunds. */
class RandomJournal {
  readonly #store: Store
  readonly #account: string
  readonly #random: SeededRandom
  #at: Instant = T0
  readonly #open: string[] = []
  readonly #spent: string[] = []
  readonly #keys: string[] = []

  constructor(store: Store, account: string, random: SeededRandom) {
    this.#store = store
    this.#account = account
    this.#random = random
  }

  async begin(): Promise<void> {
    for (const member of ['m1', '=']) doneOf(await this.#store.update(make.putMember(this.#account, member), T0))
    for (const key of ['one', 'other']) {
      const { record } = doneOf(await this.#store.update(make.createKey(this.#account, `secret of ${key} of ${this.#account}`), T0))
      this.#keys.push(record?.id as string)
    }
  }

  async addRow(): Promise<void> {
    const { pick, below } = this.#random
    this.#at += pick([0, 1, 1_000, 10 * MINUTE_MS, QUARTER_MS, 3 * HOUR_MS, DAY_MS / 2])
    const actor = { ...make.AGENT, key: pick([null, ...this.#keys]), member: pick([null, 'm1', '=']) }
    const action = below(8)
    if (action < 4) return this.#charge(actor)
    if (action === 4) return this.#reserve(actor)
    if (action < 7) return this.#end(actor)
    await this.#refund()
  }

  async #charge(actor: Actor): Promise<void> {
    const { pick, below } = this.#random
    const tool = { kind: 'tool', tool: pick(['search', '', '=']), args: {} } as const
    const subject = pick([make.operation('work.unit', 1 + below(9)), make.operation('image.draw', 1, { variant: pick(['small', 'large']) }), tool])
    const { transaction } = doneOf(await this.#store.update(charge(this.#account, 1, { subject, actor, labels: this.#labels() }), this.#at))
    this.#spent.push(transactionId(transaction as Transaction))
  }

  async #reserve(actor: Actor): Promise<void> {
    const given = { labels: this.#labels(), ttlMs: DAY_MS, actor: { ...actor, key: null } }
    const { reservation } = doneOf(await this.#store.update(make.reserve(this.#account, 5, given), this.#at))
    this.#open.push(reservation?.id as string)
  }

  async #end(actor: Actor): Promise<void> {
    const reservation = this.#open.shift()
    if (reservation === undefined) return this.#charge(actor)
    const ended = await this.#store.update(make.settle(this.#account, reservation, { actual: { actual: credits(this.#random.below(6)) } }), this.#at)
    if (ended.kind === 'done' && ended.transaction?.kind === 'settle') this.#spent.push(transactionId(ended.transaction))
  }

  async #refund(): Promise<void> {
    if (this.#spent.length === 0) return
    // Too much, or a second time, is refused: then there is no row.
    await this.#store.update(make.refund(this.#account, this.#random.pick(this.#spent), this.#random.pick([null, 0.5, 1])), this.#at)
  }

  #labels(): Readonly<Record<string, string>> | null {
    const names = LABELS.filter(() => this.#random.below(3) === 0)
    return names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, this.#random.pick(VALUES)]))
  }

  /** On and off the edges of quarters, days and the journal itself. */
  window(): { readonly since: Instant; readonly until: Instant } {
    const edge = (): Instant => {
      const at = T0 - DAY_MS + this.#random.below(this.#at - T0 + 2 * DAY_MS)
      const unit = this.#random.pick([1, 1_000, QUARTER_MS, HOUR_MS, DAY_MS])
      return Math.floor(at / unit) * unit
    }
    const [since, until] = [edge(), edge()].sort((a, b) => a - b) as [Instant, Instant]
    return { since, until: this.#random.below(8) === 0 ? this.#at + 1 : Math.max(since, until) }
  }
}

type Sums = Readonly<Record<string, readonly [calls: number, credits: string]>>

/** By key, or by quarter of an hour, whatever else a store divides by. */
function folded(sums: readonly UsageSum[], isByQuarter: boolean): Sums {
  const groups: Record<string, readonly [number, string]> = {}
  for (const { key, quarter, calls, credits: spent } of sums) {
    const group = isByQuarter ? String(quarter) : JSON.stringify(key)
    const [before, spentBefore] = groups[group] ?? [0, '0']
    groups[group] = [before + calls, String(BigInt(spentBefore) + spent)]
  }
  return groups
}

function plainSum(journal: readonly Transaction[], query: UsageQuery): Sums {
  const { by, label, since, until } = query
  const sums: UsageSum[] = []
  for (const row of journal) {
    const spent = row.kind === 'refund' ? (journal[(row.refersTo as number) - 1] as Transaction) : row
    if (!['charge', 'settle'].includes(spent.kind) || spent.at < since || spent.at >= until) continue
    if (label !== undefined && spent.labels?.[label.name] !== label.value) continue
    const key = by === null ? null : 'label' in by ? (spent.labels?.[by.label] ?? null) : spent[by.column]
    const isRefund = row !== spent
    sums.push({ key, quarter: Math.floor(spent.at / QUARTER_MS), calls: isRefund ? 0 : 1, credits: isRefund ? -row.credits : row.credits })
  }
  return folded(sums, by === null)
}
