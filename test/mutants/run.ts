import { describe, expect, it } from 'vitest'
import { tryMutant, tryUnchanged } from './harness.js'
import { MUTANTS } from './mutants.js'

/** How many test files are tried at once without a mutant: as few as end in time on a busy machine. */
const FILES_A_RUN = 10

const built = new Set(MUTANTS.filter((mutant) => mutant.built).flatMap(({ tests }) => tests))
const tests = [...new Set(MUTANTS.flatMap((mutant) => mutant.tests))].filter((test) => !built.has(test)).sort()
const runs = Array.from({ length: Math.ceil(tests.length / FILES_A_RUN) }, (_, run) => ({
  tests: tests.slice(run * FILES_A_RUN, (run + 1) * FILES_A_RUN),
}))

/** `npm run mutants`: one line a rule, red where no test knows it. A name after `-t` runs one alone. */
describe.concurrent('mutants', () => {
  for (const subject of [...runs, { tests: [...built], built: true } as const]) {
    it(`their tests are green without them: ${subject.tests.join(', ')}`, async () => {
      const verdict = await tryUnchanged(subject)
      expect(verdict.failed).toEqual([])
      expect(verdict.passed).toBeGreaterThan(0)
    })
  }

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
