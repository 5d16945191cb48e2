import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { jsonHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')

/** More than one page looks at. */
const ROWS = 230_000

/** The sequences of the rows that are charges of a customer; all others are the meter's reservations and their ends. */
const RARE = [3, 4, 9_999, 10_000, 10_001, 25_000, 29_999, 30_000, 30_001, 130_000]

const home = new Home()
const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-history-'))
const file = join(folder, 'ledger.db')
let credits: Credits

beforeAll(async () => {
  credits = await openCredits({ database: file, catalog: 'neural-draft', clock: { now: () => T0 + ROWS } })
  await credits.createAccount({ id: 'default', plan: 'none' })
  fill()
})

afterAll(async () => {
  await credits.close()
  rmSync(folder, { recursive: true })
  home.remove()
})

/** A journal as the meter leaves it behind where nearly every call fails, one row a millisecond. */
function fill(): void {
  const raw = new Database(file)
  raw.exec(`
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into transactions (account, sequence, kind, at, credits, balance_after, operation, labels, detail, entries, hash)
    select 'default', i,
      case when i in (${RARE.join()}) then 'charge' when i % 2 = 0 then 'reserve' else 'release' end, ${T0} + i, 0, i, 'work',
      iif(i in (${RARE.join()}), '{"customer":"c1"}', null), iif(i in (${RARE.join()}), '{}', '{"holder":"meter"}'), '[]', zeroblob(32)
    from n;
    update accounts set sequence = ${ROWS}, last_at = ${T0} + ${ROWS}`)
  raw.close()
}

type Query = NonNullable<Parameters<Credits['transactions']>[0]>

/** All pages, each as the sequences that it holds; a row's balance is its sequence divided by a million. */
async function pages(reader: Credits, query: Query): Promise<readonly (readonly number[])[]> {
  const found: number[][] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Credits['transactions']>> = await reader.transactions({ ...query, account: 'default', ...(cursor === null ? {} : { cursor }) })
    found.push(page.transactions.map(({ balanceAfter }) => Math.round((balanceAfter as number) * 1e6)))
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}

const newestFirst = RARE.toReversed()

describe('a filter that few rows of a long journal pass', () => {
  it.each<[string, 'operator' | 'agent', Query, readonly number[]]>([
    ['by type', 'operator', { type: 'charge' }, newestFirst],
    ['by label', 'operator', { label: { name: 'customer', value: 'c1' } }, newestFirst],
    ['by operation and type', 'operator', { operation: 'work', type: 'charge' }, newestFirst],
    ['what an agent is shown', 'agent', {}, newestFirst],
    ['within a time', 'operator', { type: 'charge', since: T0 + 10_000, until: T0 + 30_001 }, [30_000, 29_999, 25_000, 10_001, 10_000]],
    ['up to a time', 'agent', { until: T0 + 5 }, [4, 3]],
    ['nothing', 'operator', { operation: 'nowhere' }, []],
  ])('%s: every row is found, newest first, over several pages', async (_what, holder, query, expected) => {
    for (const limit of [1, 2, 5, 50]) expect((await pages(credits.as({ holder }), { ...query, limit })).flat(), `limit ${limit}`).toEqual(expected)
  })

  it('a page that has looked far enough ends with what it has, and its cursor goes on', async () => {
    expect(await pages(credits, { type: 'charge' })).toEqual([newestFirst.filter((sequence) => sequence > 30_000), newestFirst.filter((sequence) => sequence <= 30_000)])
    expect(await pages(credits, { operation: 'nowhere' })).toEqual([[], []])
    expect(await pages(credits, { operation: 'nowhere', since: T0 + 50_000 })).toEqual([[]])
  })

  it('others have their turn while a page is looked for', async () => {
    let turns = 0
    const count = (): void => void (turns += 1, immediate = setImmediate(count))
    let immediate = setImmediate(count)
    await credits.transactions({ account: 'default', operation: 'nowhere' })
    clearImmediate(immediate)
    expect(turns).toBeGreaterThanOrEqual(19)
  })

  it("an agent's balance names the last transaction that is shown to it, however far back it lies", async () => {
    expect((await credits.as({ holder: 'agent' }).balance({ account: 'default' })).lastTransaction?.balanceAfter).toBe(130_000 / 1e6)
  })

  it('the command line goes on by itself until its page is full', async () => {
    const read = (...words: readonly string[]) => jsonHere<{ transactions: readonly object[]; next_cursor: string | null }>(home, 'history', '--db', file, ...words)
    const all = await read('--type', 'charge')
    expect({ rows: all.transactions.length, next: all.next_cursor }).toEqual({ rows: RARE.length, next: null })
    const some = await read('--type', 'charge', '--limit', '6')
    expect(some.transactions).toEqual(all.transactions.slice(0, 6))
    const rest = await read('--type', 'charge', '--limit', '6', '--cursor', String(some.next_cursor))
    expect([...some.transactions, ...rest.transactions]).toEqual(all.transactions)
  })
})
