import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newSeed } from '../support/seeded-random.js'
import { historyBySeed, play } from './play.js'
import { PLAYED } from './reference-catalog.js'

it.each(PLAYED)('long histories of %s answer as predicted, the clock stepping back now and then', async (catalog) => {
  const seed = newSeed()
  const history = historyBySeed(catalog, seed, 5_000, { stepsBack: true })
  // What is expected of a promise is told without the words beside it, and the seed with them.
  const differs = await play(history, { database: ':memory:', together: 16, verifyEvery: 1_000 }).then(() => null, (error: unknown) => error)
  expect(differs, `seed ${seed}`).toBeNull()
}, 600_000)

it('one long history on a file comes to the same in one run, reopened, swept and with many calls at once', async () => {
  const seed = newSeed()
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-simulation-'))
  try {
    const history = historyBySeed('lingua-studio', seed, 5_000, { stepsBack: false })
    const once = await play(history, { database: ':memory:' })
    expect(await play(history, { database: join(folder, 'a.db'), together: 32, sweepEvery: 20, reopenEvery: 500 }), `seed ${seed}`).toEqual(once)
    expect(await play(history, { database: ':memory:', sweepEvery: 1 }), `seed ${seed}`).toEqual(once)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 600_000)
