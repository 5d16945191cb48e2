import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import type { Store } from '../../src/storage/port.js'
import { DAY_MS, formatInstant } from '../../src/time/instant.js'
import { PLANNED } from '../decide/plan-catalog.js'

const T0 = Date.UTC(2026, 0, 31, 10)
const OPERATOR = { key: null, member: null, holder: 'operator', run: null } as const
const BY = { account: 'acme', actor: OPERATOR, idempotencyKey: null, fingerprint: null } as const

describe('two processes on one file', () => {
  let folder: string
  let stores: readonly [Store, Store]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcp-credits-plans-'))
    const open = () => openSqliteStore(join(folder, 'ledger.db'))
    const first = await open()
    await first.addCatalogs(PLANNED, T0)
    stores = [first, await open()]
  })

  afterEach(async () => {
    for (const store of stores) await store.close()
    await rm(folder, { recursive: true })
  })

  async function grants(store: Store) {
    return (await store.journal('acme', 0, 1_000)).filter((row) => row.kind === 'grant')
  }

  function create(plan: string, isTest = false) {
    const settings = { id: 'acme', timeZone: 'UTC', parent: null, isTest, debtMax: 0n, labelSalt: 'salt' }
    return stores[0].update({ kind: 'create_account', settings, plan, ...BY }, T0)
  }

  it('T23: that catch up at once after three periods without anybody grant exactly three times, as reads had it before', async () => {
    await create('keeper')
    const now = T0 + 100 * DAY_MS
    const read = await stores[1].read('acme', now, (draft) => [draft.account.books.available, draft.account.subscription?.period])
    expect(read).toEqual([80_000_000n, 3])
    expect(await grants(stores[1])).toHaveLength(1)
    const outcomes = await Promise.all([0, 1, 0, 1, 0, 1].map((index) => (stores[index] as Store).update({ kind: 'sweep', ...BY }, now)))
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(6).fill('done'))
    const references = (await grants(stores[0])).map((row) => [row.detail['reference'], formatInstant(row.at).slice(0, 10)])
    expect(references).toEqual([
      ['sign_up:keeper:0', '2026-01-31'],
      ['renewal:keeper:1', '2026-02-28'],
      ['renewal:keeper:2', '2026-03-31'],
      ['renewal:keeper:3', '2026-04-30'],
    ])
    expect(await stores[1].read('acme', now, (draft) => draft.account.books.available)).toBe(80_000_000n)
  })

  it('SN-06: begin a trial once, whoever is asked, and remember that over a restart', async () => {
    await create('free')
    const subscribe = { kind: 'subscribe', plan: 'trial', when: 'renewal', ...BY } as const
    await Promise.all(stores.map((store) => store.update(subscribe, T0 + DAY_MS)))
    expect((await grants(stores[0])).map((row) => row.detail['plan'])).toEqual(['free', 'trial'])
    await stores[1].update({ ...subscribe, plan: 'small' }, T0 + DAY_MS)
    expect(await stores[0].update(subscribe, T0 + 2 * DAY_MS)).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_request' } })
  })

  it('SN-05: end a plan once, with what lasted only as long', async () => {
    await create('loyal')
    await stores[0].update({ kind: 'unsubscribe', ...BY }, T0 + 40 * DAY_MS)
    const now = T0 + 400 * DAY_MS
    await Promise.all(stores.map((store) => store.update({ kind: 'sweep', ...BY }, now)))
    const kinds = (await stores[1].journal('acme', 0, 1_000)).map((row) => row.detail['change'] ?? row.kind)
    expect(kinds).toEqual(['grant', 'grant', 'plan_cancelled', 'plan_ended', 'expire', 'expire'])
    expect(await stores[0].read('acme', now, ({ account }) => [account.subscription, account.books.available])).toEqual([null, 0n])
  })

  it("SK-06: remember what a plan's period has had when plans are switched back and forth", async () => {
    await create('large')
    for (const [index, plan] of ['small', 'large', 'small', 'large'].entries()) {
      await stores[index % 2]?.update({ kind: 'subscribe', plan, when: 'now', ...BY }, T0 + (index + 1) * DAY_MS)
    }
    expect(await grants(stores[0])).toHaveLength(1)
    expect(await stores[0].read('acme', T0 + 9 * DAY_MS, ({ account }) => account.subscription?.plan)).toBe('large')
  })

  it('AX-24: move a test account by the same command once, a year of renewals with it', async () => {
    await create('small', true)
    const advance = { kind: 'advance_clock', byMs: 365 * DAY_MS, ...BY, idempotencyKey: 'year', fingerprint: 'year' } as const
    const outcomes = await Promise.all(stores.map((store) => store.update(advance, T0)))
    expect(outcomes.map((outcome) => outcome.kind === 'done' && outcome.replayed).sort()).toEqual([false, true])
    expect(await grants(stores[0])).toHaveLength(13)
    const [ahead, at] = (await stores[1].read('acme', T0 + DAY_MS, (draft) => [draft.account.clockAheadMs, draft.at])) ?? []
    expect([ahead, at]).toEqual([365 * DAY_MS, T0 + 366 * DAY_MS])
  })
})
