import type { Pack } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { OPEN_GRANTS_MAX } from '../ledger/account.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { sha256 } from '../ledger/chain.js'
import { PRIORITY_DEFAULT } from '../ledger/grant.js'
import { formatId, type Transaction } from '../ledger/transaction.js'
import { AMOUNT_MAX, formatCredits, toCredits } from '../money/credits.js'
import {
  packExpiry, paymentLookup, type Purchase, purchaseDocument, purchaseOf, PROVIDER_NAME, SELF_SERVICE_PENDING_MAX, usdText,
} from '../plans/purchase.js'
import { moveLimit, raisable } from './budgets.js'
import type { CancelPurchaseCommand, PurchaseCommand, SettlePurchaseCommand } from './command.js'
import type { Draft } from './draft.js'
import { postGrant, takesNoMore, tooManyGrants } from './grant.js'
import { tell } from './messages.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { openRecord, tooMany, unknownRecord } from './records.js'
import { done, recorded } from './result.js'
import { refusalToBuy } from './self-service.js'

/**
 * Buys a pack: at once where it is paid for, otherwise it is pending until it is settled or cancelled. A payment that has
 * a reference is one purchase however often it is told of (T10, I6): told again, it is answered as before, and one that
 * was pending and is now paid is settled.
 */
export function decidePurchase(draft: Draft, command: PurchaseCommand): Outcome {
  const known = command.reference === null ? null : draft.record('purchase', paymentId(draft, command.provider, command.reference))
  if (known !== null) return boughtBefore(draft, command, known)
  const offer = offerOf(draft, command)
  if (offer.kind === 'refused') return offer
  const { transaction, record } = order(draft, command, offer)
  if (command.isSettled) return settle(draft, command, record)
  tell(draft, { type: 'purchase_pending', purchase: record.id, pack: offer.pack.id, credits: toCredits(offer.pack.credits) })
  return recorded(draft, transaction, record)
}

/** What can be bought, by the catalog in force. */
interface Offer {
  readonly kind: 'offer'
  readonly pack: Pack
  readonly priceVersion: number
}

type Wanted = Pick<PurchaseCommand, 'pack' | 'isSettled' | 'isSelfService' | 'budget' | 'provider'>

/** The pack that is wanted, or why it cannot be bought: asked as well by whoever starts a payment, before it is started. */
export function offerOf(draft: Draft, wanted: Wanted): Offer | Refused {
  const refused = refusalToBuy(draft, wanted)
  if (refused !== null) return refused
  const version = versionAt(draft.view.catalogs, draft.at)
  const pack = version.catalog.packs[wanted.pack]
  if (pack === undefined) return unknownPack(wanted.pack, Object.keys(version.catalog.packs))
  return refusalToOrder(draft, wanted, pack) ?? { kind: 'offer', pack, priceVersion: version.version }
}

/** The same payment again. */
function boughtBefore(draft: Draft, command: PurchaseCommand, record: AccountRecord): Outcome {
  const { pack, budget } = purchaseOf(record)
  if (pack !== command.pack || budget !== command.budget) {
    return refuse('idempotency_conflict', `The payment ${command.reference} of ${command.provider} was for something else`, {
      details: { purchase: record.id, pack, budget },
      advice: ['Tell of a payment once, with what was bought by it.'],
    })
  }
  return command.isSettled ? settleKnown(draft, command, record) : answeredBefore(draft, record)
}

/** Settles a pending purchase: it is paid, and its credits are there. Told twice it grants once (T10). */
export function decideSettlePurchase(draft: Draft, command: SettlePurchaseCommand): Outcome {
  const record = draft.record('purchase', command.purchase)
  return record === null ? unknownPurchase(draft, command.purchase) : settleKnown(draft, command, record)
}

function settleKnown(draft: Draft, command: PurchaseCommand | SettlePurchaseCommand, record: AccountRecord): Outcome {
  const { state } = purchaseOf(record)
  if (state === 'cancelled') return refuseState(record, 'was cancelled and cannot be settled any more; buy anew')
  if (state !== 'pending') return answeredBefore(draft, record)
  const cannot = refusalToSettle(draft, packOf(draft, purchaseOf(record)))
  return cannot ?? settle(draft, command, record)
}

/** Drops a purchase that was never paid. */
export function decideCancelPurchase(draft: Draft, command: CancelPurchaseCommand): Outcome {
  const record = draft.record('purchase', command.purchase)
  if (record === null) return unknownPurchase(draft, command.purchase)
  const purchase = purchaseOf(record)
  if (purchase.state !== 'pending') return refuseState(record, `is ${purchase.state}; only a pending one is cancelled`)
  const transaction = draft.post('amend', [], {
    ...signatureOf(command),
    credits: 0n,
    refersTo: purchase.orderedBy,
    detail: { change: 'purchase_cancelled', purchase: record.id, pack: purchase.pack },
  })
  draft.change({ pending: draft.account.pending - purchase.credits })
  return recorded(draft, transaction, putPurchase(draft, { ...purchase, state: 'cancelled' }, transaction, record))
}

/** The id of a purchase whose payment has a reference: the same payment is the same record. Salted, so that it tells nothing. */
function paymentId(draft: Draft, provider: string, reference: string): string {
  return `pu_${sha256(`${draft.account.labelSalt}\n${paymentLookup(provider, reference)}`).slice(0, 24)}`
}

/** Records what was ordered. The row answers for the command only where nothing more comes after it. */
function order(draft: Draft, command: PurchaseCommand, { pack, priceVersion }: Offer) {
  const { provider, reference, budget, isSettled, isSelfService } = command
  const knownId = reference === null ? null : paymentId(draft, provider, reference)
  const transaction = draft.post('amend', [], {
    ...(isSettled ? { actor: command.actor } : signatureOf(command)),
    credits: 0n,
    priceVersion,
    detail: {
      change: 'purchase_ordered',
      ...(knownId === null ? {} : { purchase: knownId }),
      pack: pack.id,
      name: pack.name,
      credits: toCredits(pack.credits),
      priceUsd: usdText(pack.price),
      provider,
      ...(reference === null ? {} : { reference }),
      ...(budget === null ? {} : { budget }),
      ...(isSelfService ? { isSelfService } : {}),
    },
  })
  const purchase: Purchase = {
    id: knownId ?? formatId('pu', transaction.sequence, transaction.hash),
    state: 'pending',
    pack: pack.id,
    name: pack.name,
    price: pack.price,
    credits: pack.credits,
    priceVersion,
    orderedAt: draft.at,
    orderedBy: transaction.sequence,
    settledAt: null,
    settledBy: null,
    grants: [],
    provider,
    reference,
    refunded: null,
    budget,
    raised: 0n,
    isSelfService,
  }
  draft.change({ pending: draft.account.pending + pack.credits })
  return { transaction, record: putPurchase(draft, purchase, transaction, null) }
}

/** Turns an order into grants, each part into one of its own (SN-08), and then says so in the row that answers. */
function settle(draft: Draft, command: PurchaseCommand | SettlePurchaseCommand, before: AccountRecord): Outcome {
  const ordered = purchaseOf(before)
  const pack = packOf(draft, ordered)
  const expiresAt = packExpiry(pack, draft.at, draft.account.timeZone)
  const granted = pack.parts
    .filter((part) => part.credits > 0n)
    .map(({ kind, credits }) =>
      postGrant(draft, {
        amount: credits,
        source: kind === 'paid' ? 'purchase' : 'purchase_bonus',
        priority: PRIORITY_DEFAULT,
        isPaid: kind === 'paid',
        at: draft.at,
        expiresAt,
        detail: { purchase: before.id, pack: pack.id },
      }),
    )
  const limited = ordered.budget === null ? null : openRecord(draft, 'budget', ordered.budget)
  const raised = limited === null ? 0n : raisable(limited, ordered.credits)
  const transaction = draft.post('amend', [], {
    ...signatureOf(command),
    credits: 0n,
    refersTo: ordered.orderedBy,
    priceVersion: ordered.priceVersion,
    detail: {
      change: 'purchase_settled',
      purchase: before.id,
      pack: ordered.pack,
      name: ordered.name,
      credits: toCredits(ordered.credits),
      priceUsd: usdText(ordered.price),
      grants: granted.map(({ sequence, hash }) => formatId('gr', sequence, hash)),
      ...(limited === null ? {} : { budget: limited.id, limitRaised: toCredits(raised) }),
    },
  })
  if (limited !== null) moveLimit(draft, limited, raised)
  draft.change({ pending: draft.account.pending - ordered.credits })
  const settled: Purchase = {
    ...ordered,
    state: 'settled',
    settledAt: draft.at,
    settledBy: transaction.sequence,
    grants: granted.map(({ sequence }) => sequence),
    raised,
  }
  return recorded(draft, transaction, putPurchase(draft, settled, transaction, before))
}

/** Writes a purchase as it now is; only a pending one is open. */
export function putPurchase(draft: Draft, purchase: Purchase, by: Transaction, before: AccountRecord | null): AccountRecord {
  const { id, state, provider, reference } = purchase
  const lookup = reference === null ? null : paymentLookup(provider, reference)
  return draft.putRecord(
    { kind: 'purchase', id, sequence: by.sequence, isOpen: state === 'pending', lookup, document: purchaseDocument(purchase) },
    before,
  )
}

/** The pack as it was when it was bought. */
export function packOf(draft: Draft, { pack, priceVersion }: Purchase): Pack {
  const found = draft.view.catalogs.find(({ version }) => version === priceVersion)?.catalog.packs[pack]
  if (found === undefined) throw new Error(`catalog version ${priceVersion} has no pack ${pack}`)
  return found
}

function refusalToOrder(draft: Draft, { budget, isSettled, isSelfService, provider }: Wanted, pack: Pack): Refused | null {
  if (isSelfService && budget !== null) return raisesNoLimit(budget)
  if (!PROVIDER_NAME.test(provider)) return refuse('invalid_request', 'provider: expected a name in lower case, such as "manual"')
  if (budget !== null && openRecord(draft, 'budget', budget) === null) return unknownRecord(draft, 'budget', 'unknown_budget', budget)
  if (isSettled) return refusalToSettle(draft, pack)
  if (draft.account.state === 'closed') return takesNoMore()
  if (draft.account.pending + pack.credits > AMOUNT_MAX) return tooMuch()
  return tooMany(draft, 'purchase') ?? (isSelfService ? refusalToWait(draft) : null)
}

/** Who is limited does not choose that what is bought raises the limit (ND-12). */
function raisesNoLimit(budget: string): Refused {
  return refuse('forbidden', 'Only an operator says which limit a purchase raises', {
    details: { budget },
    advice: ['Leave the budget out, or ask an operator to top it up.'],
  })
}

function refusalToWait(draft: Draft): Refused | null {
  const waiting = draft.records('purchase').filter((record) => purchaseOf(record).isSelfService)
  if (waiting.length < SELF_SERVICE_PENDING_MAX) return null
  return refuse('invalid_request', `${SELF_SERVICE_PENDING_MAX} purchases wait to be paid or cancelled; no more are ordered until then`, {
    details: { kind: 'purchase', max: SELF_SERVICE_PENDING_MAX },
    advice: ['Ask an operator to settle or cancel them.'],
  })
}

/** A suspended account is topped up as well: nobody has to spend to be given what they paid for. */
function refusalToSettle(draft: Draft, { credits, parts }: Pack): Refused | null {
  if (draft.account.state === 'closed') return takesNoMore()
  if (!draft.canIssue(credits)) return tooMuch()
  return draft.account.openGrants + parts.length > OPEN_GRANTS_MAX ? tooManyGrants() : null
}

function tooMuch(): Refused {
  return refuse('invalid_amount', `The account would exceed ${formatCredits(AMOUNT_MAX)} credits`)
}

/** What was answered when it was settled or, before that, ordered; the record tells what it has become. */
function answeredBefore(draft: Draft, record: AccountRecord): Outcome {
  const { settledBy, orderedBy } = purchaseOf(record)
  return { ...done(draft, draft.transaction(settledBy ?? orderedBy)), replayed: true, record }
}

function refuseState(record: AccountRecord, message: string): Refused {
  return refuse('invalid_request', `The purchase ${record.id} ${message}`, {
    details: { purchase: record.id, state: purchaseOf(record).state },
  })
}

export function unknownPurchase(draft: Draft, id: string): Refused {
  return unknownRecord(draft, 'purchase', 'unknown_purchase', id)
}

function unknownPack(pack: string, known: readonly string[]): Refused {
  return refuse('unknown_pack', `There is no pack ${JSON.stringify(pack.slice(0, 64))}`, {
    details: { pack: pack.slice(0, 64) },
    advice: [`The catalog has the packs: ${known.join(', ')}`],
  })
}

function signatureOf({ actor, idempotencyKey, fingerprint }: PurchaseCommand | SettlePurchaseCommand | CancelPurchaseCommand) {
  return { actor, idempotencyKey, fingerprint }
}
