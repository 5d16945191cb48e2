import type { RequestKind } from '../../src/budgets/approval.js'
import { approvalOf } from '../../src/budgets/approval.js'
import type { GuardTerms } from '../../src/budgets/guard.js'
import type { Command } from '../../src/decide/command.js'
import { parseCredits } from '../../src/money/credits.js'
import type { MemoryLedger } from './memory-ledger.js'

export const GUARD_VERBS = ['guard', 'unguard', 'reset', 'approve', 'deny', 'request']
export const GUARD_WORDS = ['above', 'valid', 'wait', 'client', 'identical', 'within', 'burn', 'per', 'reason', 'round']

interface Words {
  readonly name: string
  readonly amount: string | null
  readonly given: ReadonlyMap<string, string>
  readonly durationOf: (text: string) => number
  readonly ledger: MemoryLedger
}

/**
 * `guard approval above 5 valid 24h wait 1h client no`, `guard runaway identical 3 within 60s burn 20 per 1h`, `request budget 10`,
 * `approve asked` (the newest question) or by its id; null for a verb of another table.
 */
export function readGuardCommand(verb: string, words: Words): (Partial<Command> & { readonly kind: Command['kind'] }) | null {
  const { name, amount, given, ledger } = words
  switch (verb) {
    case 'guard':
      return { kind: 'set_guard', terms: termsOf(words) }
    case 'unguard':
      return { kind: 'remove_guard', id: name }
    case 'reset':
      return { kind: 'reset_guard', id: name }
    case 'request':
      return { kind: 'request_credits', asks: name as RequestKind, amount: parseCredits(amount ?? '', 'credits'), reason: given.get('reason') ?? 'because', budget: given.get('at') ?? null }
    case 'approve':
    case 'deny':
      return {
        kind: 'resolve_approval',
        id: name === 'asked' ? newestQuestion(ledger) : name,
        answer: verb === 'approve' ? 'approved' : 'denied',
        by: given.get('client') === 'yes' ? 'client' : 'operator',
      }
    default:
      return null
  }
}

function termsOf({ name, given, durationOf }: Words): GuardTerms {
  const span = (word: string, usual: string) => durationOf(given.get(word) ?? usual)
  if (name === 'approval') {
    const terms = { kind: 'approval', above: parseCredits(given.get('above') ?? '', 'above'), validMs: span('valid', '1d'), waitMs: span('wait', '1h') } as const
    return { ...terms, byClient: given.get('client') !== 'no' }
  }
  const [identical, burn] = [given.get('identical'), given.get('burn')]
  return {
    kind: 'runaway',
    identical: identical === undefined ? null : { calls: Number(identical), withinMs: span('within', '60s') },
    burn: burn === undefined ? null : { amount: parseCredits(burn, 'burn'), withinMs: span('per', '1h') },
  }
}

export function newestQuestion(ledger: MemoryLedger): string {
  const newest = ledger.allRecords('approval').reduce((last, record) => (approvalOf(record).askedAt >= approvalOf(last).askedAt ? record : last))
  return newest.id
}

/** What has become of the newest question: its state, and `+` where a yes went into something. */
export function questionText(ledger: MemoryLedger): string {
  const record = ledger.record('approval', newestQuestion(ledger))
  if (record === null) return 'nothing'
  const { state, usedBy } = approvalOf(record)
  return `${state}${usedBy === null ? '' : '+'}`
}
