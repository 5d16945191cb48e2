import { describe, expect, it } from 'vitest'
import { nextGrantAt } from '../../src/plans/next-grant.js'
import { formatInstant, formatInstantOrNull } from '../../src/time/instant.js'
import type { MemoryLedger } from './memory-ledger.js'
import { bundled, PLANNED } from './plan-catalog.js'
import { attempt, scenario } from './scenario.js'

/** What the rows of grants say that they are, in order. */
function references(ledger: MemoryLedger): readonly unknown[] {
  return ledger.journal.filter((row) => row.kind === 'grant').map((row) => row.detail['reference'])
}

function nextGrant(ledger: MemoryLedger): string | null {
  return formatInstantOrNull(nextGrantAt(ledger.account?.subscription ?? null, ledger.catalogs))
}

describe('a subscription', () => {
  it('SK-03: brings its credits at sign-up, at its purchase and at each renewal, each a grant of its own', () => {
    const ledger = scenario(
      `
      0   | account plan gifts     | ok | 21
      31d | sweep                  | ok | 24
          > expire 20: available/#1 -20=1, expired/#1 +20=20
          > grant 20: issued/#4 -20=-41, available/#4 +20=21
          > grant 3: issued/#5 -3=-44, available/#5 +3=24
      59d | sweep                  | ok | 27
    `,
      PLANNED,
    )
    expect(references(ledger)).toEqual([
      'sign_up:gifts:0',
      'sign_up_bonus:gifts:0',
      'renewal:gifts:1',
      'renewal_bonus:gifts:1',
      'renewal:gifts:2',
      'renewal_bonus:gifts:2',
    ])
    const sources = [...ledger.grants.values()].map(({ source, priority, expiresAt }) => [source, priority, formatInstantOrNull(expiresAt)])
    expect(sources.slice(0, 4)).toEqual([
      ['allowance', 10, '2026-02-15T10:00:00.000Z'],
      ['sign_up', 20, null],
      ['allowance', 10, '2026-03-15T10:00:00.000Z'],
      ['renewal_bonus', 20, null],
    ])
    expect(ledger.account?.subscription).toMatchObject({ period: 2, periodBase: 27_000_000n })
  })

  it('SK-06: from no plan to a paid one is a purchase: it begins at once, and the answer tells the balance with it', () => {
    const ledger = scenario(
      `
      0  | account                   | ok     | 0
      3d | subscribe gifts key s as s | ok    | 22
         > grant 20: issued/#1 -20=-20, available/#1 +20=20
         > grant 2: issued/#2 -2=-22, available/#2 +2=22
         > amend 0
      4d | subscribe gifts key s     | replay | 22
         > nothing
      5d | subscribe large key s input other | idempotency_conflict | 22
    `,
      PLANNED,
    )
    expect(references(ledger)).toEqual(['subscription:gifts:0', 'subscription_bonus:gifts:0'])
    const detail = { change: 'plan_begun', plan: 'gifts' }
    expect(ledger.journal.at(-1)).toMatchObject({ idempotencyKey: 's', balanceAfter: 22_000_000n, detail })
    expect(nextGrant(ledger)).toBe('2026-02-18T10:00:00.000Z')
  })

  it('SK-06: bought on a free plan begins at once with an anchor of its own, and what the free plan gave lives on as it would have', () => {
    const ledger = scenario(
      `
      0   | account plan free as first | ok | 10
      4d  | charge 4                   | ok | 6
      5d  | subscribe small            | ok | 26
          > grant 20: issued/#3 -20=-30, available/#3 +20=26
          > amend 0
      31d | sweep                      | ok | 20
          > expire 6: available/first -6=20, expired/first +6=6
      36d | sweep                      | ok | 20
          > expire 20: available/#3 -20=0, expired/#3 +20=26
          > grant 20: issued/#7 -20=-50, available/#7 +20=20
    `,
      PLANNED,
    )
    expect(ledger.account?.subscription).toMatchObject({ plan: 'small', period: 1 })
    expect(formatInstant(ledger.account?.subscription?.anchorAt ?? 0)).toBe('2026-01-20T10:00:00.000Z')
  })

  it('SK-06: changed to another paid plan keeps its anchor and its balance, and brings the new allowance at the next renewal', () => {
    const ledger = scenario(
      `
      0   | account plan keeper   | ok | 20
      5d  | charge 5              | ok | 15
      6d  | subscribe large key c | ok | 15
          > amend 0
      7d  | subscribe large       | ok | 15
          > nothing
      31d | sweep                 | ok | 65
          > grant 50: issued/#4 -50=-70, available/#4 +50=65
    `,
      PLANNED,
    )
    expect(ledger.journal[2]?.detail).toEqual({ change: 'plan_change', plan: 'keeper', nextPlan: 'large', at: '2026-02-15T10:00:00.000Z' })
    expect(ledger.account?.subscription).toMatchObject({ plan: 'large', period: 1, nextPlan: null, anchorAt: ledger.account?.createdAt })
    expect(references(ledger)).toEqual(['sign_up:keeper:0', 'renewal:large:1'])
  })

  it('SK-06: bought again within its period grants nothing more, cancelled or about to change', () => {
    const ledger = scenario(
      `
      0   | account                | ok     | 0
      0   | subscribe keeper       | ok     | 20
      1d  | unsubscribe            | ok     | 20
          > amend 0
      2d  | subscribe keeper key k | ok     | 20
          > amend 0
      3d  | subscribe large        | ok     | 20
      4d  | subscribe keeper       | ok     | 20
          > amend 0
      5d  | subscribe keeper       | ok     | 20
          > nothing
      5d  | unsubscribe            | ok     | 20
      6d  | subscribe keeper key k | replay | 20
          > nothing
      7d  | subscribe keeper       | ok     | 20
      31d | sweep                  | ok     | 40
    `,
      PLANNED,
    )
    expect(ledger.journal.map((row) => row.detail['change'] ?? row.kind)).toEqual([
      'grant', 'plan_begun', 'plan_cancelled', 'plan_kept', 'plan_change', 'plan_kept', 'plan_cancelled', 'plan_kept', 'grant',
    ])
  })

  it('goes down to a free plan at the next renewal, and not before', () => {
    scenario(
      `
      0   | account plan large      | ok              | 50
      5d  | subscribe free when now | invalid_request | 50
          > nothing
      5d  | subscribe free          | ok              | 50
      6d  | subscribe small when now | ok             | 50
      6d  | subscribe free          | ok              | 50
      31d | sweep                   | ok              | 10
          > expire 50: available/#1 -50=0, expired/#1 +50=50
          > grant 10: issued/#6 -10=-60, available/#6 +10=10
      40d | subscribe basic         | ok              | 10
      59d | sweep                   | ok              | 8
    `,
      PLANNED,
    )
  })

  it('is of a plan that the catalog has, and not of a closed account', () => {
    scenario(
      `
      0  | account plan free | ok                | 10
      0  | subscribe nothing | unknown_plan      | 10
      1d | state closed      | ok                | 10
      1d | subscribe small   | account_suspended | 10
      1d | unsubscribe       | invalid_request   | 10
    `,
      PLANNED,
    )
  })
})

describe('a plan switched now', () => {
  it('brings the part of its higher allowance that the rest of the period is, to the micro-credit below', () => {
    const ledger = scenario(
      `
      0       | account plan small                  | ok | 20
      15d12h  | subscribe large when now key n      | ok | 35
              > grant 15: issued/#2 -15=-35, available/#2 +15=35
              > amend 0
      31d-1s  | subscribe huge when now             | ok | 35.000022
              > grant 0.000022: issued/#4 -0.000022=-35.000022, available/#4 +0.000022=35.000022
              > amend 0
      31d     | subscribe large when now key n      | replay | 110
    `,
      PLANNED,
    )
    const granted = { occasion: 'switch', reference: 'switch:large:0', expiresAt: '2026-02-15T10:00:00.000Z' }
    expect(ledger.journal[1]?.detail).toMatchObject(granted)
    expect(ledger.journal[2]?.detail).toEqual({ change: 'plan_switched', plan: 'large', from: 'small', credits: 15 })
    expect(references(ledger)).toEqual(['sign_up:small:0', 'switch:large:0', 'switch:huge:0', 'renewal:huge:1'])
    expect(ledger.account?.subscription).toMatchObject({ anchorAt: ledger.account?.createdAt, period: 1 })
  })

  it('takes nothing where it gives less, and nothing more comes of going back and forth', () => {
    const ledger = scenario(
      `
      0      | account plan large                | ok | 50
      1d     | subscribe small when now          | ok | 50
             > amend 0
      2d     | subscribe large when now          | ok | 50
             > amend 0
      3d     | subscribe small when now          | ok | 50
      15d12h | subscribe huge when now           | ok | 80
             > grant 30: issued/#5 -30=-80, available/#5 +30=80
             > amend 0
      16d    | subscribe large when now          | ok | 80
      17d    | subscribe huge when now           | ok | 80
             > amend 0
      31d    | sweep                             | ok | 110
      32d    | subscribe small when now          | ok | 110
      33d    | subscribe huge when now           | ok | 110
    `,
      PLANNED,
    )
    expect(references(ledger)).toEqual(['sign_up:large:0', 'switch:huge:0', 'renewal:huge:1'])
  })

  it('raises the whole of which shares of the period are said by what it brings', () => {
    const ledger = scenario(
      `
      0      | account plan small       | ok | 20
      15d12h | subscribe large when now | ok | 35
    `,
      PLANNED,
    )
    expect(ledger.account?.subscription?.periodBase).toBe(35_000_000n)
  })

  it('says so where the account cannot take what it brings', () => {
    const ledger = scenario(
      `
      0      | account plan keeper      | ok | 20
      0      | adjust 1999999970        | ok | 1999999990
      15d12h | subscribe large when now | ok | 1999999990
             > amend 0
             > amend 0
    `,
      PLANNED,
    )
    expect(ledger.journal.at(-2)?.detail).toMatchObject({ change: 'grant_lapsed', credits: 15, occasion: 'switch', source: 'allowance' })
    expect(ledger.account?.subscription).toMatchObject({ plan: 'large', periodBase: 20_000_000n })
  })
})

describe('a subscription that is cancelled', () => {
  it('goes on to the end of its period and has no renewal then', () => {
    const ledger = scenario(
      `
      0    | account plan small as first | ok              | 20
      3d   | unsubscribe key u           | ok              | 20
           > amend 0
      3d   | unsubscribe                 | ok              | 20
           > nothing
      30d  | charge 1                    | ok              | 19
      31d  | sweep                       | ok              | 0
           > expire 19: available/first -19=0, expired/first +19=19
           > amend 0
      31d  | unsubscribe key u           | replay          | 0
      31d  | unsubscribe                 | invalid_request | 0
      100d | sweep                       | ok              | 0
           > nothing
      101d | subscribe small             | ok              | 20
    `,
      PLANNED,
    )
    expect(ledger.journal[1]?.detail).toEqual({ change: 'plan_cancelled', plan: 'small', at: '2026-02-15T10:00:00.000Z' })
    const ended = ledger.journal.find((row) => row.detail['change'] === 'plan_ended')
    expect(ended).toMatchObject({ at: Date.UTC(2026, 1, 15, 10), detail: { change: 'plan_ended', plan: 'small', period: 0 } })
  })

  it('of a free plan ends as one that is paid for', () => {
    const ledger = scenario(
      `
      0   | account plan free | ok | 10
      1d  | unsubscribe       | ok | 10
      31d | sweep             | ok | 0
    `,
      PLANNED,
    )
    expect(ledger.account?.subscription).toBeNull()
  })

  it('SN-05: loses what rolled over while it was active at the end of the paid period; add-on credits stay', () => {
    const ledger = scenario(
      `
      0   | account plan loyal as jan             | ok | 20
      5d  | charge 5                              | ok | 15
      31d | grant 7 source add_on paid yes as add | ok | 42
      40d | unsubscribe                           | ok | 42
      50d | charge 10                             | ok | 32
      59d | sweep                                 | ok | 7
          > amend 0
          > expire 5: available/jan -5=27, expired/jan +5=5
          > expire 20: available/#3 -20=7, expired/#3 +20=25
          = add 7
    `,
      PLANNED,
    )
    expect(ledger.journal.at(-1)).toMatchObject({ detail: { reason: 'subscription_ended', source: 'allowance' } })
    expect(formatInstant(ledger.journal.at(-1)?.at ?? 0)).toBe('2026-03-15T10:00:00.000Z')
  })

  it('SN-05: leaves what open reservations pin until they end; what comes back then expires at once', () => {
    const ledger = scenario(
      `
      0       | account plan loyal as jan         | ok | 20
      1d      | unsubscribe                       | ok | 20
      31d-1h  | reserve op job ttl 2h as held     | ok | 10
      31d-1h  | reserve op job ttl 3h as late     | ok | 0
      31d     | sweep                             | ok | 0
              > amend 0
      31d+30m | settle held 4                     | ok | 0
              > settle 4: reserved/jan -4=16, spent/jan +4=4, reserved/jan -6=10, available/jan +6=6
              > expire 6: available/jan -6=0, expired/jan +6=6
      32d     | sweep                             | ok | 0
              > release 10: reserved/jan -10=0, available/jan +10=10
              > expire 10: available/jan -10=0, expired/jan +10=16
    `,
      PLANNED,
    )
    const reasons = ledger.journal.filter((row) => row.kind === 'expire').map((row) => row.detail['reason'])
    expect(reasons).toEqual(['subscription_ended', 'subscription_ended'])
    expect(ledger.journal.find((row) => row.kind === 'settle')?.detail).toMatchObject({ balanceAfterExpiry: 0 })
  })

  it('SN-05: another subscription does not bring back what reservations had pinned as the one before ended', () => {
    const ledger = scenario(
      `
      0       | account plan loyal as jan     | ok | 20
      1d      | unsubscribe                   | ok | 20
      31d-1h  | reserve op job ttl 2h as held | ok | 10
      31d-1h  | reserve op job ttl 2h as late | ok | 0
      31d     | subscribe loyal as feb        | ok | 20
      31d+1m  | release held                  | ok | 20
      31d+2m  | settle late 4 as s            | ok | 20
      31d+3m  | refund s                      | ok | 20
      31d+4m  | reserve op job as own         | ok | 10
      31d+5m  | release own                   | ok | 20
    `,
      PLANNED,
    )
    const reasons = ledger.journal.filter((row) => row.kind === 'expire').map((row) => row.detail['reason'])
    expect(reasons).toEqual(['subscription_ended', 'subscription_ended', 'subscription_ended'])
  })

  it('SN-05: what is pinned as one plan takes the place of another comes back, for the account has had a plan throughout', () => {
    scenario(
      `
      0  | account plan loyal as jan  | ok | 20
      1d | reserve op job ttl 4h      | ok | 10
      1d | subscribe large when now   | ok | 39.032258
      2d | sweep                      | ok | 49.032258
    `,
      PLANNED,
    )
  })

  it('SN-05: loses what rolled over at once when its account is closed, and the answer tells the balance without it', () => {
    const ledger = scenario(
      `
      0  | account plan loyal as jan | ok | 20
      1d | grant 7 source add_on     | ok | 27
      2d | state closed key c        | ok | 7
         > expire 20: available/jan -20=7, expired/jan +20=20
         > amend 0
    `,
      PLANNED,
    )
    const detail = { to: 'closed', planEnded: 'loyal' }
    expect(ledger.journal.at(-1)).toMatchObject({ idempotencyKey: 'c', balanceAfter: 7_000_000n, detail })
    expect(ledger.account?.subscription).toBeNull()
  })

  it('SN-05: keeps what rolled over when another plan follows instead', () => {
    scenario(
      `
      0   | account plan loyal | ok | 20
      1d  | subscribe large    | ok | 20
      31d | sweep              | ok | 70
      59d | sweep              | ok | 70
    `,
      PLANNED,
    )
  })
})

describe('a trial', () => {
  it('SN-06: is granted once and never renewed, and its periods go on', () => {
    const ledger = scenario(
      `
      0   | account plan trial | ok | 20
      31d | sweep              | ok | 5
          > expire 15: available/#1 -15=5, expired/#1 +15=15
      95d | sweep              | ok | 5
          > nothing
    `,
      PLANNED,
    )
    expect(ledger.account?.subscription).toMatchObject({ plan: 'trial', period: 3 })
    expect(nextGrant(ledger)).toBeNull()
  })

  it('is begun once by an account, whatever came between', () => {
    const ledger = scenario(
      `
      0   | account plan free | ok              | 10
      1d  | subscribe trial   | ok              | 25
          > grant 15: issued/#2 -15=-25, available/#2 +15=25
          > amend 0
      2d  | subscribe trial   | ok              | 25
          > nothing
      3d  | subscribe small   | ok              | 45
      4d  | subscribe trial   | invalid_request | 45
      5d  | unsubscribe       | ok              | 45
      90d | subscribe trial   | invalid_request | 0
    `,
      PLANNED,
    )
    const refused = attempt(ledger, '91d', 'subscribe trial')
    expect(refused).toMatchObject({ refusal: { details: { plan: 'trial', trial: true } } })
    expect(refused.kind === 'refused' && refused.refusal.advice?.[0]).toBe(
      'Subscribe to another plan: basic, free, capped, gifts, keeper, loyal, small, large, huge, custom',
    )
    expect(ledger.record('trial', 'trial')).toMatchObject({ isOpen: false, document: { beganAt: expect.any(Number) as number } })
  })

  it('that follows a paid plan is granted at the renewal, and then no more', () => {
    const ledger = scenario(
      `
      0   | account plan small       | ok              | 20
      1d  | subscribe trial when now | invalid_request | 20
      1d  | subscribe trial          | ok              | 20
      31d | sweep                    | ok              | 15
      59d | sweep                    | ok              | 0
    `,
      PLANNED,
    )
    expect(references(ledger)).toEqual(['sign_up:small:0', 'renewal:trial:1'])
  })
})

describe('the next grant', () => {
  it.each([
    ['a plan that renews', 'small', [], '2026-02-15T10:00:00.000Z'],
    ['a plan that is cancelled', 'small', ['unsubscribe'], null],
    ['a plan that another one follows', 'small', ['subscribe large'], '2026-02-15T10:00:00.000Z'],
    ['a plan that one without an allowance follows', 'small', ['subscribe custom'], null],
    ['a plan whose credits are agreed per customer', 'custom', [], null],
    ['a trial', 'trial', [], null],
    ['a trial that a free plan follows', 'trial', ['subscribe free'], '2026-02-15T10:00:00.000Z'],
    ['a paid plan that a trial follows', 'small', ['subscribe trial'], '2026-02-15T10:00:00.000Z'],
    ['no plan', 'none', [], null],
  ])('of %s is told to the instant, or that there is none', (_, plan, commands, expected) => {
    const ledger = scenario(`0 | account plan ${plan} | ok | ${{ small: 20, trial: 20 }[plan] ?? 0}`, PLANNED)
    for (const command of commands) expect(attempt(ledger, '1d', command)).toMatchObject({ kind: 'done' })
    expect(nextGrant(ledger)).toBe(expected)
    const before = ledger.journal.filter((row) => row.kind === 'grant').length
    attempt(ledger, '32d', 'sweep')
    const came = ledger.journal.filter((row) => row.kind === 'grant').slice(before).map((row) => formatInstant(row.at))
    expect(came).toEqual(expected === null ? [] : [expected])
  })
})

describe('the plans of the products', () => {
  it('SN-04, SN-05: Starter, Pro and Team renew 800, 2,000 and 6,500 that roll over; Free renews 100, Trial 500 comes once', () => {
    const afterThree = (plan: string, first: string, third: string) =>
      scenario(`0 | account plan ${plan} | ok | ${first}\n60d | sweep | ok | ${third}`, bundled('social-neuron'))
    afterThree('free', '100', '300')
    afterThree('trial', '500', '500')
    afterThree('starter', '800', '2400')
    afterThree('pro', '2000', '6000')
    afterThree('team', '6500', '19500')
  })

  it('SK-01, SK-04: Starter, Pro and Agency add 100,000, 150,000 and 150,000 at each renewal, and nothing expires', () => {
    const afterThree = (plan: string, first: string, third: string) =>
      scenario(`0 | account plan ${plan} | ok | ${first}\n60d | sweep | ok | ${third}`, bundled('soku'))
    afterThree('starter', '100000', '300000')
    afterThree('pro', '150000', '450000')
    afterThree('agency', '150000', '450000')
  })

  it('SK-03, SK-06: the trial of sign-up carries over into the first subscription, whose credits come at once', () => {
    scenario(
      `
      0   | account plan trial | ok | 1000
      9d  | subscribe starter  | ok | 101000
      20d | subscribe pro      | ok | 101000
      39d | sweep              | ok | 101000
      40d | sweep              | ok | 251000
      41d | unsubscribe        | ok | 251000
      99d | sweep              | ok | 251000
    `,
      bundled('soku'),
    )
  })

  it('ND-06: Free, Hobby, Build and Scale give 250, 5,000, 25,000 and 100,000 a month, none of which rolls over', () => {
    for (const [plan, credits] of [['free', 250], ['hobby', 5000], ['build', 25000], ['scale', 100000]] as const) {
      scenario(`0 | account plan ${plan} | ok | ${credits}\n60d | sweep | ok | ${credits}`, bundled('neural-draft'))
    }
    scenario(`0 | account plan enterprise | ok | 0\n60d | sweep | ok | 0`, bundled('neural-draft'))
  })
})
