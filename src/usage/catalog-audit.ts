import { canonicalJson } from '../catalog/canonical-json.js'
import type { Catalog, Plan } from '../catalog/catalog.js'
import { type Price, priceToDocument } from '../catalog/price.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Account } from '../ledger/account.js'
import { type AccountRecord, SPENDING_CAP } from '../ledger/account-record.js'
import type { Report } from '../ledger/audit-finding.js'
import { quoteOf } from '../ledger/quote.js'
import type { Reservation } from '../ledger/reservation.js'
import { type Transaction, transactionId } from '../ledger/transaction.js'

interface Moment {
  readonly account: Account
  readonly open: { readonly budget: readonly AccountRecord[] }
  readonly catalogs: readonly CatalogVersion[]
}

/**
 * Compares with the catalogs what was taken from them: the price that a reservation keeps is one that its version has,
 * the spending cap is one of the plan's, and whoever has had a trial is remembered to have had it.
 */
export class CatalogAudit {
  readonly #report: Report
  readonly #moment: Moment
  readonly #trials: ReadonlySet<string>
  readonly #prices = new Map<number, ReadonlySet<string> | null>()

  constructor(moment: Moment, records: readonly AccountRecord[], report: Report) {
    this.#moment = moment
    this.#report = report
    this.#trials = new Set(records.filter(({ kind }) => kind === 'trial').map(({ id }) => id))
  }

  add(transaction: Transaction, reservation: Reservation | null): void {
    if (reservation !== null) this.#checkPrice(reservation)
    this.#checkQuote(transaction)
    const { priceVersion, detail } = transaction
    if (priceVersion !== null && this.#pricesOf(priceVersion) === null) {
      this.#report(transactionId(transaction), 'catalogs', `it was priced by catalog version ${priceVersion}, and there is none`)
    }
    const isBeginning = detail['change'] === 'plan_begun' || detail['occasion'] === 'sign_up'
    if (isBeginning) this.#checkTrial(transaction, String(detail['plan']))
  }

  #checkTrial({ at }: Transaction, id: string): void {
    const { trial = false } = versionAt(this.#moment.catalogs, at).catalog.plans[id] ?? {}
    if (trial && !this.#trials.has(id)) this.#report(`trial ${id}`, 'records', 'the account has had this trial, and nothing remembers it')
  }

  #checkPrice({ id, price, priceVersion }: Reservation): void {
    if (!this.#isKnown(price, priceVersion)) this.#report(id, 'catalogs', `the reservation keeps a price that catalog version ${priceVersion} does not have`)
  }

  #checkQuote(transaction: Transaction): void {
    const quote = quoteOf(transaction)
    if (quote === null || quote.calls.every(({ price }) => this.#isKnown(price, quote.priceVersion))) return
    this.#report(quote.id, 'catalogs', `it quotes a price that catalog version ${quote.priceVersion} does not have`)
  }

  #isKnown(price: unknown, priceVersion: number): boolean {
    const known = this.#pricesOf(priceVersion)
    const { lines } = price as { readonly lines?: readonly { readonly price?: unknown }[] }
    return known !== null && Array.isArray(lines) && lines.every((line) => known.has(canonicalJson(line.price ?? null)))
  }

  #pricesOf(version: number): ReadonlySet<string> | null {
    let prices = this.#prices.get(version)
    if (prices === undefined) {
      const found = this.#moment.catalogs.find((known) => known.version === version)
      prices = found === undefined ? null : new Set(pricesOf(found.catalog).map((price) => canonicalJson(priceToDocument(price))))
      this.#prices.set(version, prices)
    }
    return prices
  }

  finish(): void {
    const cap = this.#moment.open.budget.find(({ id }) => id === SPENDING_CAP)
    const { subscription } = this.#moment.account
    const plans = subscription === null ? [] : this.#moment.catalogs.flatMap(({ catalog }) => catalog.plans[subscription.plan] ?? [])
    const known = plans.map(({ spendingCap }) => spendingCap)
    if (cap === undefined) {
      if (known.length > 0 && known.every((one) => one !== null)) this.#report(`budget ${SPENDING_CAP}`, 'records', 'the plan has a spending cap, and it is missing')
      return
    }
    if (!known.some((one) => isCapOf(cap, one))) {
      this.#report(`budget ${SPENDING_CAP}`, 'records', `it is not the spending cap of the plan ${subscription?.plan ?? 'that was ended'}`)
    }
  }
}

function isCapOf({ document }: AccountRecord, cap: Plan['spendingCap']): boolean {
  const { kind } = document['window'] as { readonly kind?: unknown }
  return cap !== null && Number(cap.credits) === Number(document['limit']) - Number(document['raisedBy']) && kind === (cap.window === 'period' ? 'billing_period' : 'total')
}

function pricesOf({ operations, tools, defaultToolPrice }: Catalog): readonly Price[] {
  const offers = Object.values(operations).flatMap(({ offer, variants }) => [...(offer === null ? [] : [offer]), ...Object.values(variants)])
  const own = Object.values(tools).flatMap((tool) => (tool.kind === 'priced' && tool.price !== null ? [tool.price] : []))
  const fallback: readonly Price[] = defaultToolPrice === null ? [] : [{ model: 'flat', credits: defaultToolPrice }]
  return [...offers.flatMap(({ price, surcharges }) => [price, ...surcharges.map((surcharge) => surcharge.price)]), ...own, ...fallback]
}
