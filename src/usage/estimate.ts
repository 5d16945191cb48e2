import { cheaperBatches } from '../catalog/batching.js'
import { type CampaignRequest, cheaperCampaigns, estimateCampaign } from '../catalog/campaign.js'
import type { PricedLine } from '../catalog/quote-price.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import { cheaperVariants } from '../decide/alternatives.js'
import type { Actor, QuoteCommand, Subject } from '../decide/command.js'
import { wouldAsk } from '../decide/consent.js'
import type { Draft } from '../decide/draft.js'
import { type PlannedCall, refusalsToSpendAll, spendableOn, spendingOnSubject } from '../decide/limits.js'
import type { Refused } from '../decide/outcome.js'
import { ownBalance } from '../decide/own-part.js'
import { type PricedSubject, priceSubject, recordedLine, refusalBySum, refuseProblem } from '../decide/price-subject.js'
import { subjectOfQuote } from '../decide/quoted.js'
import type { Cheaper } from '../errors.js'
import { quoteOf } from '../ledger/quote.js'
import type { Labels } from '../ledger/transaction.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import { worthInUsd } from './exact-figures.js'
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

/**
 * Binds the prices of calls for a time (AX-01) and tells them like an estimate, as the quote has them. What is free is not
 * quoted; where nothing is left to quote there is no id.
 *
 * @throws CreditError for what has no price, as a charge would
 */
export async function quote(ledger: Ledger, command: QuoteCommand, labels: Labels | null): Promise<EstimateResult> {
  const { account, actor, calls } = command
  const { transaction } = await ledger.update(command)
  const made = transaction === null ? null : quoteOf(transaction)
  if (made === null) return { ...(await estimate(ledger, account, { work: { subjects: calls }, actor, labels })), quoteId: null, expiresAt: null }
  const told = await ledger.read(account, (draft) => {
    const priced = made.calls.map((call, index) => subjectOfQuote(draft, { quote: made, index, call }))
    // A quote has at least one call, and all of them are of one version.
    const { version } = priced[0] as PricedSubject
    return { ...estimateOf(draft, { version, priced, actor, labels }), cheaper: cheaperWays(draft, version, priced) }
  })
  return { ...told, quoteId: made.id, expiresAt: formatInstant(made.expiresAt) }
}

function estimateOn(draft: Draft, { work, actor, labels }: EstimateAsked): EstimateResult {
  const version = versionAt(draft.view.catalogs, draft.at)
  const priced = 'campaign' in work ? [campaignSubject(version, work.campaign)] : pricedSubjects(draft, work.subjects)
  const cheaper = 'campaign' in work ? cheaperCampaigns(version.catalog, work.campaign) : cheaperWays(draft, version, priced)
  return { ...estimateOf(draft, { version, priced, actor, labels }), cheaper }
}

interface Priced extends Pick<EstimateAsked, 'actor' | 'labels'> {
  readonly version: CatalogVersion
  readonly priced: readonly PricedSubject[]
}

function estimateOf(draft: Draft, { version, priced, actor, labels }: Priced): Omit<EstimateResult, 'cheaper'> {
  const lines = priced.flatMap((one) => one.priced.lines)
  const minimum = sum(lines, (line) => line.minimum)
  const maximum = sum(lines, (line) => line.maximum)
  const calls = priced.map((subject) => ({ subject, spending: spendingOnSubject(draft, subject, actor, labels) }))
  const asking = askedAbout(draft, calls, actor)
  const blockedBy = [...refusalsToSpendAll(draft, calls), ...asking].map(({ refusal }) => ({
    code: refusal.code,
    message: refusal.message,
    details: refusal.details ?? {},
  }))
  const { creditUsd } = version.catalog.unit
  return {
    minimum: toCredits(minimum),
    maximum: toCredits(maximum),
    usd: worthInUsd(maximum, creditUsd),
    lines: lines.map(recordedLine),
    picked: priced.flatMap(({ priced: { operation, variant }, picked }) => (picked === null ? [] : [{ operation, variant, reason: picked }])),
    affordable: blockedBy.length === 0,
    balanceAfter: toCredits((ownBalance(draft, actor) ?? draft.account.books.available) - maximum),
    blockedBy,
    priceVersion: version.version,
  }
}

/** What people would be asked about, which each call is by itself; alike calls are told of once. */
function askedAbout(draft: Draft, calls: readonly PlannedCall[], { key }: Actor): readonly Refused[] {
  const asked = calls.map(({ subject: { priced, tool }, spending }) =>
    wouldAsk(draft, { key, operation: priced.operation, tool, amount: priced.maximum, available: spendableOn(draft, spending) }),
  )
  return [...new Map(asked.filter((refused) => refused !== null).map((refused) => [refused.refusal.message, refused])).values()]
}

/** A campaign as one job of the operation that its complexity names. @throws CreditError `invalid_request` */
function campaignSubject(version: CatalogVersion, campaign: CampaignRequest): PricedSubject {
  const priced = estimateCampaign(version.catalog, campaign)
  if (priced.kind === 'problem') throw errorOf(refuseProblem(priced))
  return { kind: 'priced', priced, tool: null, version, picked: null, args: null }
}

function pricedSubjects(draft: Draft, subjects: readonly Subject[]): readonly PricedSubject[] {
  const all = subjects.flatMap((subject) => {
    const priced = priceSubject(draft, subject)
    if (priced.kind === 'refused') throw errorOf(priced)
    return priced.kind === 'free' ? [] : [priced]
  })
  const refused = refusalBySum(all)
  if (refused !== null) throw errorOf(refused)
  return all
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
