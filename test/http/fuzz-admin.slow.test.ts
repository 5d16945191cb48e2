import { describe, expect, it } from 'vitest'
import { routes } from '../../src/http/routes.js'
import { newSeed } from '../support/seeded-random.js'
import { fuzz, FUZZED_CASES } from './fuzz.js'

describe("whatever comes to the operator's routes, over and over", () => {
  const seed = newSeed()
  const admin = routes.filter(({ group }) => group === 'admin')

  it.each(admin.map((route) => [`${route.method} ${route.path}`, route] as const))('%s answers without a 500, and a refusal has written nothing', async (name, route) => {
    const { done, refused } = await fuzz([route], { cases: FUZZED_CASES, seed })
    console.info(`${name}: seed ${seed}, ${done} done, ${refused} refused`)
    expect(done + refused).toBe(FUZZED_CASES)
    expect(Math.min(done, refused)).toBeGreaterThan(0)
  })
})
