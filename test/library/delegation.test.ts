import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import type { CreditError } from '../../src/errors.js'
import { LIMITS, T0 } from '../pitfalls/support.js'

const HOUR = 3_600_000

let now = T0
let credits: Credits

beforeEach(async () => {
  now = T0
  credits = await openCredits({ database: ':memory:', catalog: LIMITS, clock: { now: () => now } })
  for (const id of ['acme', 'other']) {
    await credits.createAccount({ id, plan: 'monthly' })
  }
})
afterEach(() => credits.close())

type Refusal = { readonly code: string; readonly message: string; readonly details: unknown }

/** What a party is answered: `done`, or the code of the refusal. */
async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'done', (error: Refusal) => error.code)
}

async function refusalOf(work: Promise<unknown>): Promise<Refusal> {
  return work.then(() => expect.fail('it was not refused'), ({ code, message, details }: Refusal) => ({ code, message, details }))
}

/** All of a refusal that a caller is shown. */
async function fullRefusalOf(work: Promise<unknown>): Promise<object> {
  return work.then(() => expect.fail('it was not refused'), ({ code, message, details, advice, cheaper }: CreditError) => ({ code, message, details, advice, cheaper }))
}

async function secretOf(input: Parameters<Credits['createKey']>[0]): Promise<string> {
  return (await credits.createKey(input)).key as string
}

/** A top key with two children of it and a grandchild, each of which has spent. */
async function family() {
  const top = (await credits.withKey(await secretOf({ account: 'acme', id: 'top' }))).credits
  const delegated = async (by: Credits, name: string, mayDelegate = false) => {
    const { key, keyId } = await by.delegate({ credits: 20, expiresInSeconds: 3_600, name, mayDelegate })
    return { id: keyId, credits: (await credits.withKey(key as string)).credits }
  }
  const child = await delegated(top, 'child', true)
  const sibling = await delegated(top, 'sibling')
  const leaf = await delegated(child.credits, 'leaf')
  const charged = async (by: Credits, quantity: number, key: string) => (await by.charge({ operation: 'work.unit', quantity, idempotencyKey: key })).transaction as string
  const transactions = {
    top: await charged(top, 1, 'of-top'),
    child: await charged(child.credits, 2, 'of-child'),
    sibling: await charged(sibling.credits, 3, 'of-sibling'),
    leaf: await charged(leaf.credits, 4, 'of-leaf'),
  }
  return { top, child, sibling, leaf, transactions }
}

describe('whoever presents a key', () => {
  it('acts as it: with admin as an operator of its account, with operator of every account, otherwise as an agent', async () => {
    const [usual, admin, operator] = await Promise.all([
      secretOf({ account: 'acme', id: 'usual' }), secretOf({ account: 'acme', id: 'admin', scopes: ['admin'] }), secretOf({ account: 'acme', id: 'ops', scopes: ['operator'] }),
    ])
    const party = await credits.withKey(usual)
    expect(party).toMatchObject({
      key: 'usual', account: 'acme', scopes: ['credits:read', 'credits:spend'], known: { parent: null, isDelegated: false, mayDelegate: true, expiresAt: null },
    })
    expect(await outcome(party.credits.grant({ credits: 5 }))).toBe('forbidden')
    expect(await outcome((await credits.withKey(admin)).credits.grant({ credits: 5 }))).toBe('done')
    expect(await outcome((await credits.withKey(admin)).credits.accounts())).toBe('forbidden')
    expect(await outcome((await credits.withKey(operator)).credits.accounts())).toBe('done')
  })

  it('is refused with what is wrong, and to a key another account is as one that never was', async () => {
    const secret = await secretOf({ account: 'acme', id: 'reader', scopes: ['credits:read'] })
    // What refuses a key may be read by whoever is held by it: it tells nobody how to do without.
    await expect(credits.withKey('mc_nothing')).rejects.toMatchObject({ code: 'unauthenticated', advice: ['Ask whoever gave you the key for another.'] })
    expect(await refusalOf(credits.withKey(secret, { scope: 'credits:spend' }))).toMatchObject({ code: 'forbidden', details: { scope: 'credits:spend' } })
    for (const account of ['other', 'nobody']) expect(await refusalOf(credits.withKey(secret, { account }))).toEqual({ code: 'unknown_account', message: `There is no account "${account}"`, details: {} })
    expect(await credits.withKey(secret, { account: 'acme', scope: 'credits:read', run: 'r1' })).toMatchObject({ account: 'acme' })
    await credits.revokeKey({ account: 'acme', id: 'reader' })
    expect(await refusalOf(credits.withKey(secret))).toMatchObject({ code: 'unauthenticated' })
  })

  it('counts as what it was last while the ledger is away, and only then', async () => {
    const secret = await secretOf({ account: 'acme', id: 'usual' })
    const { known } = await credits.withKey(secret)
    const away = await openCredits({ database: ':memory:', catalog: LIMITS, clock: { now: () => now } })
    await away.close()
    expect(await outcome(away.withKey(secret))).toBe('ledger_unavailable')
    expect(await away.withKey(secret, { lastKnown: known })).toMatchObject({ key: 'usual', account: 'acme' })
    expect(await outcome(away.withKey(secret, { lastKnown: known, scope: 'admin' }))).toBe('forbidden')
    await credits.revokeKey({ account: 'acme', id: 'usual' })
    expect(await outcome(credits.withKey(secret, { lastKnown: known }))).toBe('unauthenticated')
  })

  it('with the scope operator counts as what it was no more, for no write in another account looks at it', async () => {
    const secret = await secretOf({ account: 'acme', id: 'ops', scopes: ['operator'] })
    const { known } = await credits.withKey(secret)
    await credits.close()
    for (const account of ['acme', 'other']) expect(await outcome(credits.withKey(secret, { account, lastKnown: known }))).toBe('ledger_unavailable')
  })

  it('with the scope operator acts in every account, and is named there with the account that it is of', async () => {
    const secret = await secretOf({ account: 'acme', id: 'ops', scopes: ['operator'] })
    const { credits: party, account } = await credits.withKey(secret, { account: 'other' })
    expect(account).toBe('other')
    await party.grant({ credits: 5 })
    await party.charge({ operation: 'work.unit' })
    await party.charge({ account: 'acme', operation: 'work.unit' })
    expect(await party.createAccount({ id: 'third', plan: 'monthly' })).toMatchObject({ id: 'third' })
    expect(await party.balance({ account: 'third' })).toMatchObject({ balance: 100, spendable: 100 })
    expect(await outcome(party.setPrice({ target: 'work', credits: 2 }))).toBe('done')
    expect((await credits.usage({ account: 'other', groupBy: 'key' })).rows).toMatchObject([{ key: 'acme/ops', credits: 1 }])
    expect((await credits.usage({ account: 'acme', groupBy: 'key' })).rows).toMatchObject([{ key: 'ops', credits: 1 }])
    expect(await party.verify()).toMatchObject({ ok: true, accounts: 3 })
    // Another key in its place is no operator's.
    expect(await outcome(party.as({ account: 'acme', key: 'top' }).accounts())).toBe('forbidden')
    expect(await outcome(party.as({ holder: 'agent' }).accounts())).toBe('forbidden')
  })

  it('AX-16: an admin makes no operator, and an operator does', async () => {
    const admin = (await credits.withKey(await secretOf({ account: 'acme', scopes: ['admin'] }))).credits
    const operator = (await credits.withKey(await secretOf({ account: 'acme', scopes: ['operator'] }))).credits
    expect(await outcome(admin.createKey({ scopes: ['operator'] }))).toBe('forbidden')
    expect(await outcome(admin.createKey({ scopes: ['admin', 'credits:spend'] }))).toBe('done')
    expect(await outcome(operator.createKey({ scopes: ['operator'] }))).toBe('done')
    expect(await outcome(operator.createKey({ account: 'other', scopes: ['operator'] }))).toBe('done')
    expect(await outcome(admin.createKey({ issuer: 'https://id.example', subject: 'ann' }))).toBe('forbidden')
  })

  it('is known by what an authorization server calls it, where a key was made for that', async () => {
    const ann = { issuer: 'https://id.example', subject: 'ann' }
    const made = await credits.createKey({ account: 'acme', id: 'ann', scopes: ['work:*'], ...ann, idempotencyKey: 'k' })
    expect(made).toMatchObject({ id: 'ann', key: null, replayed: false })
    expect(await credits.createKey({ account: 'acme', id: 'ann', scopes: ['work:*'], ...ann, idempotencyKey: 'k' })).toMatchObject({ id: 'ann', replayed: true })
    expect(await credits.authenticateSubject(ann)).toMatchObject({ account: 'acme', key: 'ann', scopes: ['work:*'] })
    expect(await credits.authenticateSubject({ ...ann, issuer: 'https://other.example' })).toBeNull()
    const { credits: party } = await credits.withSubject(ann, { scope: 'credits:spend' })
    expect(await outcome(party.charge({ operation: 'work.unit' }))).toBe('done')
    expect(await outcome(credits.withSubject({ ...ann, subject: 'bob' }))).toBe('unauthenticated')
    expect(await outcome(credits.createKey({ account: 'acme', ...ann }))).toBe('invalid_request')
    expect(await outcome(credits.createKey({ account: 'other', ...ann }))).toBe('invalid_request')
    expect(await outcome(credits.createKey({ account: 'other', subject: 'ann' }))).toBe('invalid_request')
    expect(await outcome(credits.createKey({ account: 'other', issuer: 'https://id.example|', subject: 'ann' }))).toBe('invalid_request')
    await credits.revokeKey({ account: 'acme', id: 'ann' })
    expect(await credits.authenticateSubject(ann)).toBeNull()
    expect(await outcome(credits.createKey({ account: 'other', ...ann }))).toBe('done')
    expect(await credits.authenticateSubject(ann)).toMatchObject({ account: 'other' })
    expect(await credits.verify()).toMatchObject({ ok: true })
  })
})

describe('delegation', () => {
  it('AX-03: answers a secret once, the limit, and the end that holds; a replay the same key without its secret', async () => {
    const secret = await secretOf({ account: 'acme', id: 'top', expiresAt: new Date(T0 + HOUR) })
    const top = (await credits.withKey(secret)).credits
    const asked = { credits: '12.5', expiresInSeconds: 7_200, operations: ['work.unit'], name: 'helper', idempotencyKey: 'd1' }
    const made = await top.delegate(asked)
    expect(made).toEqual({
      key: expect.stringMatching(/^mc_[\w-]{43}$/) as unknown, keyId: expect.stringMatching(/^key_/) as unknown, limit: 12.5,
      expiresAt: '2026-01-15T11:00:00.000Z', scopes: ['work.unit'], mayDelegate: false, replayed: false,
    })
    expect(await top.delegate(asked)).toEqual({ ...made, key: null, replayed: true })
    expect(await outcome(top.delegate({ ...asked, credits: 13 }))).toBe('idempotency_conflict')
    const child = (await credits.withKey(made.key as string)).credits
    expect(await outcome(child.charge({ operation: 'work.unit', quantity: 12 }))).toBe('done')
    expect(await outcome(child.charge({ operation: 'work.job', actual: 1 }))).toBe('forbidden')
    expect(await outcome(child.delegate({ credits: 1, expiresInSeconds: 60 }))).toBe('forbidden')
    now = T0 + HOUR
    expect(await outcome(credits.withKey(made.key as string))).toBe('unauthenticated')
    expect(await outcome(child.charge({ operation: 'work.unit' }))).toBe('unauthenticated')
    expect(await credits.verify()).toMatchObject({ ok: true })
  })

  it.each([
    [{ credits: 0, expiresInSeconds: 60 }, 'invalid_amount'],
    [{ credits: 5, expiresInSeconds: 0 }, 'invalid_request'],
    [{ credits: 5, expiresInSeconds: 1e12 }, 'invalid_request'],
    [{ credits: 5, expiresInSeconds: 60, operations: [] }, 'invalid_request'],
    [{ credits: 5, expiresInSeconds: 60, operations: ['no.such'] }, 'invalid_request'],
    [{ credits: 5, expiresInSeconds: 60, operations: ['credits:spend'] }, 'invalid_request'],
    [{ credits: 5, expiresInSeconds: 60, scopes: ['admin'] } as never, 'invalid_request'],
  ])('refuses %j by %s', async (input, code) => {
    expect(await outcome(credits.as({ account: 'acme', holder: 'agent' }).delegate(input))).toBe(code)
    expect(await credits.keys({ account: 'acme' })).toEqual([])
  })

  it('AX-03: a revoked parent ends its children, wherever they are in use, and what they held comes back by itself', async () => {
    const { child, leaf, sibling, top } = await family()
    const held = await leaf.credits.reserve({ operation: 'work.job' })
    await credits.revokeKey({ account: 'acme', id: child.id })
    expect(await outcome(leaf.credits.charge({ operation: 'work.unit' }))).toBe('unauthenticated')
    expect(await outcome(child.credits.delegate({ credits: 1, expiresInSeconds: 60 }))).toBe('unauthenticated')
    expect(await outcome(sibling.credits.charge({ operation: 'work.unit' }))).toBe('done')
    expect(await leaf.credits.settle({ reservation: held.reservation as string, actual: 2 })).toMatchObject({ charged: 2, released: 8 })
    const open = await sibling.credits.reserve({ operation: 'work.unit' })
    await top.revokeKey({ id: sibling.id })
    const [listed] = (await top.transactions({ type: 'reserve', limit: 1 })).transactions
    expect(listed?.reservation).toBe(open.reservation)
    expect(await outcome(top.settle({ reservation: open.reservation as string }))).toBe('forbidden')
    expect(await top.release({ reservation: open.reservation as string, idempotencyKey: 'back' })).toMatchObject({ released: 1, replayed: false })
    expect(await top.release({ reservation: open.reservation as string, idempotencyKey: 'back' })).toMatchObject({ released: 1, replayed: true })
    expect((await credits.balance({ account: 'acme' })).reserved).toBe(0)
    expect((await credits.budgets({ account: 'acme' })).budgets).toEqual([])
    expect(Object.fromEntries((await top.keys()).map(({ id, state }) => [id, state]))).toEqual({
      top: 'active', [child.id]: 'revoked', [leaf.id]: 'revoked', [sibling.id]: 'revoked',
    })
    expect(await credits.verify()).toMatchObject({ ok: true })
  })

  it('AX-03: who has delegated takes back, and is told of its own part; any other id answers alike', async () => {
    const { child, leaf, sibling, top } = await family()
    const gone = { account: 'acme', idempotencyKey: 'r', id: leaf.id }
    const done = await child.credits.revokeKey(gone)
    expect(done).toMatchObject({ balance: (await child.credits.balance()).balance, replayed: false })
    await child.credits.charge({ operation: 'work.unit' })
    expect(await child.credits.revokeKey(gone)).toEqual({ ...done, replayed: true })
    expect(await outcome(leaf.credits.charge({ operation: 'work.unit' }))).toBe('unauthenticated')
    const foreign = (await credits.as({ account: 'other', holder: 'agent' }).delegate({ credits: 1, expiresInSeconds: 60 })).keyId
    for (const id of [sibling.id, child.id, 'top', foreign, 'nothing']) {
      expect(await refusalOf(child.credits.revokeKey({ id }))).toEqual({ code: 'forbidden', message: 'A key revokes the keys below it and no other; ask an operator', details: { command: 'revoke_key' } })
    }
    expect(await outcome(child.credits.revokeKey({ id: leaf.id }))).toBe('unknown_key')
    expect(await outcome(child.credits.revokeKey({ account: 'other', id: foreign }))).toBe('unknown_account')
    expect(await outcome(top.revokeKey({ id: child.id }))).toBe('done')
    expect((await credits.budgets({ account: 'acme' })).budgets.map(({ id }) => id)).toEqual([sibling.id])
    expect(await credits.verify()).toMatchObject({ ok: true })
  })

  it('a key that an operator makes may delegate unless told otherwise, and says so', async () => {
    const may = (await credits.withKey(await secretOf({ account: 'acme', id: 'may' }))).credits
    const mayNot = (await credits.withKey(await secretOf({ account: 'acme', id: 'may-not', mayDelegate: false }))).credits
    const asked = { credits: 5, expiresInSeconds: 60 }
    expect([await outcome(may.delegate(asked)), await outcome(mayNot.delegate(asked))]).toEqual(['done', 'forbidden'])
    expect(await credits.keys({ account: 'acme' })).toMatchObject([{ mayDelegate: false, parent: 'may' }, { id: 'may-not', mayDelegate: false, parent: null }, { id: 'may', mayDelegate: true }])
    // A default left out is the same request as written out.
    await credits.createKey({ account: 'acme', id: 'same', idempotencyKey: 'k' })
    expect(await credits.createKey({ account: 'acme', id: 'same', mayDelegate: true, idempotencyKey: 'k' })).toMatchObject({ replayed: true })
    expect(await outcome(credits.createKey({ account: 'acme', id: 'same', mayDelegate: false, idempotencyKey: 'k' }))).toBe('idempotency_conflict')
  })
})

describe('what a key sees that may spend on some operations and not read', () => {
  it('is what is left, prices, and of what was done its own part; a key that reads sees all of it', async () => {
    const { top, leaf, transactions } = await family()
    const scoped = (await credits.withKey(await secretOf({ account: 'acme', id: 'scoped', scopes: ['work.unit'] }))).credits
    await top.charge({ operation: 'work.unit', quantity: 5, labels: { customer_id: 'secret' } })
    await leaf.credits.reserve({ operation: 'work.unit', idempotencyKey: 'held' })
    const { transaction } = await scoped.charge({ operation: 'work.unit', quantity: 2, idempotencyKey: 'mine' })
    expect(await scoped.balance()).toMatchObject({ balance: 82, spendable: 82, plan: { id: 'monthly' }, lastTransaction: { id: transaction, balanceAfter: 82 } })
    expect(await scoped.estimate({ operation: 'work.unit' })).toMatchObject({ affordable: true, balanceAfter: 81 })
    expect((await scoped.transactions()).transactions.map(({ id, balanceAfter }) => [id, balanceAfter])).toEqual([[transaction, 82]])
    expect((await scoped.usage({ groupBy: 'label:customer_id' })).rows).toMatchObject([{ key: null, calls: 1, credits: 2 }])
    expect(await scoped.explain({ idempotencyKey: 'mine' })).toMatchObject({ outcome: 'charged', grants: [{ source: 'allowance' }] })
    expect(await scoped.explain({ idempotencyKey: 'of-nobody' })).toMatchObject({ outcome: 'not_charged', transaction: null })
    // Using either would be refused: that they are taken is told, and nothing of what they were used for.
    await top.as({ holder: 'agent' }).meter({
      tool: 'work', arguments: {}, meta: { 'io.github.mcp-credits/idempotency_key': 'running' }, signal: new AbortController().signal,
      run: async () => {
        expect(await scoped.explain({ idempotencyKey: 'running' })).toMatchObject({ outcome: 'unknown', reserved: null, charged: 0, attempts: [] })
        return { kind: 'result', result: { content: [] } }
      },
    })
    for (const key of ['of-top', 'running', `${leaf.id}:of-leaf`]) {
      const told = await scoped.explain({ idempotencyKey: key })
      expect(told).toMatchObject({ outcome: 'unknown', transaction: null, charged: 0, attempts: [], explanation: expect.stringContaining('is taken') })
      expect(told.explanation).not.toContain('safe')
    }
    expect(await outcome(scoped.explain({ transaction: transactions.top }))).toBe('unknown_transaction')
    expect([await scoped.messages(), (await scoped.keys()).map(({ id }) => id)]).toEqual([[], ['scoped']])
    expect(await outcome(scoped.statement())).toBe('forbidden')
    const reader = (await credits.withKey(await secretOf({ account: 'acme', id: 'reader', scopes: ['work.unit', 'credits:read'] }))).credits
    expect(await reader.explain({ transaction: transactions.top })).toMatchObject({ outcome: 'charged' })
    expect(await outcome(reader.statement())).toBe('done')
  })

  it('AX-07: what it can afford is what it may spend on', async () => {
    const scoped = (await credits.withKey(await secretOf({ account: 'acme', scopes: ['work.unit'] }))).credits
    expect((await scoped.afford()).rows).toEqual([{ operation: 'work.unit', variant: null, units: 100 }])
    expect((await credits.afford({ account: 'acme' })).rows).toHaveLength(2)
  })
})

describe('what a delegated key sees', () => {
  it('AX-16: a budget above it that it asks to have raised is called so to it, and by its name to whoever answers', async () => {
    await credits.setBudget({ account: 'acme', id: 'tight', limit: 30, window: 'total' })
    const { sibling } = await family()
    await credits.setBudget({ account: 'acme', id: 'tight', limit: 12, window: 'total' })
    await sibling.credits.requestCredits({ credits: 5, reason: 'more', kind: 'budget' })
    expect(await sibling.credits.approvals()).toMatchObject([{ budget: 'above' }])
    expect(JSON.stringify(await sibling.credits.messages())).not.toContain('tight')
    expect(await credits.approvals({ account: 'acme' })).toMatchObject([{ budget: 'tight' }])
  })

  it('AX-03: its balance is its own part, as one grant that ends with the key, and nothing of the plan', async () => {
    const { child, leaf } = await family()
    await child.credits.reserve({ operation: 'work.unit', quantity: 5 })
    expect(await child.credits.balance()).toMatchObject({
      account: 'acme', balance: 9, spendable: 9, reserved: 5, pending: 0, plan: null, spendingCap: null, lifetimeUsed: 6, level: 'ok',
      grants: [{ id: 'delegated', source: 'delegated', remaining: 9, expiresAt: '2026-01-15T11:00:00.000Z' }],
      lastTransaction: { type: 'reserve', balanceAfter: 9 },
    })
    // The leaf has 16 left of its own, and what stands above it 9.
    expect(await leaf.credits.balance()).toMatchObject({ balance: 16, spendable: 9, lifetimeUsed: 4, grants: [{ remaining: 16 }], lastTransaction: { operation: 'work.unit', credits: 4 } })
    expect(await leaf.credits.account()).toMatchObject({ id: 'acme', balance: 16, plan: null })
    expect(await leaf.credits.afford()).toMatchObject({ credits: 9 })
    expect(await leaf.credits.estimate({ operation: 'work.unit', quantity: 10 })).toMatchObject({ affordable: false, balanceAfter: 6, blockedBy: [{ code: 'budget_exceeded', details: { limitedBy: { id: 'above' } } }] })
    expect(await credits.balance({ account: 'acme' })).toMatchObject({ balance: 85, plan: { id: 'monthly' } })
  })

  it('AX-03: a part that is used up is no grant, and its sum is the balance', async () => {
    const { sibling } = await family()
    await sibling.credits.charge({ operation: 'work.unit', quantity: 17 })
    expect(await sibling.credits.balance()).toMatchObject({ balance: 0, spendable: 0, level: 'exhausted', grants: [], lifetimeUsed: 20 })
  })

  it('AX-03: what it is told of a write is its own part as well, at first and at every replay', async () => {
    const { leaf, sibling } = await family()
    const asked = { operation: 'work.unit', quantity: 2, idempotencyKey: 'again' }
    const first = await leaf.credits.charge(asked)
    expect(first).toMatchObject({ charged: 2, balance: 14 })
    await leaf.credits.charge({ operation: 'work.unit' })
    expect(await leaf.credits.charge(asked)).toEqual({ ...first, replayed: true })
    const held = await sibling.credits.reserve({ operation: 'work.unit', quantity: 4 })
    expect(held.balance).toBe(13)
    expect(await sibling.credits.release({ reservation: held.reservation as string })).toMatchObject({ released: 4, balance: 17 })
    const run = () => Promise.resolve({ kind: 'result', result: { content: [] } } as const)
    const answer = await sibling.credits.meter({ tool: 'work', arguments: {}, meta: undefined, signal: new AbortController().signal, run })
    expect(answer).toMatchObject({ kind: 'result', result: { _meta: { 'io.github.mcp-credits/receipt': { charged: 1, balance: 16, spendable: 16 } } } })
  })

  it('AX-03: its transactions are what it and the keys below it did, and what gave that back', async () => {
    const { top, child, sibling, leaf, transactions } = await family()
    const shown = async (party: Credits, input = {}) => (await party.transactions(input)).transactions.map(({ id, balanceAfter }) => [id, balanceAfter])
    // What the leaf had left is the leaf's; what the child had left then is told by its own rows.
    expect(await shown(child.credits)).toEqual([[transactions.leaf, null], [transactions.child, 18]])
    expect(await child.credits.balance()).toMatchObject({ lastTransaction: { id: transactions.leaf, balanceAfter: null } })
    expect((await child.credits.transactions()).transactions.map(({ idempotencyKey }) => idempotencyKey)).toEqual([`${leaf.id}:of-leaf`, 'of-child'])
    expect((await leaf.credits.transactions()).transactions.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['of-leaf'])
    expect(await shown(leaf.credits)).toEqual([[transactions.leaf, 16]])
    expect(await shown(sibling.credits)).toEqual([[transactions.sibling, 17]])
    expect(await shown(child.credits, { type: 'grant' })).toEqual([])
    expect((await shown(top)).length).toBe(5)
    const { transaction } = await credits.refund({ account: 'acme', transaction: transactions.leaf, credits: 1 })
    expect(await shown(leaf.credits, { type: 'refund' })).toEqual([[transaction, 17]])
    expect(await shown(sibling.credits, { type: 'refund' })).toEqual([])
  })

  it('AX-03: pages of others lead nowhere', async () => {
    const { top, child, leaf } = await family()
    for (let index = 0; index < 3; index += 1) await leaf.credits.charge({ operation: 'work.unit' })
    const { nextCursor } = await child.credits.transactions({ limit: 2 })
    const page = await child.credits.transactions({ limit: 2, cursor: nextCursor as string })
    expect(page.transactions).toHaveLength(2)
    for (const party of [leaf.credits, top]) expect(await outcome(party.transactions({ cursor: nextCursor as string }))).toBe('invalid_request')
    const { nextCursor: ofTop } = await top.transactions({ limit: 1 })
    expect(await outcome(leaf.credits.transactions({ cursor: ofTop as string }))).toBe('invalid_request')
  })

  it('AX-03: its usage is its own, by every grouping, and runs out with its own part', async () => {
    const { child, leaf, sibling } = await family()
    now = T0 + HOUR / 2
    for (const groupBy of ['operation', 'key', 'day', 'member', 'tool', 'category']) {
      expect(await leaf.credits.usage({ groupBy })).toMatchObject({ totalCalls: 1, totalCredits: 4 })
      expect(await child.credits.usage({ groupBy })).toMatchObject({ totalCalls: 2, totalCredits: 6 })
    }
    expect((await child.credits.usage({ groupBy: 'key' })).rows.map(({ key, credits: spent }) => [key, spent])).toEqual([[leaf.id, 4], [child.id, 2]])
    expect(await sibling.credits.usage({ since: new Date(T0 - HOUR), until: new Date(T0) })).toMatchObject({ totalCalls: 0, previous: null })
    const { runsOutAt } = await leaf.credits.usage({ since: new Date(T0) })
    expect(runsOutAt).toBe('2026-01-15T12:30:00.000Z')
    const { transaction } = await leaf.credits.charge({ operation: 'work.unit', quantity: 2 })
    await credits.refund({ account: 'acme', transaction: transaction as string })
    expect(await leaf.credits.usage({ groupBy: 'operation' })).toMatchObject({ totalCalls: 2, totalCredits: 4 })
  })

  it('AX-03: what is not its own is to it as what never was, by id and by idempotency key', async () => {
    const { top, child, leaf, sibling, transactions } = await family()
    const unknown = (id: string) => ({ code: 'unknown_transaction', message: `There is no transaction ${id}` })
    const never = 'tx_3_0123456789'
    for (const id of [transactions.top, transactions.sibling, transactions.child, never]) {
      expect(await refusalOf(leaf.credits.explain({ transaction: id }))).toMatchObject(unknown(id))
    }
    const explained = await leaf.credits.explain({ transaction: transactions.leaf })
    expect(explained).toMatchObject({ outcome: 'charged', charged: 4, grants: [{ id: 'delegated', source: 'delegated', credits: 4 }], budgets: [{ id: leaf.id }], transaction: { balanceAfter: 16 } })
    expect(await child.credits.explain({ idempotencyKey: `${leaf.id}:of-leaf` })).toMatchObject({ outcome: 'charged', budgets: [{ id: child.id }, { id: leaf.id }].sort((a, b) => (a.id < b.id ? -1 : 1)) })
    const missing = await leaf.credits.explain({ idempotencyKey: 'of-nobody' })
    expect(await leaf.credits.explain({ idempotencyKey: 'of-leaf' })).toMatchObject({ outcome: 'charged', charged: 4, transaction: { idempotencyKey: 'of-leaf' } })
    expect(await top.explain({ idempotencyKey: `${leaf.id}:of-leaf` })).toMatchObject({ outcome: 'charged', charged: 4 })
    for (const key of ['of-top', 'of-sibling', 'of-child', `${leaf.id}:of-leaf`, `${child.id}:of-child`]) {
      expect(await leaf.credits.explain({ idempotencyKey: key })).toEqual({ ...missing, explanation: missing.explanation.replace('of-nobody', key) })
    }
    await top.as({ holder: 'agent' }).reserve({ operation: 'work.unit', idempotencyKey: 'held-by-top' })
    expect(await sibling.credits.explain({ idempotencyKey: 'held-by-top' })).toMatchObject({ outcome: 'not_charged', transaction: null })
    const { reservation } = await top.reserve({ operation: 'work.unit' })
    expect(await outcome(leaf.credits.settle({ reservation: reservation as string }))).toBe('unknown_reservation')
  })

  it('AX-03: what it calls its work is its own: nobody else\'s charge is its answer, nor its metered call\'s', async () => {
    const { top, leaf, sibling } = await family()
    const work = { operation: 'work.unit', quantity: 15, idempotencyKey: 'job-1' }
    await top.charge(work)
    await top.reserve({ operation: 'work.unit', idempotencyKey: 'held' })
    await top.delegate({ credits: 1, expiresInSeconds: 60, idempotencyKey: 'child' })
    for (const { id, credits: party } of [leaf, sibling]) {
      expect(await party.explain({ idempotencyKey: 'job-1' })).toMatchObject({ outcome: 'not_charged', transaction: null })
      expect(await party.charge({ ...work, quantity: 1 })).toMatchObject({ charged: 1, replayed: false })
      expect(await party.charge({ ...work, quantity: 1 })).toMatchObject({ charged: 1, replayed: true })
      expect(await party.explain({ idempotencyKey: 'job-1' })).toMatchObject({ outcome: 'charged', charged: 1, transaction: { idempotencyKey: 'job-1' } })
      expect(await party.reserve({ operation: 'work.unit', idempotencyKey: 'held' })).toMatchObject({ reserved: 1, replayed: false })
      expect((await credits.transactions({ account: 'acme', type: 'reserve', limit: 1 })).transactions).toMatchObject([{ idempotencyKey: `${id}:held` }])
      expect(await outcome(party.delegate({ credits: 1, expiresInSeconds: 60, idempotencyKey: 'child' }))).toBe('forbidden')
    }
    expect(await top.charge(work)).toMatchObject({ charged: 15, replayed: true })
    expect(await credits.verify()).toMatchObject({ ok: true })
  })

  it('AX-03: nobody else writes a name that is kept as its own, to take it or to be answered for it', async () => {
    const { top, child, leaf } = await family()
    const operator = (await credits.withKey(await secretOf({ account: 'other', id: 'ops', scopes: ['operator'] }))).credits
    const work = { operation: 'work.unit', quantity: 4 }
    for (const party of [credits, top, operator]) {
      for (const name of [`${leaf.id}:of-leaf`, `${leaf.id}:`, `${leaf.id}:a:b`]) {
        const refused = await refusalOf(party.charge({ account: 'acme', ...work, idempotencyKey: name }))
        expect(refused).toMatchObject({ code: 'invalid_request', details: { field: 'idempotencyKey', idempotencyKey: name } })
        expect(refused.message).toContain(`"${name}" begins with the id of a delegated key`)
      }
      const other = `${leaf.id.slice(0, -1)}:job`
      expect(await outcome(party.charge({ account: 'acme', ...work, quantity: 1, idempotencyKey: other }))).toBe('done')
    }
    const run = () => expect.fail('it ran')
    const meta = { 'io.github.mcp-credits/idempotency_key': `${leaf.id}:call` }
    const answer = await top.as({ holder: 'agent' }).meter({ tool: 'work', arguments: {}, meta, signal: new AbortController().signal, run })
    expect(JSON.stringify(answer)).toContain('invalid_request')
    expect(await outcome(credits.grant({ account: 'acme', credits: 1, idempotencyKey: `${child.id}:gift` }))).toBe('invalid_request')
    // What stands behind the id of another one is a delegated key's own name still, and found as such first.
    expect(await child.credits.charge({ ...work, quantity: 2, idempotencyKey: `${leaf.id}:of-leaf` })).toMatchObject({ charged: 2, replayed: false })
    expect(await child.credits.explain({ idempotencyKey: `${leaf.id}:of-leaf` })).toMatchObject({ charged: 2, transaction: { idempotencyKey: `${leaf.id}:of-leaf` } })
    expect(await leaf.credits.charge({ ...work, idempotencyKey: 'of-leaf' })).toMatchObject({ charged: 4, replayed: true })
    expect(await leaf.credits.charge({ ...work, quantity: 1, idempotencyKey: `${leaf.id}:of-leaf` })).toMatchObject({ charged: 1, replayed: false })
    expect((await leaf.credits.transactions({ limit: 1 })).transactions).toMatchObject([{ idempotencyKey: `${leaf.id}:of-leaf` }])
  })

  it('a name is shown without the id of a delegated key to that key alone, and the longest one can be asked for as it is shown', async () => {
    const { top, leaf } = await family()
    const longest = 'n'.repeat(255)
    await leaf.credits.charge({ operation: 'work.unit', idempotencyKey: longest })
    const shown = async (party: Credits) => (await party.transactions({ limit: 1 })).transactions[0]?.idempotencyKey as string
    expect([await shown(leaf.credits), await shown(top)]).toEqual([longest, `${leaf.id}:${longest}`])
    for (const party of [leaf.credits, top]) {
      expect(await party.explain({ idempotencyKey: await shown(party) })).toMatchObject({ outcome: 'charged', charged: 1 })
    }
    expect(await outcome(top.explain({ idempotencyKey: `${leaf.id}:${longest}n` }))).toBe('invalid_request')
    expect(await outcome(top.charge({ operation: 'work.unit', idempotencyKey: 'n'.repeat(256) }))).toBe('invalid_request')
    // A key that sees its own part alone and was not delegated names its work in the account's name.
    const scoped = (await credits.withKey(await secretOf({ account: 'acme', id: 'scoped', scopes: ['work.unit'] }))).credits
    await scoped.charge({ operation: 'work.unit', idempotencyKey: 'scoped:job' })
    expect(await shown(scoped)).toBe('scoped:job')
    expect(await refusalOf(scoped.charge({ operation: 'work.unit', quantity: 2, idempotencyKey: 'scoped:job' }))).toMatchObject({ details: { idempotencyKey: 'scoped:job' } })
  })

  it('AX-03: its budgets are its own and those below it; of one above it only what that leaves is told', async () => {
    await credits.setBudget({ account: 'acme', id: 'everything', limit: 60, window: 'total' })
    await credits.setBudget({ account: 'acme', id: 'by-key', limit: 30, window: 'day', scope: { each: 'key' } })
    const { top, child, leaf, sibling } = await family()
    await credits.setBudget({ account: 'acme', id: 'tight', limit: 3, window: 'day', scope: { key: child.id } })
    const ids = async (party: Credits) => (await party.budgets()).budgets.map(({ id, subject }) => subject ?? id).sort()
    expect(await ids(leaf.credits)).toEqual([leaf.id, leaf.id].sort())
    expect(await ids(child.credits)).toEqual([child.id, child.id, leaf.id, leaf.id, 'tight'].sort())
    expect(await child.credits.budgets()).toMatchObject({ tightest: { id: 'tight', limit: 3, remaining: 3, scope: { key: child.id } }, run: null })
    const { tightest } = await leaf.credits.budgets()
    expect(tightest).toEqual({
      id: 'above', name: 'a limit above this key', scope: {}, subject: null, window: 'day', enforcement: 'hard', thresholds: [], level: 'ok', remaining: 3,
      resetsAt: '2026-01-16T00:00:00.000Z', raisedUntil: null, limit: null, used: null, reserved: null, percentUsed: null, since: null,
    })
    // A call's receipt and its note for the model tell no more of it.
    const run = () => Promise.resolve({ kind: 'result', result: { content: [] } } as const)
    await leaf.credits.charge({ operation: 'work.unit', quantity: 2 })
    const answer = await leaf.credits.meter({ tool: 'work', arguments: {}, meta: undefined, signal: new AbortController().signal, run })
    expect(answer).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { budget_remaining: 0 } }, content: [{ type: 'text', text: 'Credits: 0 left today, resets 00:00 UTC' }] } })
    expect(await ids(top)).toEqual(['everything', 'top', child.id, leaf.id, sibling.id, 'tight'].sort())
    // Whoever has no key has not delegated to these: they are the top key's.
    expect(await ids(credits.as({ account: 'acme', holder: 'agent' }))).toEqual(['everything'])
    const { keyId } = await credits.as({ account: 'acme', holder: 'agent' }).delegate({ credits: 3, expiresInSeconds: 60 })
    expect(await ids(credits.as({ account: 'acme', holder: 'agent' }))).toEqual(['everything', keyId].sort())
  })

  it('AX-03: of lists it gets what is its own, and of what concerns the account as a whole nothing', async () => {
    await credits.putMember({ account: 'acme', id: 'ann' })
    await credits.putMember({ account: 'acme', id: 'bob' })
    const { child, leaf, sibling } = await family()
    await credits.setAlert({ account: 'acme', id: 'low', credits: 50 })
    await sibling.credits.charge({ operation: 'work.unit', quantity: 14 })
    const ofAnn = (await credits.withKey(await secretOf({ account: 'acme', member: 'ann' }))).credits
    const anns = await credits.withKey((await ofAnn.delegate({ credits: 1, expiresInSeconds: 60 })).key as string)
    expect((await child.credits.keys()).map(({ id, parent }) => [id, parent])).toEqual([[leaf.id, child.id], [child.id, null]])
    expect((await leaf.credits.keys()).map(({ id }) => id)).toEqual([leaf.id])
    expect([await leaf.credits.members(), await anns.credits.members()]).toMatchObject([[], [{ id: 'ann' }]])
    expect((await sibling.credits.messages()).map(({ type, facts }) => [type, facts['budget']])).toEqual([['budget_threshold', sibling.id]])
    expect(await leaf.credits.messages()).toEqual([])
    expect(await Promise.all([leaf.credits.alerts(), leaf.credits.items(), leaf.credits.purchases()])).toEqual([[], [], []])
    const whole = [leaf.credits.statement(), leaf.credits.verify({ account: 'acme' }), leaf.credits.whatIf(LIMITS, { accounts: ['acme'] })]
    for (const work of whole) expect(await refusalOf(work)).toMatchObject({ code: 'forbidden' })
    expect(await outcome(leaf.credits.balance({ account: 'other' }))).toBe('unknown_account')
    expect(await outcome(leaf.credits.createKey())).toBe('forbidden')
  })

  it('AX-03: nothing that it is answered names what is above or beside it', async () => {
    const { child, leaf, sibling, transactions } = await family()
    const told = await Promise.all([
      leaf.credits.balance(), leaf.credits.account(), leaf.credits.budgets(), leaf.credits.transactions(), leaf.credits.usage({ groupBy: 'key' }), leaf.credits.keys(),
      leaf.credits.members(), leaf.credits.messages(), leaf.credits.explain({ transaction: transactions.leaf }), leaf.credits.estimate({ operation: 'work.unit', quantity: 50 }),
      refusalOf(leaf.credits.charge({ operation: 'work.unit', quantity: 15 })), refusalOf(leaf.credits.charge({ operation: 'work.unit', quantity: 500 })),
    ])
    expect(JSON.stringify(told)).not.toMatch(new RegExp([child.id, sibling.id, '"top"', 'monthly'].join('|')))
  })

  it('AX-03: it is told nothing of the plan above it: neither its name, nor what it lacks, nor when it renews', async () => {
    const plan = { ...LIMITS.plans.monthly, name: 'Plan A', spending_cap: { credits: '60', window: 'period' } }
    const variants = { plain: { name: 'Plain', price: { model: 'per_unit', credits: '1' } }, fine: { name: 'Fine', price: { model: 'per_unit', credits: '2' }, capabilities: { size: 'large' }, requires_plan: ['plan-b'] } }
    const best = { name: 'Best', price: { model: 'per_unit', credits: '2' }, requires_plan: ['plan-b'] }
    const catalog = { ...LIMITS, operations: { ...LIMITS.operations, 'work.best': best, 'work.sized': { name: 'Sized', default_variant: 'plain', variants } }, plans: { ...LIMITS.plans, 'plan-a': plan, 'plan-b': { ...plan, name: 'Plan B' } } }
    const ledger = await openCredits({ database: ':memory:', catalog, clock: { now: () => now } })
    onTestFinished(() => ledger.close())
    await ledger.createAccount({ id: 'acme', plan: 'plan-a' })
    const delegated = await ledger.as({ account: 'acme', holder: 'agent' }).delegate({ credits: 90, expiresInSeconds: 3_600 })
    const child = (await ledger.withKey(delegated.key as string)).credits
    const metered = async (quantity: number) => child.meter({ tool: 'work', subject: { operation: 'work.unit', variant: null, quantity, args: null }, arguments: {}, meta: undefined, signal: new AbortController().signal, run: async () => ({ kind: 'result', result: { content: [] } }) })
    const refusals = [
      await fullRefusalOf(child.charge({ operation: 'work.best' })),
      await fullRefusalOf(child.charge({ operation: 'work.sized', variant: 'auto', args: { size: 'large' } })),
      await fullRefusalOf(child.charge({ operation: 'work.unit', quantity: 70 })),
    ]
    expect(refusals).toMatchObject([
      { code: 'plan_required', message: 'What stands above this key does not include work.best', details: { operation: 'work.best', variant: null }, advice: ['Go on without it, and tell whoever gave you this key what is lacking.'] },
      { code: 'plan_required', message: 'What stands above this key does not include work.sized (fine)' },
      { code: 'budget_exceeded', message: 'A limit above this key does not allow it: 70 needed, 60 available', details: { limitedBy: { type: 'budget', id: 'above', resetsAt: null } } },
    ])
    const near = await metered(58)
    expect(near).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { budget_remaining: 2, resets_at: null } }, content: [{ text: 'Credits: 2 left this billing period' }] } })
    await ledger.as({ account: 'acme' }).raiseBudget({ id: 'spending_cap', credits: 100 })
    // The account's credits leave the least now, whose plan gives more at its renewal.
    await ledger.as({ account: 'acme' }).charge({ operation: 'work.unit', quantity: 41 })
    const last = await metered(1)
    expect(last).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { spendable: 0, budget_remaining: null, resets_at: null } }, content: [{ text: 'Credits: 0 left' }] } })
    const told = [
      ...refusals, near, last, await child.budgets(), await child.balance(), await child.estimate({ operation: 'work.best' }),
      await child.estimate({ operation: 'work.sized', variant: 'auto', args: { size: 'large' } }), await fullRefusalOf(child.charge({ operation: 'work.unit', quantity: 50 })),
    ]
    // The key itself ends within the hour.
    expect(JSON.stringify(told)).not.toMatch(/plan-[ab]|Plan [AB]|spending.cap|2026-02/)
    expect(await ledger.verify()).toMatchObject({ ok: true })
  })

  it('closed keys stay in the lists with what became of them', async () => {
    const agent = credits.as({ account: 'acme', holder: 'agent' })
    const first = await agent.delegate({ credits: 1, expiresInSeconds: 60, name: 'first' })
    const second = await agent.delegate({ credits: 1, expiresInSeconds: 3_600, name: 'second' })
    await credits.revokeKey({ account: 'acme', id: second.keyId })
    now = T0 + HOUR / 2
    await agent.delegate({ credits: 1, expiresInSeconds: 60, name: 'third' })
    const states = (await credits.keys({ account: 'acme' })).map(({ name, state }) => [name, state])
    expect(Object.fromEntries(states)).toEqual({ first: 'expired', second: 'revoked', third: 'active' })
    expect((await credits.budgets({ account: 'acme' })).budgets).toHaveLength(1)
    expect(first.keyId).not.toBe(second.keyId)
    expect(await credits.verify()).toMatchObject({ ok: true })
  })
})
