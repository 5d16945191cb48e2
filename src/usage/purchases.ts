import type { Pack, Plan } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import type { Actor, CommandOf } from '../decide/command.js'
import type { Draft } from '../decide/draft.js'
import type { Done } from '../decide/outcome.js'
import { refusalByName } from '../decide/idempotency.js'
import { offerOf } from '../decide/purchase.js'
import { refusalToBuy } from '../decide/self-service.js'
import { CreditError } from '../errors.js'
import { formatId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { parseUsd, toUsd, usdPerCredit } from '../money/fiat.js'
import { paymentLookup, type PurchaseState, purchaseOf } from '../plans/purchase.js'
import { formatInstant, formatInstantOrNull } from '../time/instant.js'
import { errorOf, type Ledger } from './ledger.js'
import type { Payment, PaymentOrder, PaymentProvider } from './payment-provider.js'
import type { PackResult, PaymentResult, PlanResult, PurchaseRefundResult, PurchaseResult } from './sales-results.js'
import { writeResult } from './write-results.js'

/** Whether it is a customer who asks, from whom purchases may be hidden, or an operator. */
export interface Asking {
  readonly isSelfService: boolean
}

export interface BuyRequest extends Asking {
  readonly account: string
  readonly actor: Actor
  readonly pack: string
  readonly budget: string | null
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
}

/**
 * Buys a pack through whoever takes the money. Nothing is started that would be refused, and a request that was carried
 * out before under its key is answered again without a second payment (T13).
 */
export async function buy(ledger: Ledger, provider: PaymentProvider, request: BuyRequest): Promise<PurchaseResult> {
  const { account, idempotencyKey: key } = request
  const offer = await ledger.read(account, (draft) => {
    const wasMade = key !== null && draft.view.transactionByKey(key) !== null
    return wasMade ? null : (refusalByName(draft, request) ?? offerOf(draft, { ...request, provider: provider.name, isSettled: true }))
  })
  if (offer?.kind === 'refused') throw errorOf(offer)
  const payment = offer === null ? NO_PAYMENT : await provider.start(orderOf(request, offer.pack))
  const done = await recordPurchase(ledger, {
    ...request,
    kind: 'purchase',
    provider: provider.name,
    isSettled: payment.state === 'settled',
    reference: payment.reference,
  })
  return { ...purchaseResult(done), payUrl: payment.payUrl }
}

/** Carried out before: only the answer is asked for. */
const NO_PAYMENT: Payment = { state: 'pending', reference: null, payUrl: null }

function orderOf({ account, idempotencyKey: key }: BuyRequest, { id, name, credits, price }: Pack): PaymentOrder {
  return { account, pack: id, name, credits, price, key }
}

/**
 * Records a purchase. A payment belongs to one account: told of for another, the ledger refuses to keep it twice (I6), and
 * the refusal says nothing of whose it is.
 */
export async function recordPurchase(ledger: Ledger, command: CommandOf<'purchase'>): Promise<Done> {
  const { account, provider, reference } = command
  try {
    return await ledger.update(command)
  } catch (error) {
    if (reference === null) throw error
    const known = await ledger.query((store) => store.recordByLookup(paymentLookup(provider, reference)))
    if (known === null || known.account === account) throw error
    throw new CreditError('idempotency_conflict', `The payment ${reference} of ${provider} was for something else`, {
      advice: ['Tell of a payment once, for the account that it was made for.'],
      cause: error,
    })
  }
}

/** The answer to an order, a settlement or a cancellation, read from its row; the state is the one that it led to. */
export function purchaseResult(done: Done): PurchaseResult {
  const { transaction, record } = done
  const detail = transaction?.detail ?? {}
  const purchase = record === null ? null : purchaseOf(record)
  const ownId = formatId('pu', transaction?.sequence ?? 0, transaction?.hash ?? '')
  const isSettled = detail['change'] === 'purchase_settled'
  const credits = (detail['credits'] as number | undefined) ?? toCredits(purchase?.credits ?? 0n)
  return {
    ...writeResult(done),
    purchase: purchase?.id ?? (detail['purchase'] as string | undefined) ?? ownId,
    pack: (detail['pack'] as string | undefined) ?? '',
    state: purchase?.state ?? STATES[String(detail['change'])] ?? 'pending',
    credits,
    granted: isSettled ? credits : 0,
    priceUsd: detail['priceUsd'] === undefined ? toUsd(purchase?.price ?? FREE) : usdOf(detail['priceUsd']),
    payUrl: null,
  }
}

const STATES: Readonly<Record<string, PurchaseState>> = {
  purchase_ordered: 'pending',
  purchase_settled: 'settled',
  purchase_cancelled: 'cancelled',
}

const FREE = parseUsd('0', 'priceUsd')

export function purchaseRefundResult(done: Done): PurchaseRefundResult {
  const detail = done.transaction?.detail ?? {}
  return {
    ...writeResult(done),
    purchase: (detail['purchase'] as string | undefined) ?? '',
    revoked: toCredits(done.transaction?.credits ?? 0n),
    refundedUsd: usdOf(detail['refundedUsd']),
  }
}

function usdOf(text: unknown): number {
  return toUsd(parseUsd(text, 'priceUsd'))
}

/**
 * The payment history, newest first, with what is still pending (WC-17). Customers from whom purchases are hidden do not
 * see it either (SF-12). @throws CreditError `purchases_unavailable`
 */
export async function readPurchases(
  ledger: Ledger,
  account: string,
  { isSelfService, limit }: Asking & { readonly limit: number },
): Promise<readonly PaymentResult[]> {
  await ledger.read(account, (draft) => isSelfService && refusalFor(draft)).then(throwIfRefused)
  const records = await ledger.query((store) => store.records({ account, kind: 'purchase', limit }))
  return records
    .map(purchaseOf)
    .sort((a, b) => b.orderedBy - a.orderedBy)
    .map(({ id, pack, name, state, credits, price, refunded, orderedAt, settledAt, provider, reference, budget }) => ({
      id,
      pack,
      name,
      state,
      credits: toCredits(credits),
      priceUsd: toUsd(price),
      refundedUsd: refunded === null ? null : toUsd(refunded),
      orderedAt: formatInstant(orderedAt),
      settledAt: formatInstantOrNull(settledAt),
      provider,
      reference,
      budget,
    }))
}

/** What can be bought now, the cheapest first. Hidden from customers as buying is. @throws CreditError `purchases_unavailable` */
export async function readPacks(ledger: Ledger, account: string, { isSelfService }: Asking): Promise<readonly PackResult[]> {
  const { refusal, packs } = await ledger.read(account, (draft) => ({
    refusal: isSelfService && refusalFor(draft),
    packs: Object.values(versionAt(draft.view.catalogs, draft.at).catalog.packs),
  }))
  throwIfRefused(refusal)
  return packs.map(packResult)
}

function refusalFor(draft: Draft) {
  return refusalToBuy(draft, { isSelfService: true })
}

function throwIfRefused(refused: ReturnType<typeof refusalToBuy> | false): void {
  if (refused !== null && refused !== false) throw errorOf(refused)
}

function packResult({ id, name, credits, parts, price, expiry, refund }: Pack): PackResult {
  return {
    id,
    name,
    credits: toCredits(credits),
    parts: parts.map((part) => ({ kind: part.kind, credits: toCredits(part.credits) })),
    priceUsd: toUsd(price),
    pricePerCredit: usdPerCredit(price, credits),
    validMonths: expiry.kind === 'months' ? expiry.months : null,
    refund,
  }
}

/** The plans of the catalog in force, from the free one up, with what a credit costs in each and how much less that is (ND-06). */
export async function readPlans(ledger: Ledger): Promise<readonly PlanResult[]> {
  const { catalog } = await ledger.catalog()
  const plans = Object.values(catalog.plans)
  const dearest = plans.reduce<Rated | null>((most, plan) => dearer(most, rated(plan)), null)
  return plans.map((plan) => planResult(plan, dearest))
}

/** A plan with a price per credit. */
interface Rated extends Plan {
  readonly monthlyCredits: NonNullable<Plan['monthlyCredits']>
  readonly price: NonNullable<Plan['price']>
}

function rated(plan: Plan): Rated | null {
  const { monthlyCredits, price } = plan
  const isRated = monthlyCredits !== null && monthlyCredits > 0n && price !== null && price.millionths > 0
  return isRated ? { ...plan, monthlyCredits, price } : null
}

function dearer(a: Rated | null, b: Rated | null): Rated | null {
  if (a === null || b === null) return a ?? b
  return BigInt(b.price.millionths) * a.monthlyCredits > BigInt(a.price.millionths) * b.monthlyCredits ? b : a
}

function planResult(plan: Plan, dearest: Rated | null): PlanResult {
  const own = rated(plan)
  const { id, name, monthlyCredits, price, rollover, trial, spendingCap, entitlements } = plan
  return {
    id,
    name,
    monthlyCredits: monthlyCredits === null ? null : toCredits(monthlyCredits),
    priceUsd: price === null ? null : toUsd(price),
    pricePerCredit: own === null ? null : usdPerCredit(own.price, own.monthlyCredits),
    discountPercent: own === null || dearest === null ? null : discountPercent(own, dearest),
    rollover: rollover.kind,
    trial,
    spendingCap: spendingCap === null ? null : { credits: toCredits(spendingCap.credits), window: spendingCap.window },
    entitlements,
  }
}

/** How much less a credit costs than in another plan, to the nearest whole percent. */
function discountPercent(own: Rated, other: Rated): number {
  const whole = BigInt(other.price.millionths) * own.monthlyCredits
  const part = BigInt(own.price.millionths) * other.monthlyCredits
  return Number((200n * (whole - part) + whole) / (2n * whole))
}
