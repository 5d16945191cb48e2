import { randomInt } from 'node:crypto'

/** Chance that can be had again: the same seed gives the same numbers. */
export interface SeededRandom {
  readonly seed: number
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number
  pick<T>(values: readonly T[]): T
}

/** The seed of a random test: `TEST_SEED` from the environment, a new one otherwise. The test prints it. */
export function newSeed(): number {
  const given = process.env['TEST_SEED']
  return given === undefined ? randomInt(2 ** 31) : Number(given)
}

/** Mulberry32: small, and good enough to choose test cases by. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return { seed, below, pick: (values) => values[below(values.length)] as (typeof values)[number] }
}
