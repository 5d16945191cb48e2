import type { Threshold } from '../catalog/catalog.js'
import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'

/** A threshold of the balance that an account has set for itself, beside those of its catalog (WC-14). */
export interface AlertThreshold {
  readonly level: Threshold['level']
  readonly when: Threshold['when']
  readonly limit: Threshold['limit']
}

export function alertDocument({ level, when, limit }: AlertThreshold): RecordDocument {
  const amount = limit.kind === 'absolute' ? { kind: limit.kind, credits: Number(limit.credits) } : limit
  return { level, when, limit: amount }
}

export function alertOf({ document }: AccountRecord): AlertThreshold {
  const { level, when, limit } = document as unknown as Omit<AlertThreshold, 'limit'> & {
    readonly limit: { readonly kind: 'absolute'; readonly credits: number } | Extract<Threshold['limit'], { readonly kind: 'percent_of_period' }>
  }
  return { level, when, limit: limit.kind === 'absolute' ? { kind: 'absolute', credits: BigInt(limit.credits) } : limit }
}
