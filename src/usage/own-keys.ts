import { type Budget, budgetOf } from '../budgets/budget.js'
import type { Draft } from '../decide/draft.js'
import { ABOVE } from '../decide/limits.js'
import { ownBalance } from '../decide/own-part.js'
import { type Key, keyOf, seesAccount } from '../keys/key.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'

/** The part of an account that a key sees: what it does itself, and what the keys below it do. */
export interface OwnPart {
  /** The key itself first. */
  readonly keys: readonly string[]
  /** Whether the part was carved out for it, with a balance of its own; otherwise it sees what the account has left. */
  readonly isDelegated: boolean
  /** When the key was made: nothing before that is its own. */
  readonly since: Instant
}

/** What pays for a delegated key, as far as it sees: neither the account's grants nor their sources. */
export const DELEGATED = 'delegated'

/** What a budget is called to whoever sees a part of the account: one that is not of its keys stands above them. */
export function budgetNameTo(draft: Draft, own: OwnPart | null): (id: string) => string {
  if (own?.isDelegated !== true) return (id) => id
  const isOwn = ({ scope: { values, each } }: Budget): boolean => (values.key === undefined ? each === 'key' : own.keys.includes(values.key))
  const known = new Set([...own.keys, ...draft.records('budget').map(budgetOf).filter(isOwn).map(({ id }) => id)])
  return (id) => (known.has(id) ? id : ABOVE)
}

/** How many keys below one are looked for. */
const KEYS_MAX = 10_000

const PAGE = 1_000

/**
 * What of an account a party sees; null for all of it. Delegation carves out a part, and whoever holds it learns nothing
 * of the rest: what is not its own is to it as what never was. A key that may spend and not read sees what it did as well.
 *
 * @throws CreditError `unknown_account`
 */
export async function ownPart(ledger: Ledger, account: string, id: string | null): Promise<OwnPart | null> {
  if (id === null) return null
  const record = await ledger.read(account, (draft) => draft.record('key', id))
  if (record === null) return null
  const key = keyOf(record)
  if (!key.isDelegated && seesAccount(key.scopes)) return null
  // Who may not delegate has nobody below.
  const below = key.mayDelegate ? await keysBelow(ledger, account, record) : []
  return { keys: [id, ...below.map((one) => one.id)], since: key.createdAt, isDelegated: key.isDelegated }
}

/** What the key itself has left: of its part, or where none was carved out for it of the account. */
export function leftTo(draft: Draft, { keys }: OwnPart): MicroCredits {
  return ownBalance(draft, { key: keys[0] as string, member: null, run: null }) ?? draft.account.books.available
}

/** The keys below one, also those that hold no more, newest first. They were all made after it. */
async function keysBelow(ledger: Ledger, account: string, above: AccountRecord): Promise<readonly Key[]> {
  const below: Key[] = []
  let before: AccountRecord | undefined
  while (below.length < KEYS_MAX) {
    const last = before
    const page = await ledger.query((store) => store.records({ account, kind: 'key', ...(last === undefined ? {} : { before: last }), limit: PAGE }))
    below.push(...page.map(keyOf).filter(({ ancestors }) => ancestors.includes(above.id)))
    before = page.at(-1)
    if (before === undefined || page.length < PAGE || (above.isOpen && before.sequence <= above.sequence)) break
  }
  return below.slice(0, KEYS_MAX)
}
