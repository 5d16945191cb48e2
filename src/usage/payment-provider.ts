import type { MicroCredits } from '../money/credits.js'
import type { Fiat } from '../money/fiat.js'

/** What is to be paid for. */
export interface PaymentOrder {
  readonly account: string
  readonly pack: string
  readonly name: string
  readonly credits: MicroCredits
  readonly price: Fiat
  /** Asked for again under the same key, a provider answers the same payment: a retry is no second invoice (T13). */
  readonly key: string | null
}

export interface Payment {
  /** Paid already, or to be paid. Of the second a provider tells later, by the purchase or by the reference. */
  readonly state: 'settled' | 'pending'
  /** What the provider calls it; null where nobody else can ever tell of it again. */
  readonly reference: string | null
  /** Where it is to be paid. */
  readonly payUrl: string | null
}

/**
 * Whoever takes the money. One that answers `pending` tells of the payment afterwards: once it is paid by settling the
 * purchase, or by the same purchase again, settled, which also finds a payment whose order was lost in a crash.
 */
export interface PaymentProvider {
  /** Lower case; with the reference it names a payment in the whole ledger. */
  readonly name: string
  start(order: PaymentOrder): Promise<Payment>
}

/** An operator takes the money by other means and says so by buying: it is paid at once. */
export const manualProvider: PaymentProvider = {
  name: 'manual',
  start: async () => ({ state: 'settled', reference: null, payUrl: null }),
}
