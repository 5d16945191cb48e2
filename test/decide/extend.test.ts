import { describe, expect, it } from 'vitest'
import { attempt, scenario, T0 } from './scenario.js'
import { HOUR_MS } from '../../src/time/instant.js'

describe('extend', () => {
  it('AX-18, T07: a heartbeat keeps a reservation as long as its job, and without one it is released', () => {
    scenario(`
      0        | account                           | ok | 0
      0        | grant 10                          | ok | 10
      0        | reserve op job ttl 15m as held    | ok | 0
      10m      | heartbeat held ttl 15m by agent   | ok | 0
               > nothing
      24m      | heartbeat held ttl 1d by agent    | ok | 0
      1d       | heartbeat held ttl 1d by agent    | ok | 0
      2d-1ms   | sweep                             | ok | 0
               = held open
      2d       | sweep                             | ok | 10
               > release 10: reserved/#1 -10=0, available/#1 +10=10
               = held expired
      2d       | heartbeat held ttl 15m by agent   | reservation_not_open | 10
    `)
  })

  it('is a row of the journal when it is asked for, never shortens and never reaches further than a day ahead', () => {
    const ledger = scenario(`
      0   | account                          | ok              | 0
      0   | grant 10                         | ok              | 10
      0   | reserve op job ttl 1h as held    | ok              | 0
      1m  | extend held ttl 1m by agent      | ok              | 0
          > amend 0
      1m  | extend held ttl 1d1ms by agent   | invalid_request | 0
          > nothing
    `)
    expect(ledger.reservation(2)?.expiresAt).toBe(T0 + HOUR_MS)
    expect(attempt(ledger, '1m', 'extend #2 ttl 1d by agent')).toMatchObject({ kind: 'done' })
    expect(ledger.reservation(2)?.expiresAt).toBe(T0 + 24 * HOUR_MS + 60_000)
  })
})
