import { describe, expect, it } from 'vitest'
import { newSeed } from '../support/seeded-random.js'
import { walkAll } from './exhaustive.js'
import { playByChance } from './random-histories.js'

describe('many histories', () => {
  it('every order of four small commands keeps I1 to I5', () => {
    const { count, broken } = walkAll(4)
    expect(broken).toBeNull()
    expect(count).toBe(11 + 11 ** 2 + 11 ** 3 + 11 ** 4)
  })

  it('a few thousand by chance keep I1 to I5, and come to the same with and without a sweep at every boundary', () => {
    playByChance(newSeed(), 3_000)
  })
})
