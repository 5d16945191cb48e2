import { describe, expect, it } from 'vitest'
import { routes } from '../../src/http/routes.js'
import { newSeed } from '../support/seeded-random.js'
import { fuzz } from './fuzz.js'

const CASES = 400

describe('whatever comes to the REST API', () => {
  it('it answers without a 500, and a refusal has written nothing', async () => {
    const seed = newSeed()
    console.info(`seed ${seed}`)
    const { done, refused } = await fuzz(routes, { cases: CASES, seed })
    expect(done + refused).toBe(CASES)
    expect(Math.min(done, refused)).toBeGreaterThan(CASES / 20)
  })
})
