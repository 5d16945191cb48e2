import { McpServer as OldMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { acceptedContent, createRequestStateCodec, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { meter } from '../../src/index.js'
import { type AnyClient, type Elicited, type MeterLedger, modernClient, newClient, oldClient, openLedger, type Person, receiptOf, refusalOf, says, spent } from './support.js'

const INFO = { name: 'studio', version: '1' }

interface Asked extends MeterLedger {
  readonly client: AnyClient
  readonly asked: string[]
  readonly ran: string[]
}

/** A metered server whose tool costs five credits, of which a person is asked from four on. */
async function asking(kind: string, person: Person): Promise<Asked> {
  const ledger = await openLedger()
  await ledger.credits.setGuard({ id: 'approval', above: 4 })
  const [asked, ran]: [string[], string[]] = [[], []]
  const listening: Person = person === null ? null : (message) => (asked.push(message), person(message))
  const options = { credits: ledger.credits, account: 'acme' }
  const draw = () => (ran.push('draw'), says('drawn'))
  const make = () => {
    const server = meter(new McpServer(INFO), options)
    server.registerTool('draw', {}, draw)
    return server
  }
  if (kind === 'SDK 1') {
    const server = meter(new OldMcpServer(INFO), options)
    server.registerTool('draw', {}, draw)
    return { ...ledger, asked, ran, client: await oldClient(server, listening) }
  }
  return { ...ledger, asked, ran, client: kind === 'SDK 2' ? await newClient(make(), listening) : await modernClient(make, listening) }
}

const ACCEPTED: Elicited = { action: 'accept', content: { approve: true } }
const YES: Person = () => ACCEPTED

/** A person who looks at so many questions before answering any, and closes whatever is asked after twice as many. */
function patient(count: number) {
  let answerOf: ((index: number) => Elicited) | null = null
  const waiting: ((answer: Elicited) => void)[] = []
  let seen = 0
  let allSeen = (): void => undefined
  const areOpen = new Promise<void>((resolve) => (allSeen = resolve))
  const person: Person = () => {
    const index = seen
    seen += 1
    if (answerOf !== null) return index < 2 * count ? answerOf(index) : { action: 'cancel' }
    return new Promise<Elicited>((resolve) => {
      waiting.push(resolve)
      if (waiting.length === count) allSeen()
    })
  }
  const answerAll = async (answers: (index: number) => Elicited): Promise<void> => {
    await areOpen
    answerOf = answers
    for (const [index, resolve] of waiting.entries()) resolve(answers(index))
  }
  return { person, answerAll }
}

describe.each(['SDK 1', 'SDK 2', 'SDK 2 in 2026-07-28'])('a costly call, %s', (kind) => {
  it('AX-04: asks the person at the client first; a yes lets it run once', async () => {
    const { client, asked, ran, ...ledger } = await asking(kind, YES)
    expect(receiptOf(await client.callTool({ name: 'draw', arguments: {} }))).toMatchObject({ charged: 5, balance: 95 })
    expect(asked).toEqual([expect.stringMatching(/^draw costs up to 5 credits; a person has to approve more than 4/)])
    await client.callTool({ name: 'draw', arguments: {} })
    expect([asked.length, ran.length]).toEqual([2, 2])
    expect(await spent(ledger)).toBe(10)
  })

  it.each<[string, Elicited, string]>([
    ['a no', { action: 'decline' }, 'denied'],
    ['a form that is sent without a yes', { action: 'accept', content: { approve: false } }, 'denied'],
    ['a closed dialogue', { action: 'cancel' }, 'pending'],
  ])('AX-04: %s runs nothing and spends nothing', async (_what, answer, status) => {
    const { client, asked, ran, ...ledger } = await asking(kind, () => answer)
    expect(refusalOf(await client.callTool({ name: 'draw', arguments: {} }))).toBe('approval_required')
    expect([asked.length, ran.length]).toEqual([1, 0])
    expect((await ledger.credits.approvals({ all: true })).map((approval) => approval.status)).toEqual([status])
    expect(await spent(ledger)).toBe(0)
  })

  it.each([2, 3])('AX-04: %i equal calls that ask at once are as many questions, and every yes lets one of them run', async (count) => {
    const { person, answerAll } = patient(count)
    const { client, asked, ran, ...ledger } = await asking(kind, person)
    const calls = Array.from({ length: count }, () => client.callTool({ name: 'draw', arguments: {} }))
    await answerAll(() => ACCEPTED)
    expect((await Promise.all(calls)).map((result) => receiptOf(result)?.['charged'])).toEqual(calls.map(() => 5))
    expect(ran).toHaveLength(count)
    // A round that comes again cannot be told from one that was sent twice: where its yes is spent, the person is asked once more.
    if (kind !== 'SDK 2 in 2026-07-28') expect(asked).toHaveLength(count)
    const [approval] = await ledger.credits.approvals({ all: true })
    await expect(ledger.credits.approve({ id: approval?.id ?? '' }), 'no yes is left over').rejects.toMatchObject({ details: { status: 'used' } })
    expect(await spent(ledger)).toBe(5 * count)
  })

  it.each<[string, Elicited]>([
    ['a closed dialogue', { action: 'cancel' }],
    ['a no', { action: 'decline' }],
  ])('AX-04: of equal calls that ask at once, a yes and %s let one run at most', async (_what, other) => {
    const { person, answerAll } = patient(3)
    const { client, ran, ...ledger } = await asking(kind, person)
    const calls = Array.from({ length: 3 }, () => client.callTool({ name: 'draw', arguments: {} }))
    await answerAll((index) => (index === 0 ? ACCEPTED : other))
    await Promise.all(calls)
    // A no may come before the call has gone on by the yes, and takes it back then.
    if (other.action === 'cancel') expect(ran).toHaveLength(1)
    expect(ran.length).toBeLessThanOrEqual(1)
    expect(await spent(ledger)).toBe(5 * ran.length)
  })

  it('AX-04: a no to a call is an answer, also where the yes to an equal one was spent before it came', async () => {
    const waiting: ((answer: Elicited) => void)[] = []
    let count = 0
    const { client, ran, ...ledger } = await asking(kind, () => {
      count += 1
      if (count === 1) return new Promise<Elicited>((resolve) => waiting.push(resolve))
      return count === 2 ? ACCEPTED : { action: 'decline' }
    })
    const first = client.callTool({ name: 'draw', arguments: {} })
    await expect.poll(() => waiting).toHaveLength(1)
    expect(receiptOf(await client.callTool({ name: 'draw', arguments: {} }))).toMatchObject({ charged: 5 })
    waiting[0]?.({ action: 'decline' })
    expect(refusalOf(await first)).toBe('approval_required')
    expect((await ledger.credits.approvals({ all: true })).map(({ status }) => status)).toEqual(['denied'])
    expect([ran.length, await spent(ledger)]).toEqual([1, 5])
  })

  it('AX-05: is refused where the client cannot be asked, and goes on by the same call once an operator has said yes', async () => {
    const { client, ran, ...ledger } = await asking(kind, null)
    expect(refusalOf(await client.callTool({ name: 'draw', arguments: {} }))).toBe('approval_required')
    const [approval] = await ledger.credits.approvals({ all: true })
    await ledger.credits.approve({ id: approval?.id ?? '' })
    expect(receiptOf(await client.callTool({ name: 'draw', arguments: {} }))).toMatchObject({ charged: 5 })
    expect(refusalOf(await client.callTool({ name: 'draw', arguments: {} }))).toBe('approval_required')
    expect(ran).toHaveLength(1)
    expect(await spent(ledger)).toBe(5)
  })
})

describe('a tool that asks by itself', () => {
  it('AX-04, T35: gets its own answers and its own signed state, and nothing of ours', async () => {
    const ledger = await openLedger()
    await ledger.credits.setGuard({ id: 'approval', above: 4 })
    const codec = createRequestStateCodec({ key: 'a key of at least thirty-two characters' })
    const seen: unknown[] = []
    const asked: string[] = []
    const client = await modernClient(
      () => {
        const server = meter(new McpServer(INFO, { requestState: { verify: codec.verify } }), { credits: ledger.credits, account: 'acme' })
        server.registerTool('draw', { inputSchema: z.object({}) }, async (_, { mcpReq }) => {
          seen.push([mcpReq.requestState(), Object.keys(mcpReq.inputResponses ?? {})])
          if (acceptedContent(mcpReq.inputResponses, 'size', z.object({ size: z.number() })) !== undefined) return says('drawn')
          const size = inputRequired.elicit({ message: 'Which size?', requestedSchema: z.object({ size: z.number() }) })
          return inputRequired({ inputRequests: { size }, requestState: await codec.mint({ step: 1 }) })
        })
        return server
      },
      (message) => (asked.push(message), { action: 'accept', content: message === 'Which size?' ? { size: 2 } : { approve: true } }),
    )
    const result = await client.callTool({ name: 'draw', arguments: {} })
    expect(result.content[0]?.text).toBe('drawn')
    expect(receiptOf(result)).toMatchObject({ charged: 5 })
    expect(asked.map((message) => message.split(' ')[0])).toEqual(['draw', 'Which'])
    expect(seen).toEqual([[undefined, []], [{ step: 1 }, ['size']]])
    expect(await spent(ledger)).toBe(5)
  })
})
