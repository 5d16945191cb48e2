import { openCredits } from '../../../dist/src/index.js'

/**
 * A ledger whose default account has more credits than any run spends.
 *
 * @param {string} database
 * @returns {Promise<string>} a key that may spend
 */
export async function makeMeteredLedger(database) {
  const credits = await openCredits({ database, catalog: 'starter' })
  await credits.createAccount({ id: 'default', plan: 'none' })
  await credits.grant({ account: 'default', credits: 1_000_000_000 })
  const { key } = await credits.createKey({ account: 'default', scopes: ['credits:read', 'credits:spend'] })
  await credits.close()
  return String(key)
}
