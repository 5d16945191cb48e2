import { parseQuantity } from '../money/rate.js'
import { readItems, setItemResult } from '../usage/items.js'
import { manualProvider } from '../usage/payment-provider.js'
import { buy, purchaseRefundResult, purchaseResult, readPacks, readPlans, readPurchases, recordPurchase } from '../usage/purchases.js'
import type * as results from '../usage/results.js'
import { writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput } from './read-input.js'

/** How many purchases one list shows. */
const PURCHASES_MAX = 1_000

export async function purchase(desk: Desk, input: Input<'purchase'>): Promise<results.PurchaseResult> {
  const asked = readInput(inputs.purchase, input)
  const { pack, pending, reference = null, budget = null } = asked
  const signed = desk.signed('purchase', asked, { pack, pending, reference, budget })
  const shared = { ...signed, pack, budget, isSelfService: isSelfService(desk) }
  if (!pending && reference === null && !shared.isSelfService) return buy(desk.ledger, manualProvider, shared)
  // Nobody but an operator says that money was taken by other means: what a customer orders so waits until one does.
  const isSettled = !pending && !shared.isSelfService
  const command = { ...shared, kind: 'purchase', provider: manualProvider.name, isSettled, reference } as const
  return purchaseResult(await recordPurchase(desk.ledger, command))
}

/** Whoever is no operator buys for itself. */
function isSelfService(desk: Desk): boolean {
  return desk.party.holder !== 'operator'
}

export async function settlePurchase(desk: Desk, input: Input<'byPurchase'>): Promise<results.PurchaseResult> {
  const asked = readInput(inputs.byPurchase, input)
  return purchaseResult(await desk.write('settle_purchase', asked, { purchase: asked.purchase }))
}

export async function cancelPurchase(desk: Desk, input: Input<'byPurchase'>): Promise<results.PurchaseResult> {
  const asked = readInput(inputs.byPurchase, input)
  return purchaseResult(await desk.write('cancel_purchase', asked, { purchase: asked.purchase }))
}

export async function refundPurchase(desk: Desk, input: Input<'refundPurchase'>): Promise<results.PurchaseRefundResult> {
  const asked = readInput(inputs.refundPurchase, input)
  const facts = { purchase: asked.purchase, isForced: asked.force, reason: asked.reason ?? null }
  return purchaseRefundResult(await desk.write('refund_purchase', asked, facts))
}

export async function purchases(desk: Desk, input: Input<'account'>): Promise<readonly results.PaymentResult[]> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  // A delegated key sees nothing of what the account bought.
  if ((await desk.ownPart(id)) !== null) return []
  return readPurchases(desk.ledger, id, { isSelfService: isSelfService(desk), limit: PURCHASES_MAX })
}

export async function packs(desk: Desk, input: Input<'account'>): Promise<readonly results.PackResult[]> {
  const { account } = readInput(inputs.account, input)
  return readPacks(desk.ledger, desk.accountOf(account), { isSelfService: isSelfService(desk) })
}

export function plans(desk: Desk): Promise<readonly results.PlanResult[]> {
  return readPlans(desk.ledger)
}

export async function setSelfService(desk: Desk, input: Input<'setSelfService'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.setSelfService, input)
  return writeResult(await desk.write('set_self_service', asked, { isEnabled: asked.enabled }))
}

export async function setItem(desk: Desk, input: Input<'setItem'>): Promise<results.SetItemResult> {
  const asked = readInput(inputs.setItem, input)
  const quantity = asked.quantity
  readAmount(parseQuantity, quantity, 'quantity')
  return setItemResult(await desk.write('set_item', asked, { item: asked.item, quantity }))
}

export async function items(desk: Desk, input: Input<'account'>): Promise<readonly results.ItemResult[]> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  return (await desk.ownPart(id)) === null ? readItems(desk.ledger, id) : []
}
