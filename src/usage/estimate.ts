import { usdFor, toUsd } from '../money/fiat.js'
import type { PricedLine } from '../catalog/quote-price.js'
import { versionAt } from '../catalog/version.js'
import { cheaperVariants } from '../decide/alternatives.js'
import type { Subject } from '../decide/command.js'
import type { Draft } from '../decide/draft.js'
import { refusalToSpend, spendable } from '../decide/limits.js'
import type { Refused } from '../decide/outcome.js'
import { type PricedSubject, priceSubject, recordedLine } from '../decide/price-subject.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { errorOf, type Ledger } from './ledger.js'
import type { EstimateResult } from './results.js'

/**
 * What calls would cost together if they were made now, at most and at least, and what would stop them. It answers
 * whatever the balance or plan, by the very rules that a charge is decided by, and writes nothing.
 */
export function estimate(ledger: Ledger, account: string, subjects: readonly Subject[]): Promise<EstimateResult> {
  return ledger.read(account, (draft) => estimateOn(draft, subjects))
}

function estimateOn(draft: Draft, subjects: readonly Subject[]): EstimateResult {
  const version = versionAt(draft.view.catalogs, draft.at)
  const priced = subjects.map((subject) => pricedOrThrow(draft, subject)).filter((one) => one !== null)
  const lines = priced.flatMap((one) => one.priced.lines)
  const minimum = sum(lines, (line) => line.minimum)
  const maximum = sum(lines, (line) => line.maximum)
  const blockedBy = refusals(draft, priced, maximum).map(({ refusal }) => ({
    code: refusal.code,
    message: refusal.message,
    details: refusal.details ?? {},
  }))
  const { creditUsd } = version.catalog.unit
  return {
    minimum: toCredits(minimum),
    maximum: toCredits(maximum),
    usd: creditUsd === null ? null : toUsd(usdFor(maximum, creditUsd)),
    lines: lines.map(recordedLine),
    affordable: blockedBy.length === 0,
    balanceAfter: toCredits(draft.account.books.available - maximum),
    blockedBy,
    cheaper: priced.flatMap((one) => cheaperVariants(version.catalog, draft.account, one.priced)),
    priceVersion: version.version,
  }
}

function pricedOrThrow(draft: Draft, subject: Subject): PricedSubject | null {
  const priced = priceSubject(draft.view.catalogs, subject, draft.at)
  if (priced.kind === 'priced') return priced
  if (priced.kind === 'free') return null
  throw errorOf(priced)
}

/** What would stop each call by itself, and all of them together by their sum; each reason once. */
function refusals(draft: Draft, priced: readonly PricedSubject[], maximum: MicroCredits): readonly Refused[] {
  const first = priced[0]
  if (first === undefined) return []
  const single = priced.map((one) => refusalToSpend(draft, one, one.priced.maximum))
  const together = maximum > spendable(draft.account) ? refusalToSpend(draft, first, maximum) : null
  const found = new Map<string, Refused>()
  for (const refused of [together, ...single]) {
    if (refused !== null && !found.has(refused.refusal.code)) found.set(refused.refusal.code, refused)
  }
  return [...found.values()]
}

function sum(lines: readonly PricedLine[], amountOf: (line: PricedLine) => MicroCredits): MicroCredits {
  return lines.reduce((total, line) => total + amountOf(line), 0n)
}
