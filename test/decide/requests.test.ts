import { describe, expect, it } from 'vitest'
import { PENDING_BY_KEY_MAX } from '../../src/budgets/approval.js'
import { budgetOf } from '../../src/budgets/budget.js'
import { newestQuestion } from './guard-commands.js'
import { attempt, scenario } from './scenario.js'

const START = `
  0 | account           | ok | 0
  0 | mint k1           | ok | 0
  0 | mint k2           | ok | 0
`

describe('requests for credits', () => {
  it('AX-16: an agent asks and gives nothing; an operator\'s yes gives what was asked for', () => {
    const ledger = scenario(`${START}
      1m | request top_up 40 by agent holder_key k1 reason images | ok        | 0
         > amend 0
         = asked pending, messages 1
      2m | approve asked by agent holder_key k1                   | forbidden | 0
      2m | approve asked client yes by agent holder_key k1        | unknown_approval | 0
      3m | approve asked                                          | ok        | 40
         > grant 40: issued/#4 -40=-40, available/#4 +40=40
         > amend 0
         = asked granted
      4m | approve asked                                          | ok        | 40
         > nothing
      5m | deny asked                                             | invalid_request | 40
    `)
    const request = newestQuestion(ledger)
    expect(request).toMatch(/^rq_3_[0-9a-f]{10}$/)
    expect(ledger.grant(4)).toMatchObject({ source: 'adjustment' })
    expect(ledger.journal[3]?.detail).toMatchObject({ reason: `${request}: images` })
  })

  it('AX-16: a yes to a budget request raises that budget for good, and the audit follows it', () => {
    const ledger = scenario(`${START}
      0  | grant 100                                   | ok              | 100
      0  | budget all 50                               | ok              | 100
      0  | budget mine 10 scope key=k1                 | ok              | 100
      1m | charge 10 by agent holder_key k1            | ok              | 90
      1m | charge 10 by agent holder_key k1            | budget_exceeded | 90
      2m | request budget 15 by agent holder_key k1    | ok              | 90
      3m | approve asked key yes                       | ok              | 90
         = asked granted
      3m | approve asked key yes                       | replay          | 90
      4m | charge 15 by agent holder_key k1            | ok              | 75
      5m | charge 1 by agent holder_key k1             | budget_exceeded | 75
      6m | request budget 5 at all by agent holder_key k1 | ok           | 75
      7m | deny asked                                  | ok              | 75
         = asked denied
    `)
    const [all, mine] = ledger.records('budget').map(budgetOf)
    expect([all?.limit, mine?.limit]).toEqual([50_000_000n, 25_000_000n])
  })

  it('a budget of somebody else is not there to be asked for, and one that has gone is not raised', () => {
    scenario(`${START}
      0  | grant 100                                         | ok              | 100
      1m | request budget 5 by agent holder_key k1           | invalid_request | 100
      1m | request budget 5 at none by agent holder_key k1   | unknown_budget  | 100
      2m | budget theirs 10 scope key=k2                     | ok              | 100
      3m | request budget 5 at theirs by agent holder_key k1 | unknown_budget  | 100
      3m | request budget 5 at theirs by agent holder_key k2 | ok              | 100
      4m | unbudget theirs                                   | ok              | 100
      5m | approve asked                                     | unknown_budget  | 100
         = asked pending
      5m | deny asked                                        | ok              | 100
         = asked denied
      5m | request top_up 5 at theirs by agent holder_key k2 | invalid_request | 100
      5m | request top_up 0 by agent holder_key k2           | invalid_amount  | 100
    `)
  })

  it('a delegated key asks for more in the budget that stops it, its own or one above, which it does not name', () => {
    const ledger = scenario(`${START}
      0  | grant 100                                       | ok              | 100
      0  | budget all 3                                    | ok              | 100
      1m | delegate child 10 by agent holder_key k1        | ok              | 100
      2m | request budget 5 at all by agent holder_key child | unknown_budget | 100
      2m | request budget 5 by agent holder_key child      | ok              | 100
      3m | approve asked                                   | ok              | 100
         = asked granted
      4m | charge 4 by agent holder_key child              | ok              | 96
      5m | request budget 1 at above by agent holder_key child | ok          | 96
      6m | approve asked                                   | ok              | 96
      6m | charge 5 by agent holder_key child              | ok              | 91
      7m | budget all 100                                  | ok              | 91
      7m | request budget 5 by agent holder_key child      | ok              | 91
      8m | approve asked                                   | ok              | 91
      8m | charge 6 by agent holder_key child              | ok              | 85
    `)
    expect(ledger.records('budget').map(budgetOf).find(({ id }) => id === 'child')?.limit).toBe(15_000_000n)
  })

  it('AX-16: what a delegated key asks of above raises what stands above it, never its own limit, however much that leaves', () => {
    const ledger = scenario(`${START}
      0  | grant 100                                           | ok              | 100
      1m | delegate child 5 by agent holder_key k1             | ok              | 100
      2m | request budget 9 at above by agent holder_key child | invalid_request | 100
      2m | budget soft 20 enforcement alert                    | ok              | 100
      2m | request budget 9 at above by agent holder_key child | invalid_request | 100
      3m | budget all 20                                       | ok              | 100
      3m | budget top 30 scope key=k1                          | ok              | 100
      4m | request budget 9 at above by agent holder_key child | ok              | 100
      5m | approve asked                                       | ok              | 100
      6m | charge 6 by agent holder_key child                  | budget_exceeded | 100
      6m | request budget 9 at above by agent holder_key k1    | unknown_budget  | 100
    `)
    const limits = ledger.records('budget').map(budgetOf).map(({ id, limit }) => [id, Number(limit) / 1e6])
    expect(Object.fromEntries(limits)).toEqual({ child: 5, soft: 20, all: 29, top: 30 })
    expect(attempt(ledger, '7m', 'budget above 5')).toMatchObject({
      refusal: { code: 'invalid_request', message: 'id: above is what a limit above a delegated key is called to it; choose another', details: { field: 'id' } },
    })
  })

  it('a request for a budget that was removed since says that it is to be denied', () => {
    const ledger = scenario(`${START}
      0  | budget gone 10 scope key=k1                | ok | 0
      1m | request budget 5 by agent holder_key k1    | ok | 0
      2m | unbudget gone                              | ok | 0
    `)
    expect(attempt(ledger, '3m', 'approve asked')).toMatchObject({
      refusal: { code: 'unknown_budget', advice: [expect.stringMatching(`^It was removed .* deny the request: npx mcp-credits deny ${newestQuestion(ledger)} --account `) as unknown] },
    })
  })

  it('AX-04: a yes in advance lets one call of that key pass, up to its sum, once', () => {
    scenario(`${START}
      0  | grant 100                                     | ok                | 100
      1m | request approval 40 by agent holder_key k1    | invalid_request   | 100
      1m | guard approval above 20                       | ok                | 100
      2m | request approval 40 by agent holder_key k1    | ok                | 100
      3m | charge 30 by agent holder_key k1              | approval_required | 100
      4m | approve asked                                 | ok                | 100
      4m | request approval 40 by agent holder_key k1    | ok                | 100
      5m | approve asked                                 | ok                | 100
      6m | charge 41 by agent holder_key k1              | approval_required | 100
      6m | charge 25 by agent holder_key k2              | approval_required | 100
      6m | charge 39 by agent holder_key k1              | ok                | 61
      7m | charge 38 by agent holder_key k1              | approval_required | 61
    `)
  })

  it('a request lapses: a yes that comes too late gives nothing', () => {
    scenario(`${START}
      0      | request top_up 5 by agent        | ok              | 0
      7d     | approve asked                    | invalid_request | 0
      7d     | request top_up 5 by agent        | ok              | 0
      14d-1ms | approve asked                   | ok              | 5
    `)
  })

  it('one key has so many requests waiting, and the same key of idempotency is one request', () => {
    const ledger = scenario(`${START}
      0 | request top_up 5 by agent holder_key k1 key same | ok     | 0
      0 | request top_up 5 by agent holder_key k1 key same | replay | 0
    `)
    for (let number = 2; number <= PENDING_BY_KEY_MAX; number += 1) {
      expect(attempt(ledger, '1m', 'request top_up 5 by agent holder_key k1')).toMatchObject({ kind: 'done' })
    }
    expect(attempt(ledger, '2m', 'request top_up 5 by agent holder_key k1')).toMatchObject({
      refusal: { code: 'invalid_request', details: { pendingMax: 20, accountPendingMax: 1_000 } },
    })
    expect(attempt(ledger, '3m', 'request top_up 5 by agent holder_key k2')).toMatchObject({ kind: 'done' })
    expect(attempt(ledger, '7d1m', 'request top_up 5 by agent holder_key k1')).toMatchObject({ kind: 'done' })
  })

  it('an account takes a thousand questions and no more', () => {
    const ledger = scenario(`
      0 | account | ok | 0
    `)
    for (let key = 0; key < 50; key += 1) {
      attempt(ledger, '0', `mint k${key}`)
      for (let number = 0; number < PENDING_BY_KEY_MAX; number += 1) attempt(ledger, '1m', `request top_up 5 by agent holder_key k${key}`)
    }
    attempt(ledger, '1m', 'mint another')
    expect(ledger.records('approval')).toHaveLength(1_000)
    expect(attempt(ledger, '2m', 'request top_up 5 by agent holder_key another')).toMatchObject({ refusal: { code: 'invalid_request' } })
  })

  it('a closed account is asked for nothing, a suspended one may be', () => {
    scenario(`${START}
      0 | state suspended                | ok                | 0
      0 | request top_up 5 by agent      | ok                | 0
      0 | approve asked                  | ok                | 5
      0 | request top_up 5 by agent      | ok                | 5
      0 | state closed                   | ok                | 5
      0 | approve asked                  | account_suspended | 5
      0 | request top_up 5 by agent      | account_suspended | 5
    `)
  })
})
