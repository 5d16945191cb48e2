import { openCredits } from '../../../dist/src/index.js'
import { ACCOUNTS, formOf } from './form.mjs'

export const LEDGER = 'mcp-credits'

/** Makes a ledger whose accounts have more credits than any run spends. @param {string} database */
export async function makeLedger(database) {
  const credits = await openCredits({ database, catalog: 'starter' })
  const make = async (/** @type {string} */ id) => {
    await credits.createAccount({ id, plan: 'none' })
    await credits.grant({ account: id, credits: 1_000_000_000 })
  }
  await Promise.all(Array.from({ length: ACCOUNTS }, (_, number) => make(`a${number}`)))
  await credits.close()
}

/**
 * Charges with everything that a charge has: a price, an idempotency key, grants, entries, the hash chain.
 *
 * @param {string} database a ledger of `makeLedger`
 */
export async function openLedger(database) {
  const credits = await openCredits({ database })
  let serial = 0
  const charge = (/** @type {number} */ account) => {
    serial += 1
    return credits.charge({ account: `a${account}`, operation: 'tool.call', idempotencyKey: `bench-${process.pid}-${serial}` })
  }
  return formOf(LEDGER, charge, () => credits.close())
}
