import { type ApprovalStatus, approvalOf, statusAt } from '../budgets/approval.js'
import { versionAt } from '../catalog/version.js'
import { difference } from '../catalog/difference.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { formatInstant, formatInstantOrNull, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import { budgetNameTo, type OwnPart } from './own-keys.js'
import type { MessageResult } from './results.js'

/**
 * What people are to be told of an account, newest first: thresholds reached, what nothing could pay, plans that ended,
 * and prices announced for a day to come (ND-13), which concern every account.
 *
 * @throws CreditError `unknown_account`
 */
export async function readMessages(ledger: Ledger, account: string, limit: number, own: OwnPart | null = null): Promise<readonly MessageResult[]> {
  const { announced, nameOf } = await ledger.read(account, (draft) => ({ announced: announcements(draft.view.catalogs, draft.at), nameOf: budgetNameTo(draft, own) }))
  // Of the account's affairs a delegated key is told what concerns the limits of its own: they are called as its keys are.
  const isOwn = ({ document: { type, budget, key } }: AccountRecord): boolean =>
    own === null || (type === 'budget_threshold' && own.keys.includes(String(budget))) || (typeof key === 'string' && own.keys.includes(key))
  const recorded = await ledger.query((store) => store.records({ account, kind: 'message', limit: own === null ? limit : LOOKED_AT }))
  const shown = recorded.filter(isOwn).slice(0, limit).map((record) => withBudgetNamed(record, nameOf))
  const statusOf = await approvalStatuses(ledger, account, shown)
  return [...announced, ...shown.map((record) => messageResult(record, statusOf))].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, limit)
}

function withBudgetNamed(record: AccountRecord, nameOf: (id: string) => string): AccountRecord {
  const { budget } = record.document
  return typeof budget === 'string' ? { ...record, document: { ...record.document, budget: nameOf(budget) } } : record
}

/** How many of an account's messages are looked through for those of one key. */
const LOOKED_AT = 1_000

type StatusOf = (approval: string, askedAt: Instant) => ApprovalStatus

/** What has become of the questions that messages tell of: one that was asked again since waits no more under its old date. */
async function approvalStatuses(ledger: Ledger, account: string, messages: readonly AccountRecord[]): Promise<StatusOf> {
  if (!messages.some(({ document }) => document['type'] === 'approval_requested')) return () => 'lapsed'
  const at = await ledger.read(account, (draft) => draft.at)
  const records = await ledger.query((store) => store.records({ account, kind: 'approval', limit: LOOKED_AT }))
  const known = new Map(records.map((record) => [record.id, approvalOf(record)]))
  return (id, askedAt) => {
    const approval = known.get(id)
    return approval?.askedAt === askedAt ? statusAt(approval, at) : 'lapsed'
  }
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

function messageResult({ id, document }: AccountRecord, statusOf: StatusOf): MessageResult {
  const { type, at, ...rest } = document as { readonly type: string; readonly at: Instant } & Facts
  const told = type === 'approval_requested' ? { ...rest, status: statusOf(String(rest['approval']), at) } : rest
  const facts = Object.fromEntries(Object.entries(told).map(([name, value]) => [name, INSTANTS.has(name) ? formatInstantOrNull(value as Instant) : value]))
  return { id, type, at: formatInstant(at), text: wordsOf(type, facts), facts }
}

type Facts = Readonly<Record<string, string | number | boolean | null>>

const INSTANTS: ReadonlySet<string> = new Set(['resetsAt', 'windowStart', 'endedAt', 'expiresAt', 'until'])

/** What an agent wants a person to say yes to. */
function askedWords({ asks, key, credits, operation, tool, budget }: Facts): string {
  const who = key === null ? 'An agent' : `The key ${key}`
  if (asks === 'budget') return `${who} asks for ${credits} credits more in the budget ${budget}`
  if (asks === 'top_up') return `${who} asks for a top-up of ${credits} credits`
  return `${who} asks for approval of ${asks === 'approval' ? 'any one call' : (tool ?? operation)} for at most ${credits} credits`
}

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
    case 'approval_requested':
      return `${askedWords(facts)}${facts['reason'] === null ? '' : `, because: ${facts['reason']}`} (${
        facts['status'] === 'pending' ? `npx mcp-credits approve ${facts['approval']}, until ${facts['expiresAt']}` : facts['status']
      })`
    case 'runaway_stopped':
      return `${facts['tool'] ?? operation}: calls were stopped as running away (${facts['by'] === 'identical' ? 'the same one over and over' : 'too much too fast'}); npx mcp-credits guard reset runaway lets go`
    case 'uncollected':
      return `${credits} credits of ${operation} were used and nothing could pay them`
    default:
      return `${type.replaceAll('_', ' ')}: ${Object.entries(facts).map(([name, value]) => `${name} ${value}`).join(', ')}`
  }
}
