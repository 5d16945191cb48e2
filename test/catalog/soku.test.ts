import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { documentedFigures, openedWith, priceFigures } from './figures.js'
import { bundled, credits } from './support.js'

const catalog = bundled('soku')

/** The plans of the document, typed from it: plan, name, credits per month. */
const PLANS = [
  ['starter', 'Starter', '100000'],
  ['pro', 'Pro', '150000'],
  ['agency', 'Agency', '150000'],
] as const

/** What the document says goes on without credits. */
const FREE = ['post.publish', 'content.schedule', 'feature.use'] as const

describe('the figures', () => {
  it('SK-03: what a new account is given is ours, and nothing else is', () => {
    expect(assumedFigures(catalog)).toEqual(['plans/trial/grants/sign_up'])
  })

  it('SK-01, SK-02: every other one is in the document', () => {
    expect(documentedFigures(catalog)).toEqual({
      // The document gives a credit no value in dollars, promises no notice, and prices no tool that it does not name.
      'unit/credit_usd': null,
      price_increase_notice_days: 0,
      default_tool_price: null,
      ...priceFigures([['audio.transcribe', null, '1'], ...FREE.map((operation) => [operation, null, '0'] as const)]),
      // "Included with your free trial": nothing to pay and nothing each month.
      'plans/trial/monthly_credits': '0',
      'plans/trial/price_usd': '0',
      // What a plan costs is not in the document.
      ...Object.fromEntries(
        PLANS.flatMap(([plan, , monthly]) => [
          [`plans/${plan}/monthly_credits`, monthly],
          [`plans/${plan}/price_usd`, null],
        ]),
      ),
    })
  })
})

describe('the operations', () => {
  it('SK-02: are the transcription, and what is free', () => {
    expect(Object.keys(catalog.operations).sort()).toEqual(['audio.transcribe', ...FREE].sort())
  })

  it.each([0.25, 1, 30, 600])('SK-02: a transcription of %d minutes costs 1 credit', async (quantity) => {
    const ledger = await openedWith('soku', { granted: 10 })
    expect(await ledger.estimate({ operation: 'audio.transcribe', quantity })).toMatchObject({ minimum: 1, maximum: 1, usd: null })
    expect(await ledger.charge({ operation: 'audio.transcribe', quantity })).toMatchObject({ charged: 1, balance: 9 })
  })

  it('SK-05: at zero a transcription is blocked in the words of the product, and other features go on', async () => {
    const ledger = await openedWith('soku', { granted: 1 })
    expect(await ledger.charge({ operation: 'audio.transcribe' })).toMatchObject({ charged: 1, balance: 0 })
    const error: unknown = await ledger.charge({ operation: 'audio.transcribe' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'out_of_credits', message: 'Insufficient credits: 1 needed, 0 available' })
    for (const operation of FREE) expect(await ledger.charge({ operation })).toMatchObject({ charged: 0, balance: 0 })
  })
})

describe('the plans', () => {
  it.each(PLANS)('SK-01: %s (%s) gives %s credits a month', (plan, name, monthly) => {
    expect(catalog.plans[plan]).toMatchObject({ name, monthlyCredits: credits(monthly), isPaid: true, trial: false })
  })

  it('SK-01: a new account is on the trial, and there is no plan beside those of the document', () => {
    expect(catalog.defaultPlan).toBe('trial')
    expect(catalog.plans['trial']).toMatchObject({ monthlyCredits: 0n, trial: true, isPaid: false })
    expect(Object.keys(catalog.plans).sort()).toEqual(['trial', ...PLANS.map(([plan]) => plan)].sort())
  })

  it('SK-03: credits come at sign-up, and as the allowance of a plan', () => {
    const { signUp, ...later } = catalog.plans['trial']?.grants ?? expect.fail('no trial')
    expect(signUp).toBeGreaterThan(0n)
    expect(later).toEqual({ purchase: 0n, renewal: 0n })
    for (const [plan] of PLANS) expect(catalog.plans[plan]?.grants).toEqual({ signUp: 0n, purchase: 0n, renewal: 0n })
  })

  it('SK-03: a new account has the credits of the trial at once, and one on a plan has its credits', async () => {
    const ledger = await openedWith('soku', { granted: 0 })
    const { balance, plan } = await ledger.createAccount({ id: 'new' })
    expect([plan, balance * 1e6]).toEqual(['trial', Number(catalog.plans['trial']?.grants.signUp)])
    for (const [id, , monthly] of PLANS) {
      expect(await ledger.createAccount({ id: `on-${id}`, plan: id })).toMatchObject({ plan: id, balance: Number(monthly) })
    }
  })

  it('SK-04: whatever is unused stays, and nothing is capped', () => {
    for (const plan of Object.values(catalog.plans)) {
      expect(plan).toMatchObject({ rollover: { kind: 'unlimited' }, spendingCap: null })
    }
  })

  it('SK-07: nothing is sold, and the words for it name the ways out', () => {
    expect([catalog.selfService, Object.keys(catalog.packs)]).toEqual(['none', []])
    expect(catalog.texts.purchasesUnavailable).toMatch(/next renewal.+upgrade/)
  })
})
