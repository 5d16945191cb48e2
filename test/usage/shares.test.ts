import { expect, it } from 'vitest'
import { sharesOf } from '../../src/usage/shares.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'

it('gives what rounding leaves to the largest remainders, the first of equals', () => {
  expect(sharesOf([1n, 1n, 1n])).toEqual([0.333333333334, 0.333333333333, 0.333333333333])
  expect(sharesOf([2n, 1n])).toEqual([0.666666666667, 0.333333333333])
  expect(sharesOf([5n])).toEqual([1])
})

it('nothing has no shares', () => {
  expect(sharesOf([])).toEqual([])
  expect(sharesOf([0n, 0n])).toEqual([0, 0])
})

it('adds up to 1 within 1e-12, each share within 1e-12 of the exact one, for any amounts', () => {
  const random = seededRandom(newSeed())
  for (let round = 0; round < 300; round += 1) {
    const size = random.pick([1, 2, 3, 7, 100, 3_000])
    const scale = random.pick([2, 1_000, 2_000_000_000])
    const amounts = Array.from({ length: size }, () => BigInt(random.below(scale)) * BigInt(1 + random.below(1_000_000)))
    const total = amounts.reduce((sum, amount) => sum + amount, 0n)
    if (total === 0n) continue
    const shares = sharesOf(amounts)
    expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1), `seed ${random.seed}`).toBeLessThan(1e-12)
    const errors = amounts.map((amount, index) => Math.abs((shares[index] as number) - Number(amount) / Number(total)))
    expect(errors.reduce((worst, error) => Math.max(worst, error)), `seed ${random.seed}`).toBeLessThan(1.1e-12)
  }
})
