import { newSeed } from '../support/seeded-random.js'
import { playMany } from './play.js'

/** In histories of this length, so that no one history's grants grow without end; each is checked whole at its end. */
const PART = 20_000

/** Plays operations by chance over the catalogs in turn; whatever differs is thrown with the seed that made it. */
export async function playOperations(catalogs: readonly string[], operations: number): Promise<void> {
  const seed = newSeed()
  for (let part = 0; part * PART < operations; part += 1) {
    const catalog = catalogs[part % catalogs.length] as string
    try {
      await playMany(catalog, seed + part, PART)
    } catch (error) {
      throw new Error(`${catalog}, seed ${seed + part}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}
