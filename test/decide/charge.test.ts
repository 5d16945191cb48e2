import { describe, expect, it } from 'vitest'
import type { Subject } from '../../src/decide/command.js'
import { linesOf } from '../../src/decide/price-subject.js'
import { decisionsAt, NEURAL_DRAFT } from './catalog.js'
import { attempt, scenario, T0 } from './scenario.js'

describe('charge', () => {
  it('takes credits at once, all of them or none', () => {
    scenario(`
      0  | account                 | ok             | 0
      0  | grant 10 as A           | ok             | 10
         > grant 10: issued/A -10=-10, available/A +10=10
      1s | charge 3                | ok             | 7
         > charge 3: available/A -3=7, spent/A +3=3
      2s | charge 8                | out_of_credits | 7
         > nothing
      3s | charge 7                | ok             | 0
         > charge 7: available/A -7=0, spent/A +7=10
      3s | charge 0.000001         | out_of_credits | 0
         = A 0, spent 10, issued -10
    `)
  })

  it('burns by priority, then the earliest expiry, then free before paid, then the oldest', () => {
    scenario(`
      0  | account                                            | ok | 0
      0  | grant 5 as top                                     | ok | 5
      0  | grant 5 priority 10 until 30d as late              | ok | 10
      0  | grant 5 priority 10 until 10d paid yes as paid     | ok | 15
      0  | grant 5 priority 10 until 10d as free              | ok | 20
      0  | grant 5 priority 10 until 10d as younger           | ok | 25
      1s | charge 23                                          | ok | 2
         > charge 23: available/free -5=20, spent/free +5=5, available/younger -5=15, spent/younger +5=10, available/paid -5=10, spent/paid +5=15, available/late -5=5, spent/late +5=20, available/top -3=2, spent/top +3=23
         = free 0, younger 0, paid 0, late 0, top 2
    `)
  })

  it('ND-22: uses the allowance before what was bought', () => {
    scenario(`
      0  | account plan monthly as allowance           | ok | 20
      0  | grant 10 paid yes source top_up as bought   | ok | 30
      1s | charge 25                                   | ok | 5
         > charge 25: available/allowance -20=10, spent/allowance +20=20, available/bought -5=5, spent/bought +5=25
    `)
  })

  it('takes from more grants than one page of them', () => {
    const grants = Array.from({ length: 40 }, (_, index) => `0 | grant 1 as g${index} | ok | ${index + 1}`)
    scenario(`
      0  | account        | ok             | 0
      ${grants.join('\n')}
      1s | charge 41      | out_of_credits | 40
      1s | charge 39      | ok             | 1
         = g38 0, g39 1, spent 39
    `)
  })

  it('ND-02: at zero everything that costs is refused and what is free goes on', () => {
    scenario(`
      0  | account                   | ok             | 0
      0  | grant 2                   | ok             | 2
      1s | charge 2                  | ok             | 0
      2s | charge 1                  | out_of_credits | 0
      2s | charge tool work          | out_of_credits | 0
      2s | charge op tokens tokens 1 | out_of_credits | 0
      2s | reserve op job            | out_of_credits | 0
      2s | charge op free            | ok             | 0
         > nothing
      2s | charge tool look          | ok             | 0
         > nothing
      2s | reserve op free           | ok             | 0
         > nothing
         = spent 2, reserved 0
    `)
  })

  it('ND-03: premium video needs the plan Build or a higher one, and the budget tier is the default', () => {
    const ledger = scenario(
      `
      0  | account plan hobby                        | ok            | 5000
      1s | charge op video.clip variant premium      | plan_required | 5000
      1s | reserve op video.clip variant premium     | plan_required | 5000
      1s | charge op video.clip                      | ok            | 4960
      1s | charge op video.clip variant budget       | ok            | 4920
    `,
      NEURAL_DRAFT,
    )
    const refused = attempt(ledger, '2s', 'charge op video.clip variant premium')
    expect(refused).toMatchObject({
      refusal: {
        code: 'plan_required',
        message: 'video.clip (premium) requires the plan Build or higher',
        details: { operation: 'video.clip', variant: 'premium', plan: 'hobby', requiresPlan: ['build', 'scale', 'enterprise'] },
        cheaper: [{ change: 'variant budget', minimum: 40, maximum: 40, saves: 260 }],
      },
    })
    scenario(
      `
      0  | account plan build                        | ok | 25000
      1s | charge op video.clip variant premium      | ok | 24700
    `,
      NEURAL_DRAFT,
    )
    scenario(
      `
      0  | account plan enterprise                   | ok | 0
      0  | grant 300                                 | ok | 300
      1s | charge op video.clip variant premium      | ok | 0
    `,
      NEURAL_DRAFT,
    )
  })

  it('ND-05: a social post with media is one charge of its base and the surcharge, each a line', () => {
    const ledger = scenario(
      `
      0  | account plan free as allowance          | ok | 250
      1s | charge op social.post variant image     | ok | 213
         > charge 37: available/allowance -37=213, spent/allowance +37=37
      2s | charge op social.post variant video     | ok | 168
         > charge 45: available/allowance -45=168, spent/allowance +45=82
      3s | charge op social.post                   | ok | 163
    `,
      NEURAL_DRAFT,
    )
    expect(ledger.journal.slice(1).map(linesOf)).toMatchObject([
      [
        { operation: 'social.post', maximum: 5 },
        { operation: 'image.generate', maximum: 32 },
      ],
      [
        { operation: 'social.post', maximum: 5 },
        { operation: 'video.clip', variant: 'budget', maximum: 40 },
      ],
      [{ operation: 'social.post', maximum: 5 }],
    ])
  })

  it('what is known only afterwards is not guessed: without actual or usage it is refused', () => {
    scenario(`
      0  | account                       | ok              | 0
      0  | grant 100                     | ok              | 100
      1s | charge op job                 | invalid_request | 100
      1s | charge op tokens              | invalid_request | 100
      1s | charge op job actual 4        | ok              | 96
      1s | charge op job actual 1        | ok              | 94
      1s | charge op tokens tokens 1     | ok              | 93.999997
      1s | charge op unit actual 1       | invalid_request | 93.999997
    `)
  })

  it('T32: a tool without a price is refused with the line to add, never free by accident', () => {
    const ledger = scenario(`
      0  | account            | ok            | 0
      0  | grant 5            | ok            | 5
      1s | charge tool other  | price_unknown | 5
         > nothing
      1s | reserve tool other | price_unknown | 5
      1s | charge tool work   | ok            | 4
    `)
    expect(attempt(ledger, '2s', 'charge tool other')).toMatchObject({ refusal: { details: { tool: 'other', add: expect.stringContaining('other') } } })
  })

  it.each([-1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e309, 1e13, 0.0000001])('T29: a quantity of %s is refused and posts nothing', (quantity) => {
    const ledger = scenario(`
      0 | account | ok | 0
      0 | grant 5 | ok | 5
    `)
    const subject: Subject = { kind: 'operation', operation: 'unit', variant: null, quantity, args: null, actual: {} }
    const by = { account: 'acme', actor: { key: null, member: null, run: null, holder: 'agent' }, idempotencyKey: null, fingerprint: null } as const
    const before = ledger.account
    for (const kind of ['charge', 'reserve'] as const) {
      const command = { kind, subject, labels: null, ttlMs: 1_000, overrun: 'cap', call: null, ...by } as const
      expect(ledger.run(command, T0)).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_amount' } })
    }
    expect(ledger.account).toBe(before)
    expect(ledger.journal).toHaveLength(1)
  })

  it('T14: the very next call after a grant is admitted', () => {
    scenario(`
      0 | account  | ok             | 0
      0 | charge 5 | out_of_credits | 0
      0 | grant 5  | ok             | 5
      0 | charge 5 | ok             | 0
    `)
  })

  it('a price holds from the instant on from which its version is in force', () => {
    scenario(
      `
      0       | account                  | ok | 0
      0       | grant 20                 | ok | 20
      1h-1ms  | charge 1                 | ok | 19
      1h-1ms  | reserve 4 ttl 1d as held | ok | 15
      1h      | charge 1                 | ok | 12
      2h      | settle held quantity 3   | ok | 13
    `,
      decisionsAt({ at: T0 + 3_600_000, unit: '3' }),
    )
  })
})
