import { describe, expect, it } from 'vitest'
import { DECISIONS, NEURAL_DRAFT } from './catalog.js'
import { MemoryLedger } from './memory-ledger.js'
import { attempt, scenario } from './scenario.js'

describe('accounts', () => {
  it('opened again in the same way answer as they are, in another way are refused', () => {
    scenario(`
      0  | account plan monthly debt 3            | ok              | 20
      1s | account plan monthly debt 3            | replay          | 20
      1s | account plan keeper debt 3             | invalid_request | 20
      1s | account plan monthly                   | invalid_request | 20
      1s | account plan monthly debt 3 zone Asia/Tokyo | invalid_request | 20
    `)
  })

  it('that are not there refuse every command but their opening', () => {
    const ledger = new MemoryLedger(DECISIONS)
    for (const command of ['charge 1', 'grant 1', 'sweep', 'state suspended', 'reserve 1']) {
      expect(attempt(ledger, '0', command)).toMatchObject({ refusal: { code: 'unknown_account' } })
    }
    expect(attempt(ledger, '0', 'account plan nothing_like_it')).toMatchObject({ refusal: { code: 'unknown_plan' } })
    expect(ledger.account).toBeNull()
  })

  it("without a word about it begin the catalog's default plan", () => {
    const ledger = new MemoryLedger(NEURAL_DRAFT)
    const settings = { id: 'acme', timeZone: 'UTC', parent: null, isTest: false, debtMax: 0n, labelSalt: 'salt' }
    const by = { account: 'acme', actor: { key: null, member: null, holder: 'operator', run: null }, idempotencyKey: null, fingerprint: null } as const
    ledger.run({ kind: 'create_account', settings, plan: null, ...by }, 0)
    expect(ledger.account).toMatchObject({ subscription: { plan: 'free' }, books: { available: 250_000_000n } })
  })

  it('begin a plan once', () => {
    scenario(`
      0  | account             | ok              | 0
      1d | subscribe monthly   | ok              | 20
         > grant 20: issued/#1 -20=-20, available/#1 +20=20
         > amend 0
      2d | subscribe monthly   | ok              | 20
         > nothing
      2d | subscribe nothing   | unknown_plan    | 20
    `)
  })

  it('once closed stay closed', () => {
    scenario(`
      0  | account                | ok                | 0
      0  | grant 20               | ok                | 20
      0  | reserve op job as held | ok                | 10
      1s | state closed           | ok                | 10
      2s | state active           | account_suspended | 10
      2s | state suspended        | account_suspended | 10
      2s | state closed           | ok                | 10
         > nothing
      2s | charge 1               | account_suspended | 10
      2s | settle held 4 as s     | ok                | 16
      2s | refund s 1             | ok                | 17
    `)
  })

  it('are set to a state once by a key, also to the one that they have', () => {
    const ledger = scenario(`
      0  | account                | ok     | 0
      0  | state suspended        | ok     | 0
      1s | state suspended key k  | ok     | 0
         > amend 0
      1s | state suspended        | ok     | 0
         > nothing
      2s | state active           | ok     | 0
      3s | state suspended key k  | replay | 0
         > nothing
    `)
    expect(ledger.account?.state).toBe('active')
  })

  it('that are closed are closed again without a word, by a key with a row for it', () => {
    scenario(`
      0  | account plan monthly   | ok     | 20
      0  | state closed           | ok     | 20
      1s | state closed key k     | ok     | 20
         > amend 0
      1s | state closed key k     | replay | 20
      1s | state closed           | ok     | 20
         > nothing
    `)
  })
})
