import * as crypto from 'node:crypto'
import type { Instant } from '../time/instant.js'
import type { Entry, Labels, Transaction } from './transaction.js'

/**
 * The chain (AX-21): each transaction's hash covers the hash before it and one canonical text of the row, the same
 * bytes whichever database holds it. A new form gets a new number; the old ones stay readable for ever.
 */
const FORM = 1

export type Unhashed = Omit<Transaction, 'hash'>

export function genesisHash(account: string, createdAt: Instant): string {
  return sha256(JSON.stringify(['genesis', FORM, account, createdAt]))
}

export function transactionHash(previous: string, transaction: Unhashed): string {
  return sha256(`${previous}\n${canonicalText(transaction)}`)
}

/** Every column that a reader relies on, in a fixed order; labels by their digest alone. */
function canonicalText(transaction: Unhashed): string {
  return JSON.stringify([
    FORM,
    transaction.account,
    transaction.sequence,
    transaction.kind,
    transaction.at,
    String(transaction.credits),
    String(transaction.balanceAfter),
    transaction.operation,
    transaction.variant,
    transaction.quantity,
    transaction.tool,
    transaction.key,
    transaction.member,
    transaction.labelsDigest,
    transaction.idempotencyKey,
    transaction.fingerprint,
    transaction.refersTo,
    transaction.priceVersion,
    transaction.detail,
    entriesText(transaction.entries),
  ])
}

/** Entries as they are stored: one short JSON text a transaction. Amounts are below 2⁵³, so JSON numbers are exact. */
export function entriesText(entries: readonly Entry[]): string {
  let text = ''
  for (const entry of entries) {
    text += `${text === '' ? '[' : ','}["${entry.book}",${entry.grant},${entry.amount},${entry.balanceAfter}]`
  }
  return text === '' ? '[]' : `${text}]`
}

export function entriesFromText(text: string): readonly Entry[] {
  const rows = JSON.parse(text) as [Entry['book'], number | null, number, number][]
  return rows.map(([book, grant, amount, balanceAfter]) => ({
    book,
    grant,
    amount: BigInt(amount),
    balanceAfter: BigInt(balanceAfter),
  }))
}

/** Labels enter the chain as a salted digest: the labels can be erased, the chain stays whole. */
export function labelsDigest(salt: string, labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256(JSON.stringify([salt, sorted]))
}

export function sha256(text: string): string {
  return oneShotHash(text)
}

/** Node has hashed in one call, at half the cost, since 20.12. */
const oneShotHash: (text: string) => string =
  'hash' in crypto
    ? (text) => crypto.hash('sha256', text, 'hex')
    : (text) => (crypto as typeof import('node:crypto')).createHash('sha256').update(text).digest('hex')
