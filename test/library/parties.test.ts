import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const UNTIL = Date.UTC(2026, 2, 11)

let credits: Credits

beforeEach(async () => {
  credits = await openCredits({ database: ':memory:', catalog: 'starter', clock: { now: () => UNTIL - 1 } })
  await credits.createAccount({ id: 'acme' })
  await credits.createAccount({ id: 'other' })
  await credits.charge({ account: 'other', operation: 'tool.call', quantity: 7 })
})
afterEach(() => credits.close())

/** What a party is answered: `done`, or the code of the refusal. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => 'done', (error: { readonly code?: unknown }) => error.code)
}

describe('a key and the rest of the ledger', () => {
  const whole: readonly (readonly [string, (party: Credits) => Promise<unknown>])[] = [
    ['list the accounts', (party) => party.accounts()],
    ['open an account', (party) => party.createAccount({ id: 'new' })],
    ['open an account below another', (party) => party.createAccount({ id: 'new', parent: 'nobody' })],
    ['open its own account again', (party) => party.createAccount({ id: 'acme' })],
    ['set a price', (party) => party.setPrice({ target: 'tool.call', credits: '0.1' })],
    ['apply a catalog', (party) => party.applyCatalog('neural-draft')],
    ['try a catalog on everybody', (party) => party.whatIf('neural-draft', { until: UNTIL })],
    ['verify the whole', (party) => party.verify()],
  ]
  const ofOther: typeof whole = [
    ['see the account', (party) => party.account({ account: 'other' })],
    ['see its statement', (party) => party.statement({ account: 'other' })],
    ['verify it', (party) => party.verify({ account: 'other' })],
    ['try a catalog on it', (party) => party.whatIf('neural-draft', { accounts: ['acme', 'other'], until: UNTIL })],
    ['see its usage', (party) => party.usage({ account: 'other' })],
  ]
  const ofOwn: typeof whole = [
    ['see the account', (party) => party.account()],
    ['see its statement', (party) => party.statement()],
    ['verify it', (party) => party.verify({ account: 'acme' })],
    ['try a catalog on it', (party) => party.whatIf('neural-draft', { accounts: ['acme'], until: UNTIL })],
    ['see the prices', (party) => party.catalog()],
  ]

  it.each(['credits:read', 'credits:spend', 'admin'])('AX-16: whatever its scopes (%s), it reads and changes its own account alone', async (scope) => {
    const { id } = await credits.createKey({ account: 'acme', scopes: [scope] })
    for (const holder of ['agent', 'operator'] as const) {
      const party = credits.as({ account: 'acme', holder, key: id })
      for (const [what, work] of whole) expect([what, await outcome(work(party))]).toEqual([what, 'forbidden'])
      for (const [what, work] of ofOther) expect([what, await outcome(work(party))]).toEqual([what, 'unknown_account'])
      for (const [what, work] of ofOwn) {
        // Who may only spend sees what is left and what it did itself, and nothing of the whole account.
        const isOfWhole = ['see its statement', 'verify it', 'try a catalog on it'].includes(what)
        expect([what, await outcome(work(party))]).toEqual([what, scope === 'credits:spend' && isOfWhole ? 'forbidden' : 'done'])
      }
    }
    expect(await credits.accounts()).toHaveLength(2)
    expect(await credits.catalog()).toMatchObject({ version: 1 })
  })

  it('AX-16: an agent without a key changes nothing of the whole either; the operator does', async () => {
    const agent = credits.as({ account: 'acme', holder: 'agent' })
    for (const [what, work] of whole) expect([what, await outcome(work(agent))]).toEqual([what, 'forbidden'])
    await expect(agent.accounts()).rejects.toMatchObject({ advice: ['It takes a key with the scope operator.'] })
    expect(await outcome(credits.setPrice({ target: 'tool.call', credits: '0.1' }))).toBe('done')
    expect(await credits.verify()).toMatchObject({ ok: true, accounts: 2 })
  })
})

describe('the member of a key', () => {
  const chargeAs = async (key: string, member: string | null) =>
    outcome(credits.as({ account: 'acme', holder: 'agent', key, member }).charge({ operation: 'tool.call' }))

  beforeEach(async () => {
    await credits.putMember({ account: 'acme', id: 'vera', role: 'viewer' })
    await credits.putMember({ account: 'acme', id: 'bob', role: 'member' })
  })

  it("is the one that spends, whoever its holder says it is: a viewer's key spends nothing", async () => {
    const { id: veras } = await credits.createKey({ account: 'acme', member: 'vera' })
    const { id: bobs } = await credits.createKey({ account: 'acme', member: 'bob' })
    expect([await chargeAs(veras, 'bob'), await chargeAs(veras, null), await chargeAs(bobs, 'vera')]).toEqual(['forbidden', 'forbidden', 'done'])
    expect((await credits.usage({ account: 'acme', groupBy: 'member' })).rows).toMatchObject([{ key: 'bob', calls: 1 }])
    expect(await credits.verify()).toMatchObject({ ok: true })
  })

  it('is whom its holder names where the key has none', async () => {
    const { id } = await credits.createKey({ account: 'acme' })
    expect([await chargeAs(id, 'bob'), await chargeAs(id, 'vera'), await chargeAs(id, null)]).toEqual(['done', 'forbidden', 'done'])
    expect((await credits.usage({ account: 'acme', groupBy: 'member' })).rows).toMatchObject([{ key: 'bob', calls: 1 }, { key: null, calls: 1 }])
  })
})
