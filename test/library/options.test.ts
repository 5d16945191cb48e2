import { existsSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { CreditError, openCredits, type OpenOptions } from '../../src/index.js'
import { parseInstant } from '../../src/time/instant.js'
import { callTool } from '../../tools/call-tool.js'
import { tools } from '../../tools/index.js'

const opened: Awaited<ReturnType<typeof openCredits>>[] = []
afterEach(async () => {
  for (const credits of opened.splice(0)) await credits.close()
})

async function ledger() {
  const credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => 1_800_000_000_000 } })
  opened.push(credits)
  await credits.createAccount({ id: 'acme' })
  return credits
}

async function refusal(work: () => Promise<unknown>): Promise<CreditError> {
  const error: unknown = await work().then(() => null, (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CreditError)
  return error as CreditError
}

describe('the options of a ledger', () => {
  it.each([
    ['nothing', undefined, 'input: expected an object, found nothing'],
    ['an empty object', {}, 'database: expected a file, ":memory:" or a postgres:// address, found nothing'],
    ['an empty path', { database: '' }, 'database: expected a file, ":memory:" or a postgres:// address, found ""'],
    ['a number for a path', { database: 5 }, 'database: expected a file, ":memory:" or a postgres:// address, found 5'],
    ['another database', { database: 'mysql://u:p@h/d' }, 'database: expected a file, ":memory:" or a postgres:// address, found an address that begins with mysql:'],
    ['a scheme without slashes', { database: 'sqlite:never.db' }, 'database: expected a file, ":memory:" or a postgres:// address, found an address that begins with sqlite:'],
    ['an address in quotes', { database: '"postgres://u:hidden@h/d"' }, 'database: expected a file, ":memory:" or a postgres:// address, found an address that is written wrongly; one begins with postgres:// or postgresql://, with no blank and no quote before it'],
    ['an address that holds what no text may', { database: 'postgres://u:hidden@h/d\u0000' }, 'database: expected a file, ":memory:" or a postgres:// address, found a text with characters that no address and no name of a file has'],
    ['a number for a catalog', { database: ':memory:', catalog: 5 }, 'catalog: expected the name of a bundled catalog, a file or a document, found 5'],
    ['a number for a clock', { database: ':memory:', clock: 5 }, 'clock: expected { now(): number }, found 5'],
    ['a clock that gives no number', { database: ':memory:', clock: { now: () => Number.NaN } }, 'clock: expected now() to give whole epoch milliseconds, found NaN'],
    ['a misspelt option', { database: ':memory:', catalogue: 'starter' }, 'input: unknown field "catalogue"'],
    ['an account without an id', { database: ':memory:', defaultAccount: {} }, 'defaultAccount.id: expected a text, found nothing'],
  ])('%s is refused with what was expected', async (_what, options, message) => {
    const error = await refusal(() => openCredits(options as unknown as OpenOptions))
    expect({ code: error.code, message: error.message }).toEqual({ code: 'invalid_request', message })
    expect(existsSync('sqlite:never.db')).toBe(false)
  })
})

describe('arguments that are no JSON', () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = [circle, circle]
  let deep: unknown = null
  for (let level = 0; level < 20_000; level += 1) deep = { a: deep }

  it.each([
    ['an object within itself', circle, /at most 64 levels/],
    ['20,000 levels', { a: deep }, /at most 64 levels/],
    ['a bigint', { a: 1n }, /expected JSON values, found a bigint/],
    ['a function', { a: () => 1 }, /expected JSON values, found a function/],
    ['a class of its own', { a: new Map() }, /expected JSON values, found an object of class Map/],
    ['a number that JSON has not', { a: Number.NaN }, /expected JSON values, found NaN/],
    ['more values than anybody reads', { a: Array.from({ length: 100_001 }, () => 0) }, /at most 100000 values/],
  ])('%s is refused, and nothing is charged', async (_what, args, words) => {
    const credits = await ledger()
    for (const work of [() => credits.charge({ account: 'acme', operation: 'blog.post', args, idempotencyKey: 'k' }), () => credits.estimate({ account: 'acme', operation: 'blog.post', args })]) {
      const error = await refusal(work)
      expect(error.code).toBe('invalid_request')
      expect(error.message).toMatch(words)
    }
    expect(await credits.balance({ account: 'acme' })).toMatchObject({ balance: 250 })
  })

  it('nested JSON of a usual depth is taken', async () => {
    const credits = await ledger()
    const args = JSON.parse(`${'{"a":['.repeat(15)}null${']}'.repeat(15)}`) as Record<string, unknown>
    expect(await credits.charge({ account: 'acme', operation: 'blog.post', args })).toMatchObject({ charged: 60 })
  })
})

describe('names and instants', () => {
  it('a label that every copy of an object would lose is refused', async () => {
    const credits = await ledger()
    const labels = JSON.parse('{"__proto__":"x"}') as Record<string, string>
    expect(await refusal(() => credits.charge({ account: 'acme', operation: 'blog.post', labels }))).toMatchObject({ code: 'invalid_request', message: 'labels: expected names other than __proto__' })
  })

  it.each(['2027-02-30T00:00:00Z', '2027-02-29', '2027-04-31T12:00:00+02:00', '2027-13-01', '2027-00-10', '2027-01-00'])('%s is no day of any month', (text) => {
    expect(parseInstant(text)).toBeNull()
  })

  it.each([['2028-02-29', '2028-02-29T00:00:00.000Z'], ['2027-12-31T23:30:00-01:00', '2028-01-01T00:30:00.000Z']])('%s is %s', (text, instant) => {
    expect(parseInstant(text)).toBe(Date.parse(instant))
  })

  it('a refusal names the value that was found', async () => {
    const credits = await ledger()
    const error = await refusal(() => credits.grant({ account: 'acme', credits: 1, expiresAt: 'tomorrow' }))
    expect(error.message).toBe('expiresAt is "tomorrow"; expected an instant: ISO 8601 text with a zone, epoch milliseconds or a Date')
    expect((await refusal(() => credits.grant({ account: 'acme', credits: 1, priority: 101 }))).message).toBe('priority: expected at most 100, found 101')
  })
})

describe('the words of the MCP door', () => {
  const call = async (name: string, args: unknown) => {
    const credits = (await ledger()).as({ account: 'acme', holder: 'agent' })
    const tool = tools.find((one) => one.name === name)
    return refusal(() => callTool(tool as (typeof tools)[number], () => Promise.resolve(credits), args))
  }

  it.each([
    ['get_mcp_usage', { group_by: 'colour' }, 'group_by is "colour"'],
    ['get_mcp_usage', { time_zone: 'Mars/Base' }, 'time_zone is "Mars/Base"'],
    ['get_mcp_usage', { since: 'x'.repeat(65) }, 'since: expected at most 64 characters, found a text of 65 characters'],
    ['charge_credits', { operation: 5 }, 'operation: expected a text, found 5'],
    ['charge_credits', { operation: 'blog.post', labels: JSON.parse('{"__proto__":"x"}') as object }, 'labels: expected names other than __proto__'],
    ['charge_credits', { operation: 'blog.post', idempotency_key: '' }, 'idempotency_key: expected at least 1 character, found ""'],
    ['charge_credits', { operation: 'blog.post', ['n'.repeat(50)]: 1 }, 'input: unknown field a text of 50 characters'],
    ['reserve_credits', { operation: 'blog.post', ttl_seconds: 0 }, 'ttl_seconds: expected more than 0, found 0'],
  ])('%s %j speaks of the fields that the tool has', async (name, args, message) => {
    const error = await call(name, args)
    expect(error.code).toBe('invalid_request')
    expect(error.message.startsWith(message)).toBe(true)
  })
})
