import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/time/instant.js'
import { MemoryLedger } from '../decide/memory-ledger.js'
import { PLANNED } from '../decide/plan-catalog.js'
import { attempt } from '../decide/scenario.js'
import { newSeed, seededRandom, type SeededRandom } from '../support/seeded-random.js'

const PLANS = Object.keys(PLANNED[0]?.catalog.plans ?? {})
const ZONES = ['UTC', 'America/New_York', 'Pacific/Kiritimati', 'Australia/Lord_Howe']

function commandBy(random: SeededRandom, step: number): string {
  const key = random.below(4) === 0 ? ` key k${random.below(20)} input s${step}` : ''
  switch (random.below(10)) {
    case 0:
      return `unsubscribe${key}`
    case 1:
      return `zone ${random.pick(ZONES)}`
    case 2:
      return `reserve op job ttl ${1 + random.below(23)}h`
    case 3:
      return `charge ${1 + random.below(9)}${key}`
    case 4:
      return `clock ${1 + random.below(40)}d`
    case 5:
    case 6:
      return `subscribe ${random.pick(PLANS)} when now${key}`
    default:
      return `subscribe ${random.pick(PLANS)}${key}`
  }
}

/** What must hold of an account's plans, whatever was done with them. */
function check(ledger: MemoryLedger, about: string): void {
  expect(ledger.problems(), about).toEqual([])
  const { account } = ledger
  const open = [...ledger.grants.values()].filter((grant) => grant.remaining > 0n)
  expect(account?.subscription === null && open.some((grant) => grant.endsWithPlan), about).toBe(false)
  const allowances = ledger.journal.filter((row) => row.kind === 'grant' && row.detail['source'] === 'allowance')
  const renewals = allowances.filter((row) => row.detail['occasion'] === 'renewal')
  renewals.slice(1).forEach((row, index) => expect(row.at - (renewals[index]?.at ?? 0), about).toBeGreaterThan(20 * DAY_MS))
  const trials = allowances.filter((row) => row.detail['plan'] === 'trial')
  expect(trials.length, about).toBeLessThan(2)
}

describe('an account whose plans are changed at random', () => {
  const seed = newSeed()

  it(`T22, T23: keeps its books, renews once a period, and comes to the same whether looked at daily or seldom (seed ${seed})`, () => {
    const random = seededRandom(seed)
    for (let account = 0; account < 25; account += 1) {
      const seldom = new MemoryLedger(PLANNED)
      attempt(seldom, '0', `account plan ${random.pick(['none', ...PLANS])} test yes`)
      const daily = seldom.copy()
      let day = 0
      for (let step = 0; step < 40; step += 1) {
        const later = day + random.below(30)
        while (day < later) attempt(daily, `${(day += 1)}d`, 'sweep')
        const command = commandBy(random, step)
        const outcomes = [seldom, daily].map((ledger) => attempt(ledger, `${day}d`, command))
        expect(outcomes[0]?.kind).toBe(outcomes[1]?.kind)
        check(seldom, `account ${account}, step ${step}: ${command}`)
      }
      expect(daily.journal).toEqual(seldom.journal)
    }
  })
})
