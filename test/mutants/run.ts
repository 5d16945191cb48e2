import { describe, expect, it } from 'vitest'
import { tryMutant, tryUnchanged } from './harness.js'
import { MUTANTS } from './mutants.js'

/** `npm run mutants`: one line a rule, red where no test knows it. A name after `-t` runs one alone. */
describe.concurrent('mutants', () => {
  it('their tests are green without them', async () => {
    const tests = [...new Set(MUTANTS.flatMap((mutant) => mutant.tests))]
    const built = MUTANTS.some((mutant) => mutant.built)
    const verdict = await tryUnchanged(built ? { tests, built } : { tests })
    expect(verdict.failed).toEqual([])
    expect(verdict.passed).toBeGreaterThan(0)
  })

  it('no name stands twice', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })

  for (const mutant of MUTANTS) {
    it(`${mutant.name} (${mutant.file}) is caught`, async () => {
      const { failed } = await tryMutant(mutant)
      expect(failed.length, 'survived: no test turned red').toBeGreaterThan(0)
    })
  }
})
