import { readFile } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import type { CreditError } from '../../src/errors.js'
import { testLedger, type TestLedger } from '../mcp/support.js'

let ledger: TestLedger
let operator: Credits
let agent: Credits

beforeEach(async () => {
  ledger = await testLedger('starter')
  operator = ledger.credits
  const { id } = await operator.createKey({ id: 'k1' })
  agent = operator.as({ account: 'default', key: id, holder: 'agent' })
})

const call = (quantity: number, more: object = {}) => agent.charge({ operation: 'tool.call', quantity, ...more })

async function refusal(work: Promise<unknown>): Promise<CreditError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason)
  if (error === undefined) throw new Error('it was not refused')
  return error as CreditError
}

async function isSound(): Promise<void> {
  expect(await operator.verify()).toMatchObject({ ok: true, problems: [] })
}

describe('guards', () => {
  it('AX-04, AX-05, T46: a costly call is asked about, approved by an operator and done once, and its arguments are kept nowhere', async () => {
    expect(await operator.setGuard({ id: 'approval', above: 50, valid: '2h', wait: '10m' })).toMatchObject({
      id: 'approval', above: 50, validSeconds: 7_200, waitSeconds: 600, client: true, identical: null, burn: null, replayed: false,
    })
    const asked = await refusal(call(60, { args: { prompt: 'a planted secret' } }))
    expect(asked).toMatchObject({ code: 'approval_required', retryable: false, approval: { status: 'pending', maximum: 60 } })
    const { id } = asked.approval as { readonly id: string }
    expect(await operator.approvals()).toEqual([
      {
        id, asks: 'call', status: 'pending', credits: 60, operation: 'tool.call', variant: null, tool: null, quantity: 60, labels: null,
        key: 'k1', keyName: null, budget: null, reason: null,
        askedAt: '2026-01-10T12:00:00.000Z', answeredBy: null, expiresAt: '2026-01-10T12:10:00.000Z',
      },
    ])
    expect((await operator.messages()).find(({ type }) => type === 'approval_requested')).toMatchObject({
      text: `The key k1 asks for approval of tool.call for at most 60 credits (npx mcp-credits approve ${id}, until 2026-01-10T12:10:00.000Z)`,
      facts: { approval: id, status: 'pending', credits: 60 },
    })
    expect(await refusal(agent.approve({ id }))).toMatchObject({ code: 'forbidden' })
    const approved = await operator.approve({ id, idempotencyKey: 'yes' })
    expect(approved).toMatchObject({ id, status: 'approved', expiresAt: '2026-01-10T14:00:00.000Z', balance: 1_000, replayed: false })
    expect(await operator.approve({ id, idempotencyKey: 'yes' })).toEqual({ ...approved, replayed: true })
    expect(await call(60, { args: { prompt: 'a planted secret' } })).toMatchObject({ charged: 60, balance: 940 })
    expect(await refusal(call(60, { args: { prompt: 'a planted secret' } }))).toMatchObject({ code: 'approval_required' })
    expect(await operator.approvals({ all: true })).toHaveLength(1)
    await isSound()
    const files = await Promise.all([ledger.file, `${ledger.file}-wal`].map((file) => readFile(file, 'latin1')))
    expect(files.join('')).toContain('approval_requested')
    expect(files.join('')).not.toContain('planted')
  })

  it('AX-04, AX-16: a sub-agent is not asked for its own yes, and says none', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const { keyId } = await agent.delegate({ credits: 100, expiresInSeconds: 600 })
    const below = operator.as({ account: 'default', key: keyId, holder: 'agent' })
    const spend = () => below.charge({ operation: 'tool.call', quantity: 60 })
    const asked = await refusal(below.asking({ ask: async () => expect.fail('it was asked') }, spend))
    expect(asked).toMatchObject({ code: 'approval_required', approval: { status: 'pending', atClient: false } })
    const { id } = asked.approval as { readonly id: string }
    const rounds = { inputResponses: { [`io.github.mcp-credits/approval:${id}`]: { action: 'accept', content: { approve: true } } } }
    expect(await refusal(below.asking({ rounds, canAskByRound: true }, spend))).toMatchObject({ code: 'approval_required' })
    expect(await operator.approvals()).toMatchObject([{ id, status: 'pending', key: keyId, answeredBy: null }])
  })

  it.each(['client', 'operator'] as const)('AX-04, AX-10: who said yes stands in the question and in what was spent on it: the %s', async (who) => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const said = async (id: string) => (who === 'client' ? agent.answerAtClient({ id, approved: true }) : operator.approve({ id }))
    const { approval } = await refusal(call(60))
    const { id } = approval as { readonly id: string }
    expect(await said(id)).toMatchObject({ id, status: 'approved', answeredBy: who })
    const transaction = (await call(60)).transaction as string
    expect(await operator.approvals({ all: true })).toMatchObject([{ id, status: 'used', answeredBy: who }])
    expect(await operator.explain({ transaction })).toMatchObject({ approval: { id, answeredBy: who } })
    await refusal(agent.reserve({ operation: 'tool.call', quantity: 70 })).then(({ approval: next }) => said((next as { readonly id: string }).id))
    const { reservation } = await agent.reserve({ operation: 'tool.call', quantity: 70 })
    const settled = await agent.settle({ reservation: reservation as string })
    expect(await operator.explain({ transaction: settled.transaction as string })).toMatchObject({ approval: { answeredBy: who } })
    expect(await operator.explain({ transaction: (await call(5)).transaction as string })).toMatchObject({ approval: null })
    await isSound()
  })

  it('AX-04: a yes at the client pays once: what an equal call spends of it before its own goes on is not said again', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    let [tries, asked] = [0, 0]
    const ask = async () => (asked++, 'accepted' as const)
    const work = async () => {
      tries += 1
      if (tries === 2) await call(60)
      return call(60)
    }
    expect(await refusal(agent.asking({ ask }, work))).toMatchObject({ code: 'approval_required', approval: { status: 'pending' } })
    expect([tries, asked, (await operator.balance()).balance]).toEqual([2, 1, 940])
    await isSound()
  })

  it.each([['in time', 3_599_999, 'done', 880], ['once its question is over', 3_600_000, 'approval_required', 940]] as const)(
    'AX-04: of two equal calls at once the one that is answered last goes on by its own yes where that comes %s', async (_, lateMs, outcome, balance) => {
      await operator.setGuard({ id: 'approval', above: 50, wait: '1h' })
      let last: Promise<string> | undefined
      let answer: (said: 'accepted') => void = () => expect.fail('nobody was asked')
      const isAsked = new Promise<void>((resolve) => {
        const ask = () => (resolve(), new Promise<'accepted'>((later) => (answer = later)))
        last = agent.asking({ ask }, () => call(60)).then(() => 'done', ({ code }: CreditError) => code)
      })
      await isAsked
      expect(await agent.asking({ ask: async () => 'accepted' }, () => call(60))).toMatchObject({ kind: 'done', value: { charged: 60, balance: 940 } })
      ledger.clock.at += lateMs
      answer('accepted')
      expect(await last).toBe(outcome)
      expect((await operator.balance()).balance).toBe(balance)
      await isSound()
    },
  )

  it('AX-05, T01: of many alike calls at once, through two openings of the ledger, one is done on one yes', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const { approval } = await refusal(call(60))
    await operator.approve({ id: (approval as { readonly id: string }).id })
    const second = await openCredits({ database: ledger.file, clock: ledger.clock })
    const there = second.as({ account: 'default', key: 'k1', holder: 'agent' })
    const calls = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? agent : there).charge({ operation: 'tool.call', quantity: 60 }))
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as CreditError] : []))
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['approval_required']))
    expect(await operator.approvals()).toHaveLength(1)
    expect((await operator.balance()).balance).toBe(940)
    await isSound()
    await second.close()
  })

  it('AX-04: an estimate says that a person would be asked, and asks nobody', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const { affordable, blockedBy } = await agent.estimate({ calls: [{ operation: 'tool.call', quantity: 60 }, { operation: 'tool.call', quantity: 60 }, { operation: 'tool.call', quantity: 2 }] })
    expect(affordable).toBe(false)
    expect(blockedBy).toEqual([
      {
        code: 'approval_required',
        message: 'tool.call costs up to 60 credits; a person has to approve more than 50, and 1000 are available',
        details: { operation: 'tool.call', tool: null, required: 60, above: 50, available: 1_000 },
      },
    ])
    expect(await operator.approvals({ all: true })).toEqual([])
  })

  it('AX-02, AX-04: calls that are set aside together are asked about as one', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const plan = { calls: [{ operation: 'tool.call', quantity: 30 }, { operation: 'tool.call', quantity: 31 }] }
    const asked = await refusal(agent.reserve(plan))
    expect(asked).toMatchObject({ code: 'approval_required', approval: { maximum: 61 }, message: expect.stringMatching(/^a plan of 2 calls costs up to 61 credits;/) as unknown, details: { operation: 'a plan of 2 calls', required: 61 } })
    await operator.approve({ id: (asked.approval as { readonly id: string }).id })
    expect(await agent.reserve(plan)).toMatchObject({ reserved: 61, balance: 939 })
    expect(await refusal(agent.reserve(plan))).toMatchObject({ code: 'approval_required' })
    await isSound()
  })

  it('AX-16: an agent asks for credits, an operator grants them, and the same request is one', async () => {
    const request = await agent.requestCredits({ credits: 40, reason: 'for the images', kind: 'top_up', idempotencyKey: 'more' })
    expect(request).toEqual({
      request: expect.stringMatching(/^rq_\d+_[0-9a-f]{10}$/) as string,
      status: 'pending',
      how: `A person answers it: npx mcp-credits approve ${request.request} --account default, or deny`,
      expiresAt: '2026-01-17T12:00:00.000Z',
      replayed: false,
    })
    expect(await agent.requestCredits({ credits: 40, reason: 'for the images', kind: 'top_up', idempotencyKey: 'more' })).toEqual({ ...request, replayed: true })
    expect(await refusal(agent.requestCredits({ credits: 41, reason: 'for the images', kind: 'top_up', idempotencyKey: 'more' }))).toMatchObject({ code: 'idempotency_conflict' })
    expect(await operator.approve({ id: request.request })).toMatchObject({ asks: 'top_up', status: 'granted', credits: 40, reason: 'for the images' })
    expect((await operator.balance()).balance).toBe(1_040)
    await isSound()
  })

  it('AX-16: no tool and no key below admin sets, lifts or answers a guard', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const { approval } = await refusal(call(60))
    const { id } = approval as { readonly id: string }
    const attempts = [
      agent.setGuard({ id: 'approval', above: 500 }), agent.removeGuard({ id: 'approval' }), agent.resetGuard({ id: 'runaway' }),
      agent.approve({ id }), agent.deny({ id }),
    ]
    for (const attempt of attempts) expect(await refusal(attempt)).toMatchObject({ code: 'forbidden' })
    expect(await operator.approvals()).toMatchObject([{ id, status: 'pending' }])
  })

  it('another key and another account find no approval, whatever id they try', async () => {
    await operator.setGuard({ id: 'approval', above: 50 })
    const { approval } = await refusal(call(60))
    const { id } = approval as { readonly id: string }
    await operator.createAccount({ id: 'other' })
    const strangers = [operator.as({ account: 'other' }), operator.as({ account: 'default', key: (await operator.createKey({ id: 'k2' })).id, holder: 'agent' })]
    for (const stranger of strangers) {
      const [unknown, foreign] = [await refusal(stranger.answerAtClient({ id: 'ap_0000000000000000', approved: true })), await refusal(stranger.answerAtClient({ id, approved: true }))]
      expect([foreign.code, foreign.message.replace(id, '')]).toEqual([unknown.code, unknown.message.replace('ap_0000000000000000', '')])
      expect(foreign.code).toBe('unknown_approval')
    }
  })

  it('AX-15: a loop is stopped, told of once, and let go by an operator', async () => {
    expect(await operator.setGuard({ id: 'runaway', identical: 3, within: '1m', burn: 100, burnWithin: '1h' })).toMatchObject({
      id: 'runaway', above: null, identical: { calls: 3, withinSeconds: 60 }, burn: { credits: 100, withinSeconds: 3_600 },
    })
    for (let number = 0; number < 3; number += 1) await call(5)
    for (const saved of [5, 10]) expect(await refusal(call(5))).toMatchObject({ code: 'runaway_stopped', retryable: false, details: { saved } })
    expect((await operator.messages()).filter(({ type }) => type === 'runaway_stopped').map(({ text }) => text)).toEqual([
      'tool.call: calls were stopped as running away (the same one over and over); npx mcp-credits guard reset runaway lets go',
    ])
    await operator.resetGuard({ id: 'runaway' })
    expect(await call(5)).toMatchObject({ charged: 5 })
    expect(await operator.guards()).toMatchObject([{ id: 'runaway' }])
    await operator.removeGuard({ id: 'runaway' })
    expect(await operator.guards()).toEqual([])
    await isSound()
  })

  it.each([
    [{ id: 'approval', above: 5, identical: 3 }, 'identical: goes with the other guard; approval takes above, valid, wait, client'],
    [{ id: 'runaway', identical: 3, above: 3 }, 'above: goes with the other guard; runaway takes identical, within, burn, burnWithin'],
    [{ id: 'runaway' }, 'A runaway guard needs a number of identical calls or a sum to burn'],
    [{ id: 'runaway', within: '5m' }, 'within: goes with identical'],
    [{ id: 'runaway', burn: 5 }, 'burn: goes with burnWithin, so many credits within so long'],
    [{ id: 'runaway', burn: 5, burnWithin: '2d' }, 'burnWithin: expected at most 1 day'],
    [{ id: 'approval', above: 5, valid: '31d' }, 'valid: expected at most 30 days'],
    [{ id: 'approval', above: 5, wait: 'soon' }, 'wait is "soon"; expected a length of time such as 30d, 12h or 15m'],
    [{ id: 'other' }, 'id: expected one of approval, runaway, found "other"'],
  ])('terms that make no sense are refused with what was wrong: %j', async (terms, message) => {
    expect(await refusal(operator.setGuard(terms as never))).toMatchObject({ code: 'invalid_request', message })
  })
})
