import { cheaperBatches } from '../catalog/batching.js'
import { type CampaignRequest, cheaperCampaigns, estimateCampaign } from '../catalog/campaign.js'
import type { PricedLine } from '../catalog/quote-price.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import { cheaperVariants } from '../decide/alternatives.js'
import type { Actor, Subject } from '../decide/command.js'
import type { Draft } from '../decide/draft.js'
import { refusalsToSpendAll, spendingOnSubject } from '../decide/limits.js'
import { type PricedSubject, priceSubject, recordedLine, refuseProblem } from '../decide/price-subject.js'
import type { Cheaper } from '../errors.js'
import type { Labels } from '../ledger/transaction.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { usdFor, toUsd } from '../money/fiat.js'
import { errorOf, type Ledger } from './ledger.js'
import type { EstimateResult } from './results.js'

export interface EstimateAsked {
  /** Calls that are to be made together, or a campaign that the catalog knows to estimate (WC-10). */
  readonly work: { readonly subjects: readonly Subject[] } | { readonly campaign: CampaignRequest }
  /** For whom: budgets of a key, a member or a run may stop what the account could pay. */
  readonly actor: Actor
  readonly labels: Labels | null
}

/**
 * What calls would cost together if they were made now, at most and at least, and what would stop them. It answers
 * whatever the balance or plan, by the very rules that a charge is decided by, and writes nothing.
 *
 * @throws CreditError for what has no price, as a charge would
 */
export function estimate(ledger: Ledger, account: string, asked: EstimateAsked): Promise<EstimateResult> {
  return ledger.read(account, (draft) => estimateOn(draft, asked))
}

function estimateOn(draft: Draft, { work, actor, labels }: EstimateAsked): EstimateResult {
  const version = versionAt(draft.view.catalogs, draft.at)
  const priced = 'campaign' in work ? [campaignSubject(version, work.campaign)] : pricedSubjects(draft, work.subjects)
  const lines = priced.flatMap((one) => one.priced.lines)
  const minimum = sum(lines, (line) => line.minimum)
  const maximum = sum(lines, (line) => line.maximum)
  const calls = priced.map((subject) => ({ subject, spending: spendingOnSubject(draft, subject, actor, labels) }))
  const blockedBy = refusalsToSpendAll(draft, calls).map(({ refusal }) => ({
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
    picked: priced.flatMap(({ priced: { operation, variant }, picked }) => (picked === null ? [] : [{ operation, variant, reason: picked }])),
    affordable: blockedBy.length === 0,
    balanceAfter: toCredits(draft.account.books.available - maximum),
    blockedBy,
    cheaper: 'campaign' in work ? cheaperCampaigns(version.catalog, work.campaign) : cheaperWays(draft, version, priced),
    priceVersion: version.version,
  }
}

/** A campaign as one job of the operation that its complexity names. @throws CreditError `invalid_request` */
function campaignSubject(version: CatalogVersion, campaign: CampaignRequest): PricedSubject {
  const priced = estimateCampaign(version.catalog, campaign)
  if (priced.kind === 'problem') throw errorOf(refuseProblem(priced))
  return { kind: 'priced', priced, tool: null, version, picked: null, args: null }
}

function pricedSubjects(draft: Draft, subjects: readonly Subject[]): readonly PricedSubject[] {
  return subjects.flatMap((subject) => {
    const priced = priceSubject(draft, subject)
    if (priced.kind === 'refused') throw errorOf(priced)
    return priced.kind === 'free' ? [] : [priced]
  })
}

/** What would make the calls cheaper, each with its saving on the most that they cost: another variant, or fewer calls. */
function cheaperWays(draft: Draft, { catalog }: CatalogVersion, priced: readonly PricedSubject[]): readonly Cheaper[] {
  const requests = priced.map(({ priced: { operation, variant, quantity } }) => ({ operation, quantity, ...(variant === null ? {} : { variant }) }))
  const variants = priced.flatMap((one) => cheaperVariants(catalog, draft.account, one))
  return [...variants, ...cheaperBatches(catalog, requests)].sort((a, b) => b.saves - a.saves)
}

function sum(lines: readonly PricedLine[], amountOf: (line: PricedLine) => MicroCredits): MicroCredits {
  return lines.reduce((total, line) => total + amountOf(line), 0n)
}
