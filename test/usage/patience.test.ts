import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Patience } from '../../src/usage/patience.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const AWAY = { name: 'LedgerUnavailable', outcome: 'none' }
const never = () => new Promise<string>(() => undefined)

it('T19: what is answered in time is passed on, a failure as well, and no timer is left', async () => {
  const patience = new Patience()
  expect(await patience.with(() => Promise.resolve('read'))).toBe('read')
  await expect(patience.with(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  expect(vi.getTimerCount()).toBe(0)
})

it('T19: one that gets no answer is given up after two seconds, and those behind it at once', async () => {
  const patience = new Patience()
  const first = expect(patience.with(never)).rejects.toMatchObject(AWAY)
  await vi.advanceTimersByTimeAsync(2_000)
  await first
  const second = expect(patience.with(never)).rejects.toMatchObject(AWAY)
  await vi.advanceTimersByTimeAsync(50)
  await second
})

it('T19: a ledger that does not answer is asked no more than four times, and again once it has answered', async () => {
  const patience = new Patience()
  let asked = 0
  const answers: (() => void)[] = []
  const read = () => {
    asked += 1
    return new Promise<string>((resolve) => answers.push(() => resolve('read')))
  }
  for (let count = 0; count < 10; count += 1) {
    const given = expect(patience.with(read)).rejects.toMatchObject(AWAY)
    await vi.advanceTimersByTimeAsync(2_000)
    await given
  }
  expect(asked).toBe(4)
  for (const answer of answers.splice(0)) answer()
  await vi.advanceTimersByTimeAsync(0)
  const again = patience.with(read)
  for (const answer of answers) answer()
  expect([await again, asked]).toEqual(['read', 5])
})
