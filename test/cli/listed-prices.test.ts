import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ListedPrices } from '../../src/cli/listed-prices.js'
import { type Credits, openCredits } from '../../src/index.js'

interface Listed {
  readonly prices: ListedPrices
  readonly file: string
  readonly notes: string[]
  /** How often a change was told. */
  readonly changes: () => number
  readonly priceOf: (tool: string) => Promise<unknown>
}

/** Prices over a file that may or may not be there yet. */
async function listed(open: (file: string) => Promise<Credits> = opened): Promise<Listed> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'ledger.db')
  const notes: string[] = []
  let credits: Promise<Credits> | undefined
  const prices = new ListedPrices({ isThere: () => existsSync(file), open: () => (credits ??= open(file)), note: (line) => notes.push(line) })
  let changes = 0
  prices.onChange(() => void (changes += 1))
  const priceOf = async (tool: string) => {
    await prices.ready()
    return prices.decorate({ name: tool })['description']
  }
  return { prices, file, notes, changes: () => changes, priceOf }
}

/** As another process would open it. */
async function opened(file: string, catalog?: string): Promise<Credits> {
  const credits = await openCredits({ database: file, ...(catalog === undefined ? {} : { catalog }) })
  onTestFinished(() => credits.close())
  return credits
}

it('the next list shows a price that another process has set, and the change is told once', async () => {
  const { file, priceOf, changes } = await listed()
  const other = await opened(file)
  expect(await priceOf('echo')).toBe('Price: 1 credit ($0.01).')
  await other.setPrice({ target: 'echo', credits: 7 })
  expect(await priceOf('echo')).toBe('Price: 7 credits ($0.07).')
  expect(await priceOf('echo')).toBe('Price: 7 credits ($0.07).')
  expect(changes()).toBe(1)
})

it('a ledger that is made after the first list shows its own prices, and with the expected ones nothing has changed', async () => {
  for (const [catalog, words, told] of [['starter', 'Price: 1 credit ($0.01).', 0], ['neural-draft', 'Price: none is set, so calls are refused.', 1]] as const) {
    const { file, priceOf, changes } = await listed()
    expect(await priceOf('echo')).toBe('Price: 1 credit ($0.01).')
    expect(existsSync(file)).toBe(false)
    await opened(file, catalog)
    expect(await priceOf('echo')).toBe(words)
    expect(changes()).toBe(told)
  }
})

it('T19: a ledger that cannot be opened costs the prices and says so once; one that comes back is found', async () => {
  let isAway = true
  const { file, priceOf, notes, prices } = await listed(opened)
  await opened(file)
  const failing = new ListedPrices({
    isThere: () => true,
    open: () => (isAway ? Promise.reject(new Error('away')) : opened(file)),
    note: (line) => notes.push(line),
  })
  for (const _ of [1, 2]) {
    await failing.ready()
    expect(failing.decorate({ name: 'echo' })).toEqual({ name: 'echo' })
  }
  expect(notes).toEqual(['the prices cannot be read: Error: away'])
  isAway = false
  await failing.ready()
  expect(failing.decorate({ name: 'echo' })['description']).toBe(await priceOf('echo'))
  expect(prices.validForMs()).toBeLessThanOrEqual(15_000)
})

it('T19: a list waits only so long for a ledger that never answers', async () => {
  const prices = new ListedPrices({ isThere: () => true, open: () => new Promise(() => undefined), note: () => undefined, patienceMs: 1 })
  await prices.ready()
  expect(prices.decorate({ name: 'echo' })).toEqual({ name: 'echo' })
})
