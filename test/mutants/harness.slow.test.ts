import { describe, expect, it } from 'vitest'
import { tryMutant, tryUnchanged } from './harness.js'
import type { Mutant } from './mutant.js'

const roundingDown: Mutant = {
  name: 'a price is rounded down',
  file: 'src/money/rate.ts',
  find: '(numerator + denominator - 1n) / denominator',
  replace: 'numerator / denominator',
  tests: ['test/money/rate.test.ts'],
}

describe('trying a mutant', () => {
  it('a rule that a test knows turns that test red, and leaves the checkout as it is', async () => {
    const { failed } = await tryMutant(roundingDown)
    expect(failed.some((name) => name.includes('rounded up once'))).toBe(true)
    expect((await tryUnchanged(roundingDown)).failed).toEqual([])
  })

  it('a change that makes no difference survives', async () => {
    const { passed, failed } = await tryMutant({ ...roundingDown, replace: '(denominator - 1n + numerator) / denominator' })
    expect(failed).toEqual([])
    expect(passed).toBeGreaterThan(0)
  })

  it('a text that does not stand exactly once in the file is an error', async () => {
    await expect(tryMutant({ ...roundingDown, find: 'no such text' })).rejects.toThrow('stands 0 times')
    await expect(tryMutant({ ...roundingDown, find: 'scaled(' })).rejects.toThrow(/stands \d+ times/)
  })

  it('a change that breaks the file is an error and not a caught mutant', async () => {
    await expect(tryMutant({ ...roundingDown, replace: '(' })).rejects.toThrow('tests cannot be read')
  })

  it('tests that do not exist are an error', async () => {
    const astray = { ...roundingDown, tests: ['test/money/absent.test.ts'] }
    await expect(tryMutant(astray)).rejects.toThrow('no test file of this name')
  })
})
