import { beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { fingerprintOf } from '../../src/facade/read-input.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')
const CATALOG = {
  id: 'shop',
  name: 'Shop',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    'blog.post': { name: 'Post', price: { model: 'per_unit', credits: '60' } },
    'chat.tokens': {
      name: 'Tokens',
      price: { model: 'pass_through', rates: { input_tokens: { credits: '1' } }, typical: { minimum: '1', maximum: '10' } },
    },
  },
}
const LATER = T0 + 1_000_000

let credits: Credits
beforeEach(async () => {
  credits = await openCredits({ database: ':memory:', catalog: CATALOG, clock: { now: () => T0 } })
  await credits.createAccount({ id: 'acme', plan: 'none' })
  await credits.grant({ account: 'acme', credits: 1_000 })
  return () => credits.close()
})

type Write = (input: object) => Promise<{ readonly replayed: boolean }>

/** What the second of two writes with one key is. */
async function second(write: Write, first: object, other: object): Promise<string> {
  await write({ account: 'acme', idempotencyKey: 'k', ...first })
  try {
    const { replayed } = await write({ account: 'acme', idempotencyKey: 'k', ...other })
    return replayed ? 'replay' : 'a write of its own'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const grant = (input: object) => credits.grant(input as never)
const charge = (input: object) => credits.charge(input as never)
const settle = async (input: object) => {
  const { reservation } = await credits.reserve({ account: 'acme', operation: 'blog.post', idempotencyKey: 'held' })
  return credits.settle({ ...input, reservation } as never)
}

describe('T08: with one idempotency key, one request however it is written', () => {
  it.each<[string, Write, object, object]>([
    ['credits as number and as text', grant, { credits: 10 }, { credits: '10.0' }],
    ['an instant as Date and as ISO text', grant, { credits: 1, expiresAt: new Date(LATER) }, { credits: 1, expiresAt: new Date(LATER).toISOString() }],
    ['an instant with an offset and in milliseconds', grant, { credits: 1, expiresAt: '2026-03-12T01:00:00+01:00' }, { credits: 1, expiresAt: Date.parse('2026-03-12T00:00:00Z') }],
    ['a default left out and written out', grant, { credits: 1 }, { credits: 1, source: 'adjustment', paid: false, priority: 20 }],
    ['a field left out and undefined', charge, { operation: 'blog.post' }, { operation: 'blog.post', variant: undefined }],
    ['labels in another order', charge, { operation: 'blog.post', labels: { a: '1', b: '2' } }, { operation: 'blog.post', labels: { b: '2', a: '1' } }],
    ['components in snake case and in camel case', charge, { operation: 'chat.tokens', usage: { input_tokens: 1 } }, { operation: 'chat.tokens', usage: { inputTokens: 1 } }],
    ['an actual as text', settle, { actual: 10 }, { actual: '10' }],
  ])('%s', async (_what, write, first, other) => {
    expect(await second(write, first, other)).toBe('replay')
  })
})

it('T08: an account made again with the key is the same one, for all that its salt is drawn anew', async () => {
  const first = await credits.createAccount({ id: 'new', idempotencyKey: 'k' })
  expect(await credits.createAccount({ id: 'new', timeZone: 'UTC', debtLimit: 0, idempotencyKey: 'k' })).toEqual({ ...first, replayed: true })
})

it('T08: the text of a request is JSON whatever a label is called, amounts as text and what a caller wrote sorted', () => {
  const facts = { terms: { values: { 'label:a"b\\': '1' }, limit: 5n, each: null, left: undefined }, calls: [null, { labels: null }] }
  expect(fingerprintOf('set_budget', { ...facts, args: { b: 1, a: 2 } })).toBe(
    'set_budget{"terms":{"values":{"label:a\\"b\\\\":"1"},"limit":"5","each":null},"calls":[null,{"labels":null}],"args":"{\\"a\\":2,\\"b\\":1}"}',
  )
})

describe('T08: with one idempotency key, another request is refused', () => {
  it.each<[string, Write, object, object]>([
    ['another Date', grant, { credits: 1, expiresAt: new Date(LATER) }, { credits: 1, expiresAt: new Date(LATER + 1) }],
    ['no Date', grant, { credits: 1, expiresAt: new Date(LATER) }, { credits: 1 }],
    ['other credits', grant, { credits: 10 }, { credits: '10.000001' }],
    ['another quantity', charge, { operation: 'blog.post' }, { operation: 'blog.post', quantity: 2 }],
    ['another argument', charge, { operation: 'blog.post', args: { words: 1 } }, { operation: 'blog.post', args: { words: 2 } }],
    ['another actual', settle, { actual: 10 }, { actual: 11 }],
    ['another kind of write', grant, { credits: 10 }, { credits: 10, source: 'gift' }],
  ])('%s', async (_what, write, first, other) => {
    expect(await second(write, first, other)).toBe('idempotency_conflict')
  })
})
