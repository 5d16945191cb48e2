import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/credits.js'
import type { Caller } from '../../src/http/ports.js'
import { restLedger, type RestLedger } from '../http/rest-support.js'

/** What stands in an account, by its id. */
interface Ids {
  readonly transaction: string
  readonly reservation: string
  readonly quote: string
  readonly approval: string
  readonly budget: string
  readonly key: string
  readonly member: string
  readonly purchase: string
  readonly alert: string
  readonly cursor: string
}

/** Of the same form as an id of this ledger, and of nothing. */
const UNKNOWN: Ids = {
  transaction: 'tx_3_0123456789',
  reservation: 'rs_3_0123456789',
  quote: 'quote_3_0123456789',
  approval: 'appr_0123456789ab',
  budget: 'nobodys',
  key: 'key_0123456789ab',
  member: 'nobody',
  purchase: 'pu_3_0123456789',
  alert: 'nothing',
  cursor: 'tx_3_0123456789',
}

describe('another account is not there', () => {
  it('AX-17: every tool answers the id of another account as it answers one that never was', async () => {
    const { rest, foreign, agent } = await twoAccounts()
    const tried: Record<string, (ids: Ids) => object> = {
      'explain_charge?transaction': ({ transaction }) => ({ transaction }),
      list_transactions: ({ cursor }) => ({ cursor }),
      extend_reservation: ({ reservation }) => ({ reservation, ttl_seconds: 60 }),
      settle_reservation: ({ reservation }) => ({ reservation }),
      'settle_reservation?plan': ({ quote }) => ({ reservation: quote }),
      release_reservation: ({ reservation }) => ({ reservation }),
      'release_reservation?plan': ({ quote }) => ({ reservation: quote }),
      charge_credits: ({ quote }) => ({ operation: 'blog.post', quote_id: quote }),
      reserve_credits: ({ quote }) => ({ quote_id: quote }),
      'request_credits?budget': ({ budget }) => ({ credits: 1, reason: 'more', kind: 'budget', budget }),
    }
    for (const [what, input] of Object.entries(tried)) {
      const path = `/v1/tools/${what.replace(/\?.*/, '')}`
      await seeAlike(rest, agent, what, foreign, (ids) => ['POST', path, input(ids)])
    }
    const byKey = async (key: string) => told(await rest.send(agent, 'POST', '/v1/tools/explain_charge', { idempotency_key: key }), key)
    expect(await byKey('of-other')).toEqual(await byKey('of-nobody'))
  })

  it('every operator route answers a key with admin as if the id of another account never was', async () => {
    const { rest, foreign, admin } = await twoAccounts()
    const routes: Record<string, (ids: Ids) => [string, string, unknown?]> = {
      refund: ({ transaction }) => ['POST', '/v1/admin/refunds', { transaction }],
      explanation: ({ transaction }) => ['GET', `/v1/admin/explanation?transaction=${transaction}`],
      'history by cursor': ({ cursor }) => ['GET', `/v1/admin/transactions?cursor=${cursor}`],
      approve: ({ approval }) => ['POST', `/v1/admin/approvals/${approval}/approve`, {}],
      deny: ({ approval }) => ['POST', `/v1/admin/approvals/${approval}/deny`, {}],
      'remove a budget': ({ budget }) => ['DELETE', `/v1/admin/budgets/${budget}`],
      'raise a budget': ({ budget }) => ['POST', `/v1/admin/budgets/${budget}/raise`, { credits: 1 }],
      'revoke a key': ({ key }) => ['DELETE', `/v1/admin/keys/${key}`],
      'remove a member': ({ member }) => ['DELETE', `/v1/admin/members/${member}`],
      'remove an alert': ({ alert }) => ['DELETE', `/v1/admin/alerts/${alert}`],
      'settle a purchase': ({ purchase }) => ['POST', `/v1/admin/purchases/${purchase}/settle`, {}],
      'cancel a purchase': ({ purchase }) => ['POST', `/v1/admin/purchases/${purchase}/cancel`, {}],
      'refund a purchase': ({ purchase }) => ['POST', `/v1/admin/purchases/${purchase}/refund`, {}],
    }
    for (const [what, request] of Object.entries(routes)) await seeAlike(rest, admin, what, foreign, request)
  })

  it('an account that is another one and an account that is none are the same to a key, on every route that names one', async () => {
    const { rest, admin } = await twoAccounts()
    for (const path of ['balance', 'usage', 'transactions', 'budgets', 'alerts', 'messages', 'guards', 'approvals', 'members', 'keys', 'purchases', 'items', 'packs', 'statement', 'verification']) {
      const of = async (account: string) => told(await rest.send(admin, 'GET', `/v1/admin/${path}?account=${account}`), account)
      const [other, nobody] = [await of('other'), await of('nobody')]
      expect({ path, ...other }).toEqual({ path, ...nobody })
      expect({ path, status: other.status }).toEqual({ path, status: 404 })
    }
    for (const [method, suffix, body] of [['GET', ''], ['PUT', '/state', { state: 'suspended' }], ['PUT', '/time-zone', { time_zone: 'UTC' }], ['POST', '/clock/advance', { by: '1d' }]] as const) {
      const of = async (account: string) => told(await rest.send(admin, method, `/v1/admin/accounts/${account}${suffix}`, body), account)
      expect({ suffix, ...(await of('other')) }).toEqual({ suffix, ...(await of('nobody')) })
    }
  })

  it('nothing of the other account was touched, and its own key goes on seeing and using what is its own', async () => {
    const { rest, foreign, credits } = await twoAccounts()
    const other = credits.as({ account: 'other' })
    expect((await other.verify({ account: 'other' })).ok).toBe(true)
    expect(await rest.send(await rest.keyed('other', ['credits:read', 'credits:spend']), 'POST', '/v1/tools/explain_charge', { transaction: foreign.transaction })).toMatchObject({ status: 200 })
  })
})

interface TwoAccounts {
  readonly rest: RestLedger
  readonly credits: Credits
  readonly foreign: Ids
  readonly agent: Caller
  readonly admin: Caller
}

/** `other` has one of each; the callers are of `acme`, which has the like. */
async function twoAccounts(): Promise<TwoAccounts> {
  const rest = await restLedger()
  const { credits } = rest
  for (const account of ['acme', 'other']) {
    await credits.grant({ account, credits: 10_000 })
    await credits.setSelfService({ account, enabled: true })
  }
  await fill(credits, 'acme')
  return {
    rest,
    credits,
    foreign: await fill(credits, 'other'),
    agent: await rest.keyed('acme', ['credits:read', 'credits:spend']),
    admin: await rest.keyed('acme', ['credits:read', 'credits:spend', 'admin']),
  }
}

async function fill(credits: Credits, account: string): Promise<Ids> {
  const own = credits.as({ account })
  const charged = await own.charge({ operation: 'blog.post', idempotencyKey: `of-${account}` })
  const held = await own.reserve({ operation: 'video.clip' })
  const quoted = await own.estimate({ operation: 'blog.post', quote: true })
  const { id: key } = await own.createKey({ scopes: ['credits:spend'] })
  await own.setBudget({ id: `budget-of-${account}`, window: 'total', limit: 1_000 })
  await own.putMember({ id: `member-of-${account}` })
  await own.setAlert({ id: `alert-of-${account}`, credits: 5 })
  const bought = await own.purchase({ pack: 'usd-20', pending: true } as Parameters<Credits['purchase']>[0])
  const asked = await own.as({ holder: 'agent' }).requestCredits({ credits: 5, reason: 'more', kind: 'top_up' })
  return {
    transaction: String(charged.transaction),
    reservation: String(held.reservation),
    quote: String(quoted.quoteId),
    approval: asked.request,
    budget: `budget-of-${account}`,
    key,
    member: `member-of-${account}`,
    purchase: bought.purchase,
    alert: `alert-of-${account}`,
    cursor: String(charged.transaction),
  }
}

async function seeAlike(rest: RestLedger, caller: Caller, what: string, foreign: Ids, request: (ids: Ids) => [string, string, unknown?]): Promise<void> {
  const of = async (ids: Ids) => told(await rest.send(caller, ...request(ids)), ...Object.values(ids))
  const [theirs, nobodys] = [await of(foreign), await of(UNKNOWN)]
  expect({ what, ...theirs }).toEqual({ what, ...nobodys })
  if (!what.includes('cursor') && what !== 'list_transactions') expect({ what, status: theirs.status }).toEqual({ what, status: 404 })
}

/** What an answer says, but for the ids that were asked about. */
function told({ status, text, headers }: { status: number; text: string; headers: Headers }, ...ids: readonly string[]) {
  const names = [...headers.keys()].sort()
  return { status, names, text: ids.reduce((said, id) => said.replaceAll(id, '<id>'), text) }
}
