import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newSeed } from '../support/seeded-random.js'
import { historyBySeed, play } from './play.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-credits-simulation-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the library answers as a second statement of its rules predicts', () => {
  const seed = newSeed()

  it(`in every answer, refusal, balance and report, the clock stepping back now and then (seed ${seed})`, async () => {
    await play(historyBySeed(seed, 3_000, { stepsBack: true }), { database: ':memory:' })
  })

  it(`alike in one run, reopened, swept and with many calls at once (seed ${seed})`, async () => {
    const steps = historyBySeed(seed, 700, { stepsBack: false })
    const once = await play(steps, { database: ':memory:' })
    expect(await play(steps, { database: join(folder, 'reopened.db'), reopenEvery: 60 })).toEqual(once)
    expect(await play(steps, { database: ':memory:', sweepEvery: 1 })).toEqual(once)
    expect(await play(steps, { database: ':memory:', together: 64 })).toEqual(once)
    expect(await play(steps, { database: join(folder, 'all.db'), together: 16, sweepEvery: 13, reopenEvery: 150 })).toEqual(once)
  })
})
