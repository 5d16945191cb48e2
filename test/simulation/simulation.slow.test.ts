import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newSeed } from '../support/seeded-random.js'
import { historyBySeed, play } from './play.js'
import { sumByChance } from './sum-by-chance.js'

it('T27: a million charges, grants, corrections and refunds by chance add up to the millionth of a credit', async () => {
  const seed = newSeed()
  await expect(sumByChance(seed, 1_000_000), `seed ${seed}`).resolves.toEqual({ problems: [], differences: [] })
}, 900_000)

it('a hundred thousand calls of every kind answer as predicted', async () => {
  // In histories of ten thousand, so that no one history's grants grow without end; each is checked whole at its end.
  const seed = newSeed()
  for (let part = 0; part < 10; part += 1) {
    try {
      await play(historyBySeed(seed + part, 10_000, { stepsBack: part % 2 === 0 }), { database: ':memory:', together: 256, readEvery: 500 })
    } catch (error) {
      throw new Error(`seed ${seed + part}`, { cause: error })
    }
  }
}, 600_000)

it('one long history on a file comes to the same in one run, reopened, swept and with many calls at once', async () => {
  const seed = newSeed()
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-simulation-'))
  try {
    const steps = historyBySeed(seed, 10_000, { stepsBack: false })
    const once = await play(steps, { database: ':memory:' })
    expect(await play(steps, { database: join(folder, 'a.db'), together: 32, sweepEvery: 20, reopenEvery: 500 }), `seed ${seed}`).toEqual(once)
    expect(await play(steps, { database: ':memory:', sweepEvery: 1 }), `seed ${seed}`).toEqual(once)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 600_000)
