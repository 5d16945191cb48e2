import { afterEach, describe, expect, it } from 'vitest'
import type { Credits, MessageResult } from '../../src/index.js'
import { runHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { DATABASES, LIMITS, sharedLedger } from './support.js'

const ACCOUNT = 'acme'

const CATALOG = { ...LIMITS, thresholds: [{ kind: 'percent_of_period', level: 'low', value: '15', when: 'at_or_below' }] }

const homes: Home[] = []
afterEach(() => homes.splice(0).forEach((home) => home.remove()))

describe.each(DATABASES)('T39: a message, on %s', (kind) => {
  async function atFourteenRemaining() {
    const ledger = await sharedLedger(kind, CATALOG)
    const credits = (await ledger.open()).as({ account: ACCOUNT })
    await credits.createAccount({ id: ACCOUNT, plan: 'monthly' })
    // 15 is the figure that was once read as its opposite: used for one of these, remaining for the other.
    await credits.setBudget({ id: 'b', window: 'month', limit: 100, thresholds: [15, 85] })
    await credits.charge({ operation: 'work.unit', quantity: 86 })
    return { ledger, credits }
  }

  const messages = async (credits: Credits): Promise<readonly MessageResult[]> => [...(await credits.messages())].reverse()

  it('names what is used, what remains, the limit and what its percentages are of, and they add up', async () => {
    const { ledger } = await atFourteenRemaining()
    const all = await messages((await ledger.open()).as({ account: ACCOUNT }))
    const facts = all.map((message) => message.facts)
    expect(facts).toHaveLength(3)
    for (const fact of facts) expect(fact).toMatchObject({ used: 86, limit: 100, remaining: 14, usedPercent: 86, remainingPercent: 14 })
    expect(facts.filter((fact) => 'budget' in fact).map((fact) => fact['threshold'])).toEqual([15, 85])
    expect(facts.filter((fact) => !('budget' in fact))).toMatchObject([{ threshold: null, thresholdRemainingPercent: 15 }])
    // Nothing is called by a word that leaves open which of the two it is.
    for (const name of facts.flatMap((fact) => Object.keys(fact))) expect(name).not.toMatch(/^percent|^level$|^value$/)
  })

  it('says in words which is which, and at what it is told of', async () => {
    const { ledger, credits } = await atFourteenRemaining()
    const home = new Home({ MCP_CREDITS_DB: ledger.database })
    homes.push(home)
    const texts = (await messages(credits)).map(({ text }) => text)
    expect(texts).toEqual(
      expect.arrayContaining([
        expect.stringContaining('Budget b: 86 of 100 credits used (86 %, told of at 15 %), 14 remain') as unknown,
        expect.stringContaining('Budget b: 86 of 100 credits used (86 %, told of at 85 %), 14 remain') as unknown,
        'The balance is low: 14 credits remain (told of at 15 % remaining)',
      ]),
    )
    const printed = (await runHere(home, ['messages', '--account', ACCOUNT])).stdout
    for (const text of texts) expect(printed).toContain(text)
  })

  it('of a budget agrees with its status and with the refusal that follows', async () => {
    const { credits } = await atFourteenRemaining()
    const [message] = (await messages(credits)).filter(({ type }) => type === 'budget_threshold')
    const [status] = (await credits.budgets()).budgets
    expect(status).toMatchObject({ used: 86, limit: 100, remaining: 14, percentUsed: 86 })
    expect(message?.facts).toMatchObject({ used: status?.used, limit: status?.limit, remaining: status?.remaining, usedPercent: status?.percentUsed, resetsAt: status?.resetsAt })
    await credits.grant({ credits: 50 })
    const refused = credits.charge({ operation: 'work.unit', quantity: 20 })
    await expect(refused).rejects.toMatchObject({
      code: 'budget_exceeded',
      details: { required: 20, available: 14, shortfall: 6, limitedBy: { used: 86, limit: 100, remaining: 14, percentUsed: 86 } },
    })
  })
})
