import { versionAt } from '../catalog/version.js'
import { difference } from '../catalog/difference.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { formatInstant, formatInstantOrNull, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { MessageResult } from './results.js'

/**
 * What people are to be told of an account, newest first: thresholds reached, what nothing could pay, plans that ended,
 * and prices announced for a day to come (ND-13), which concern every account.
 *
 * @throws CreditError `unknown_account`
 */
export async function readMessages(ledger: Ledger, account: string, limit: number): Promise<readonly MessageResult[]> {
  const announced = await ledger.read(account, (draft) => announcements(draft.view.catalogs, draft.at))
  const own = await ledger.query((store) => store.records({ account, kind: 'message', limit }))
  return [...announced, ...own.map(messageResult)].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, limit)
}

type Catalogs = Parameters<typeof versionAt>[0]

function announcements(catalogs: Catalogs, at: Instant): readonly MessageResult[] {
  return catalogs
    .filter((version) => version.effectiveAt > at)
    .map((version) => {
      const changes = difference(versionAt(catalogs, at).catalog, version.catalog)
      const effectiveAt = formatInstant(version.effectiveAt)
      return {
        id: `prices.${version.version}`,
        type: 'prices_announced',
        at: formatInstant(version.announcedAt),
        text: `New prices take effect on ${effectiveAt}: ${changes.length} ${changes.length === 1 ? 'change' : 'changes'} (npx mcp-credits prices --changes)`,
        facts: { priceVersion: version.version, effectiveAt, changes },
      }
    })
}

function messageResult({ id, document }: AccountRecord): MessageResult {
  const { type, at, ...rest } = document as { readonly type: string; readonly at: Instant } & Facts
  const facts = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, INSTANTS.has(name) ? formatInstantOrNull(value as Instant) : value]))
  return { id, type, at: formatInstant(at), text: wordsOf(type, facts), facts }
}

type Facts = Readonly<Record<string, string | number | boolean | null>>

const INSTANTS: ReadonlySet<string> = new Set(['resetsAt', 'windowStart', 'endedAt'])

/** Figures say what they are of: how much is used and how much remains are never one bare percentage (T39). */
function wordsOf(type: string, facts: Facts): string {
  const { budget, subject, used, limit, remaining, usedPercent, threshold, thresholdRemainingPercent, operation, credits } = facts
  switch (type) {
    case 'balance_low':
    case 'balance_critical':
      return `The balance is ${type === 'balance_low' ? 'low' : 'critically low'}: ${remaining} credits remain (told of at ${
        threshold === null ? `${thresholdRemainingPercent} % remaining` : `${threshold} credits`
      })`
    case 'balance_exhausted':
      return 'The balance is used up: no credits remain'
    case 'budget_threshold':
      return `Budget ${budget}${subject === null ? '' : ` of ${subject}`}: ${used} of ${limit} credits used (${usedPercent} %, told of at ${threshold} %), ${remaining} remain${
        facts['resetsAt'] === null ? '' : `, resets ${facts['resetsAt']}`
      }`
    case 'uncollected':
      return `${credits} credits of ${operation} were used and nothing could pay them`
    default:
      return `${type.replaceAll('_', ' ')}: ${Object.entries(facts).map(([name, value]) => `${name} ${value}`).join(', ')}`
  }
}
