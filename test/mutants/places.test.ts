import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/files.js'
import { changed } from './harness.js'
import { MUTANTS } from './mutants.js'

/** Trying them all takes long: whoever moves a rule is told at once that its mutant has to move along. */
describe('the places of mutants', () => {
  it.each([...new Set(MUTANTS.map(({ file }) => file))])('in %s, each text stands exactly once', async (file) => {
    const text = await readFile(join(ROOT, file), 'utf8')
    for (const mutant of MUTANTS.filter((one) => one.file === file)) expect(changed(text, mutant), mutant.name).not.toBe(text)
  })

  it('their tests are there', () => {
    expect([...new Set(MUTANTS.flatMap(({ tests }) => tests))].filter((test) => !existsSync(join(ROOT, test)))).toEqual([])
  })
})
