import { openCredits } from '../../src/credits.js'
import type { CatalogDocument, PriceDocument } from '../simulation/reference-catalog.js'
import type { Anonymous } from './anonymous.js'

const DAY_MS = 86_400_000
const BEGIN = Date.UTC(2026, 0, 31, 9, 30)

/**
 * One life of an account with a product, by its catalog's data alone: sign-up, a price and a charge of everything there
 * is, every plan and pack, recurring items, the turn of months, the cap, refunds, and every report of it. Answers all
 * that was answered.
 */
export async function life(catalog: CatalogDocument, document: object, named: Anonymous['named']): Promise<readonly unknown[]> {
  let now = BEGIN
  const credits = await openCredits({ database: ':memory:', catalog: document, clock: { now: () => now } })
  const account = 'acme'
  const told: unknown[] = []
  const tell = async (answer: Promise<unknown>): Promise<unknown> => {
    // A refusal is told whole: code, sums, limits, advice and ways out.
    const found = await answer.catch((error: unknown) => {
      const { code, message, details, advice, cheaper, affordable } = error as Record<string, unknown>
      if (typeof code !== 'string') throw error
      return { code, message, details, advice, cheaper, affordable }
    })
    told.push(found)
    return found
  }
  const overview = async (): Promise<void> => {
    await tell(credits.balance({ account }))
    await tell(credits.budgets({ account }))
    await tell(credits.afford({ account, credits: 250 }))
  }
  await tell(credits.createAccount({ id: account, timeZone: 'Europe/Berlin' }))
  await tell(credits.operations())
  await tell(credits.toolPrices())
  await tell(credits.plans())
  await tell(credits.packs({ account }))
  await overview()
  await tell(credits.setBudget({ account, id: 'each', window: 'month', limit: 1_000_000, scope: { each: 'operation' } }))
  await tell(credits.setBudget({ account, id: 'days', window: 'day', limit: 1_000_000, scope: { each: 'category' } }))
  await tell(credits.grant({ account, credits: 100_000 }))
  for (const job of jobsOf(catalog)) {
    const operation = named('operation', job.operation)
    const variant = job.variant === null ? {} : { variant: named('variant', job.variant) }
    await tell(credits.estimate({ account, operation, ...variant, quantity: 2.5 }))
    await tell(credits.estimate({ account, operation, ...(job.variant === null ? {} : { variant: 'auto' }) }))
    const charged = (await tell(credits.charge({ account, operation, ...variant, quantity: 2, ...job.consumed, labels: { customer: 'c1' } }))) as { transaction?: string }
    if (charged.transaction != null) {
      await tell(credits.explain({ account, transaction: charged.transaction }))
      await tell(credits.refund({ account, transaction: charged.transaction, credits: 0.5 }))
    }
    const held = (await tell(credits.reserve({ account, operation, ...variant }))) as { reservation?: string | null }
    if (held.reservation != null) await tell(credits.settle({ account, reservation: held.reservation, ...(job.isOpen ? { actual: 0.5 } : {}) }))
    now += 60_000
  }
  for (const item of Object.keys(catalog.recurring_items ?? {})) await tell(credits.setItem({ account, item: named('item', item), quantity: 3 }))
  for (const pack of Object.keys(catalog.packs ?? { none: null })) {
    const bought = (await tell(credits.purchase({ account, pack: named('pack', pack) }))) as { purchase?: string }
    if (bought.purchase !== undefined) await tell(credits.refundPurchase({ account, purchase: bought.purchase }))
    await tell(credits.purchase({ account, pack: named('pack', pack) }))
  }
  for (const plan of Object.keys(catalog.plans)) {
    await tell(credits.subscribe({ account, plan: named('plan', plan), when: 'now' }))
    await overview()
    now += 35 * DAY_MS
    await tell(credits.balance({ account }))
    await tell(credits.subscribe({ account, plan: named('plan', plan) }))
  }
  await reachLimits(catalog, { tell, named, credits, account })
  await tell(credits.cancelSubscription({ account }))
  now += 40 * DAY_MS
  await overview()
  for (const groupBy of ['operation', 'category', 'tool', 'month', 'label:customer']) await tell(credits.usage({ account, groupBy, since: BEGIN, until: now }))
  await tell(credits.transactions({ account, limit: 1_000 }))
  await tell(credits.statement({ account, month: '2026-02' }))
  await tell(credits.messages({ account, limit: 1_000 }))
  await tell(credits.purchases({ account }))
  await tell(credits.items({ account }))
  await tell(credits.estimate({ account, campaign: { platforms: 3, weeks: 2, postsPerWeek: 5 } }))
  await tell(credits.estimate({ account, campaign: { platforms: 5, weeks: 5, postsPerWeek: 2, complexity: 'complex' } }))
  const { ok, problems } = await credits.verify()
  told.push({ ok, problems })
  await credits.close()
  return told
}

interface Job {
  readonly operation: string
  readonly variant: string | null
  readonly isOpen: boolean
  readonly consumed: object
}

function jobsOf({ operations }: CatalogDocument): readonly Job[] {
  return Object.entries(operations).flatMap(([operation, known]) => {
    const variants = Object.entries(known.variants ?? {})
    if (variants.length === 0) return [job(operation, null, known.price)]
    return variants.map(([variant, offer]) => job(operation, variant, offer.price ?? known.price))
  })
}

function job(operation: string, variant: string | null, price: PriceDocument | undefined): Job {
  const model = price?.model
  const consumed = model === 'range' ? { actual: 2 } : model === 'pass_through' ? { usage: { input_tokens: 12_345, output_tokens: 678 } } : {}
  return { operation, variant, isOpen: model === 'range' || model === 'pass_through', consumed }
}

interface Living {
  readonly tell: (answer: Promise<unknown>) => Promise<unknown>
  readonly named: Anonymous['named']
  readonly credits: Awaited<ReturnType<typeof openCredits>>
  readonly account: string
}

/** Spends until something stops it: the cap where the plan has one, a budget, and in the end the balance. */
async function reachLimits(catalog: CatalogDocument, { tell, named, credits, account }: Living): Promise<void> {
  const [first] = jobsOf(catalog).filter(({ consumed, operation }) => Object.keys(consumed).length === 0 && isPaid(catalog, operation))
  if (first === undefined) return
  const charge = { account, operation: named('operation', first.operation), ...(first.variant === null ? {} : { variant: named('variant', first.variant) }) }
  await tell(credits.charge({ ...charge, quantity: 100_000_000 }))
  await tell(credits.setBudget({ account, id: 'tight', window: 'total', limit: 0.000001, scope: { operation: charge.operation } }))
  await tell(credits.charge(charge))
  await tell(credits.removeBudget({ account, id: 'tight' }))
  const { spendable } = await credits.balance({ account })
  if (spendable > 0) await tell(credits.adjust({ account, credits: -Math.min(spendable, (await credits.balance({ account })).balance) }))
  await tell(credits.charge(charge))
}

function isPaid({ operations }: CatalogDocument, id: string): boolean {
  const price = operations[id]?.price
  return !(price?.model === 'flat' && Number(price.credits) === 0)
}
