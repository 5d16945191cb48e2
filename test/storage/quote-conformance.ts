import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/decide/outcome.js'
import { type Quote, quoteOf } from '../../src/ledger/quote.js'
import type { Store } from '../../src/storage/port.js'
import { HOUR_MS, MINUTE_MS } from '../../src/time/instant.js'
import { accountOf, journalOf } from './audit.js'
import type { StoreDatabase } from './conformance.js'
import * as make from './fixtures.js'
import { credits, doneOf, keyed, refusalOf, T0 } from './fixtures.js'

interface Context {
  database(): StoreDatabase
  store(): Store
  /** Opens an account with a balance and tells its id. */
  open(balance?: number): Promise<string>
}

/** What every store must do with quotes: rows of the journal, a record each, and reservations that are looked up together. */
export function describeQuotes({ database, store, open }: Context): void {
  const quoted = (outcome: Outcome): Quote => quoteOf(doneOf(outcome).transaction as never) as Quote
  const unit = (quantity: number) => make.operation('work.unit', quantity)
  const planOf = (outcome: Outcome) => doneOf(outcome).transaction?.detail as { readonly quote: string; readonly calls: readonly { readonly reservation: string }[] }

  /** As many stores as there can be on the database, the first of which is the suite's own. */
  async function withStores<T>(work: (stores: readonly Store[]) => Promise<T>): Promise<T> {
    if (database().storesMax === 1) return work([store()])
    const other = await database().open()
    try {
      return await work([store(), other])
    } finally {
      await other.close()
    }
  }

  describe('quotes', () => {
    it('AX-01: spent twice in parallel, from as many stores as there can be: one charge, and the others learn that it is used', async () => {
      const id = await open(100)
      const { id: quote } = quoted(await store().update(make.quote(id, [unit(3)]), T0))
      const outcomes = await withStores((stores) =>
        Promise.all(Array.from({ length: 20 }, (_, index) => (stores[index % stores.length] as Store).update(make.charge(id, 3, { quote }), T0 + 1))),
      )
      expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome.kind === 'refused').map(refusalOf).every(({ code }) => code === 'quote_mismatch')).toBe(true)
      expect((await accountOf(store(), id)).books).toMatchObject({ spent: credits(3), available: credits(97) })
    })

    it('AX-02: a plan is set aside by one of many that try at once, spent down by many at once, and the rest of it released', async () => {
      const id = await open(100)
      const calls = Array.from({ length: 30 }, (_, index) => unit(1 + (index % 3)))
      const { id: quote } = quoted(await store().update(make.quote(id, calls, { isPlan: true }), T0))
      const reserved = await withStores((stores) =>
        Promise.all(Array.from({ length: 6 }, (_, index) => (stores[index % stores.length] as Store).update(make.reserveQuoted(id, { quote }), T0 + 1))),
      )
      expect(reserved.filter(({ kind }) => kind === 'done')).toHaveLength(1)
      expect((await accountOf(store(), id)).books.reserved).toBe(credits(60))
      const charged = await withStores((stores) =>
        Promise.all(Array.from({ length: 15 }, (_, index) => (stores[index % stores.length] as Store).update(make.charge(id, 2, { quote }), T0 + 2))),
      )
      expect(charged.filter(({ kind }) => kind === 'done')).toHaveLength(10)
      doneOf(await store().update(make.extend(id, quote, HOUR_MS), T0 + 3))
      doneOf(await store().update(make.release(id, quote, keyed('end')), T0 + 30 * MINUTE_MS))
      expect((await accountOf(store(), id)).books).toMatchObject({ reserved: 0n, spent: credits(20), available: credits(80) })
      expect(doneOf(await store().update(make.release(id, quote, keyed('end')), T0 + HOUR_MS)).replayed).toBe(true)
    })

    it('AX-02: calls are quoted and set aside in one write or not at all', async () => {
      const id = await open(10)
      const before = await journalOf(store(), id)
      expect(refusalOf(await store().update(make.reserveQuoted(id, { calls: [unit(6), unit(5)] }), T0)).code).toBe('out_of_credits')
      expect(await journalOf(store(), id)).toEqual(before)
      const plan = planOf(await store().update(make.reserveQuoted(id, { calls: [unit(6), unit(4)] }, keyed('plan')), T0))
      expect(plan.calls).toHaveLength(2)
      expect(planOf(await store().update(make.reserveQuoted(id, { calls: [unit(6), unit(4)] }, keyed('plan')), T0))).toEqual(plan)
      doneOf(await store().update(make.settle(id, plan.quote), T0))
      expect((await accountOf(store(), id)).books.spent).toBe(credits(10))
    })

    it('AX-02: what the meter takes over is the meter’s in the rows, also for another store, and found by the key of its call', async () => {
      const id = await open(10)
      const tool = { kind: 'tool', tool: 'any_tool', args: { a: 1 } } as const
      const { id: quote } = quoted(await store().update(make.quote(id, [tool]), T0))
      doneOf(await store().update(make.reserveQuoted(id, { quote }), T0))
      const call = { key: 'call', fingerprint: 'f' }
      const meters = { actor: make.METER, subject: tool, quote, ttlMs: HOUR_MS }
      const taken = doneOf(await store().update(make.reserve(id, 1, { ...meters, call }), T0 + 1)).reservation
      const [row] = await store().reservations(id, 0, 10)
      expect(row).toEqual(taken)
      expect(row).toMatchObject({ holder: 'meter', callKey: 'call', state: 'open', expiresAt: T0 + 1 + HOUR_MS, overrun: 'quoted' })
      await withStores(async (stores) => {
        const last = stores.at(-1) as Store
        expect(await last.read(id, T0 + 2, (draft) => draft.openCall('call')?.id)).toBe(taken?.id)
        expect(refusalOf(await last.update(make.release(id, taken?.id ?? ''), T0 + 2))).toMatchObject({ code: 'reservation_not_open', details: { state: 'in_use' } })
        expect(refusalOf(await last.update(make.reserve(id, 1, { ...meters, call }), T0 + 2)).code).toBe('idempotency_conflict')
        doneOf(await last.update(make.settle(id, taken?.id ?? '', { actor: make.METER }), T0 + 3))
      })
      expect((await accountOf(store(), id)).books).toMatchObject({ reserved: 0n, spent: credits(1) })
    })

    it('AX-01: one batch quotes nothing twice: what a charge before it has used is used for those after it', async () => {
      const id = await open(100)
      const { id: quote } = quoted(await store().update(make.quote(id, [unit(1), unit(1)], { isPlan: true }), T0))
      const outcomes = await Promise.all([
        store().update(make.charge(id, 1, { quote }), T0),
        store().update(make.reserve(id, 1, { quote }), T0),
        store().update(make.charge(id, 1, { quote }), T0),
        store().update(make.charge(id, 1, { quote }), T0),
      ])
      expect(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.refusal.code : outcome.transaction?.kind))).toEqual(['charge', 'reserve', 'settle', 'quote_mismatch'])
    })
  })
}
