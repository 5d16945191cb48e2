import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBurnOrder, type Grant, hasExpired, isOpen, takeInOrder } from '../../src/ledger/grant.js'
import { splitPins } from '../../src/ledger/pins.js'
import { NEVER } from '../../src/time/instant.js'

function grant(sequence: number, facts: Partial<Grant> = {}): Grant {
  return {
    id: `gr_${sequence}_0123456789`,
    sequence,
    source: 'adjustment',
    priority: 20,
    isPaid: false,
    amount: 10n,
    remaining: 10n,
    state: 'effective',
    effectiveAt: 0,
    endsWithPlan: false,
    expiresAt: NEVER,
    ...facts,
  }
}

describe('grants', () => {
  it('burn by priority, then expiry, then free before paid, then age, whatever the order they come in', () => {
    const inOrder = [
      grant(9, { priority: 10, expiresAt: 500, isPaid: true }),
      grant(8, { expiresAt: 100, isPaid: true }),
      grant(5, { expiresAt: 200 }),
      grant(6, { expiresAt: 200 }),
      grant(1, { expiresAt: 200, isPaid: true }),
      grant(3),
      grant(2, { isPaid: true }),
      grant(4, { priority: 30, expiresAt: 50 }),
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(inOrder, { minLength: inOrder.length }), (shuffled) => {
        expect([...shuffled].sort(compareBurnOrder)).toEqual(inOrder)
      }),
    )
  })

  it('expire at their instant, not before', () => {
    expect([99, 100, 101].map((at) => hasExpired(grant(1, { expiresAt: 100 }), at))).toEqual([false, true, true])
  })

  it('are open while they have something left and have taken effect', () => {
    expect([grant(1), grant(1, { remaining: 0n }), grant(1, { state: 'scheduled', remaining: 0n })].map(isOpen)).toEqual([true, false, false])
  })
})

describe('taking in order', () => {
  const sources = [
    { grant: 1, amount: 3n },
    { grant: 2, amount: 0n },
    { grant: 3, amount: 4n },
  ]

  it.each([
    [0n, [], 0n],
    [2n, [{ grant: 1, amount: 2n }], 0n],
    [3n, [{ grant: 1, amount: 3n }], 0n],
    [5n, [{ grant: 1, amount: 3n }, { grant: 3, amount: 2n }], 0n],
    [9n, [{ grant: 1, amount: 3n }, { grant: 3, amount: 4n }], 2n],
  ])('takes %s from the first that have something', (amount, taken, missing) => {
    expect(takeInOrder(sources, amount)).toEqual({ taken, missing })
  })

  it('splits pins into what is spent, first grants first, and what goes back', () => {
    expect(splitPins(sources, 4n)).toEqual({
      spent: [
        { grant: 1, amount: 3n },
        { grant: 3, amount: 1n },
      ],
      returned: [{ grant: 3, amount: 3n }],
    })
    expect(splitPins(sources, 0n)).toEqual({ spent: [], returned: [sources[0], sources[2]] })
  })
})
