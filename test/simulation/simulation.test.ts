import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newSeed } from '../support/seeded-random.js'
import { historyBySeed, play } from './play.js'
import { PLAYED } from './reference-catalog.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-credits-simulation-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the library answers as a second statement of its rules predicts', () => {
  const seed = newSeed()

  it.each(PLAYED)(`in every answer, refusal, balance, budget and report of %s, the clock stepping back now and then (seed ${seed})`, async (catalog) => {
    await play(historyBySeed(catalog, seed, 900, { stepsBack: true }), { database: ':memory:', verifyEvery: 150 })
  })

  it.each(['neural-draft', 'social-neuron', 'lingua-studio'])(`alike for %s in one run, reopened, swept and with many calls at once (seed ${seed})`, async (catalog) => {
    const history = historyBySeed(catalog, seed, 300, { stepsBack: false })
    const once = await play(history, { database: ':memory:' })
    expect(await play(history, { database: join(folder, `${catalog}-reopened.db`), reopenEvery: 60 })).toEqual(once)
    expect(await play(history, { database: ':memory:', sweepEvery: 1 })).toEqual(once)
    expect(await play(history, { database: ':memory:', together: 64 })).toEqual(once)
    expect(await play(history, { database: join(folder, `${catalog}-all.db`), together: 16, sweepEvery: 13, reopenEvery: 150 })).toEqual(once)
  })
})
