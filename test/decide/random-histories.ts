import fc from 'fast-check'
import { expect } from 'vitest'
import { beginHistory, boundaries, type History, problemsOf, step } from './histories.js'

/**
 * Plays histories by chance, time jumping to the millisecond before, at and after whatever is due; each is audited after
 * every step and must come to the same when everything due is swept at its own boundary. A failure prints its seed.
 */
export function playByChance(seed: number, numRuns: number): void {
  fc.assert(
    fc.property(fc.constantFrom('account debt 7', 'account plan monthly debt 3', 'account plan keeper'), fc.array(moves, { maxLength: 40 }), (first, steps) => {
      const lazy = play(first, steps, false)
      const swept = play(first, steps, true)
      expect(problemsOf(lazy)).toEqual([])
      expect(rowsOf(swept)).toEqual(rowsOf(lazy))
    }),
    { seed, numRuns },
  )
}

/** All that two ways to the same must agree on; `nextDueAt` may be too early, by how much is nobody's concern. */
function rowsOf({ ledger }: History): unknown {
  return { account: { ...ledger.account, nextDueAt: null }, grants: ledger.grants, reservations: ledger.reservations }
}

/** A command, and which boundary to jump to before it: none, or the n-th that lies ahead. */
type Move = readonly [jump: number, command: string]

const amount = fc.integer({ min: 1, max: 12 })
const minutes = fc.integer({ min: 1, max: 60 }).map((count) => `${count}m`)

const moves: fc.Arbitrary<Move> = fc.tuple(
  fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }) }),
  fc.oneof(
    fc.tuple(amount, fc.constantFrom(10, 20), fc.constantFrom('yes', 'no')).map(([n, priority, paid]) => `grant ${n} priority ${priority} paid ${paid}`),
    fc.tuple(amount, minutes).map(([n, until]) => `grant ${n} until +${until}`),
    fc.tuple(amount, minutes, minutes).map(([n, from, more]) => `grant ${n} from +${from} until +${from}${more}`),
    amount.map((n) => `charge ${n}`),
    fc.tuple(minutes, fc.constantFrom('cap', 'reject', 'debt')).map(([ttl, overrun]) => `reserve op job ttl ${ttl} overrun ${overrun}`),
    fc.tuple(amount, fc.constantFrom('k1', 'k2')).map(([n, key]) => `charge ${n} key ${key} input ${n}`),
    fc.integer({ min: 0, max: 25 }).map((n) => `settle $held ${n}`),
    fc.constantFrom('settle $held', 'release $held by agent', 'refund $charge', 'sweep', 'extend $held by agent ttl 2h', 'heartbeat $held by agent ttl 30m'),
    amount.map((n) => `refund $charge ${n}`),
    fc.tuple(fc.integer({ min: 1, max: 2 }), minutes).map(([n, ttl]) => `quote calls unit:1,unit:${n},job ttl ${ttl}`),
    fc.tuple(fc.constantFrom('hold $quote', 'reserve 1 quote $quote', 'reserve op job quote $quote'), minutes).map(([hold, ttl]) => `${hold} ttl ${ttl}`),
    fc.constantFrom('charge 1 quote $quote', 'charge 2 quote $quote', 'charge op job actual 7 quote $quote', 'settle $quote', 'release $quote by agent', 'extend $quote by agent ttl 1h'),
    fc.integer({ min: -6, max: 6 }).map((n) => `adjust ${n}`),
    fc.constantFrom('state suspended', 'state active', 'state suspended key s', 'state active', 'state suspended', 'state active', 'state closed'),
  ),
)

function play(first: string, steps: readonly Move[], hasSweeps: boolean): History {
  let history = beginHistory(first)
  for (const [jump, command] of steps) {
    const ahead = boundaries(history)
    const target = jump < 0 ? undefined : ahead[jump % ahead.length]
    for (const at of hasSweeps ? ahead : []) {
      if (at < (target ?? history.now)) history = step({ ...history, now: at }, 'sweep').history
    }
    history = { ...history, now: target ?? history.now }
    // Durations in a command count from its own moment.
    const since = history.now - (history.ledger.account?.createdAt ?? 0)
    history = step(history, command.replaceAll('+', `${since}ms`)).history
    if (!hasSweeps) expect(problemsOf(history)).toEqual([])
  }
  return step(history, 'sweep').history
}
