import { QUOTE_DEFAULT_MS } from '../decide/quote.js'
import { parseCredits } from '../money/credits.js'
import { afford as affordable } from '../usage/afford.js'
import { readBalance } from '../usage/balance.js'
import { estimate as estimateWork, quote as quoteWork } from '../usage/estimate.js'
import { explain as explainOne } from '../usage/explain.js'
import { history } from '../usage/history.js'
import { usageReport } from '../usage/report.js'
import type * as results from '../usage/results.js'
import { statement as statementOf } from '../usage/statement.js'
import { verify as verifyLedger } from '../usage/verify.js'
import { whatIf as whatIfOf } from '../usage/what-if.js'
import { DAY_MS } from '../time/instant.js'
import { readCatalog } from './catalog-source.js'
import { subjectOf } from './consumption.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput, readInstant, readTimeZone } from './read-input.js'

export async function balance(desk: Desk, input: Input<'account'>): Promise<results.BalanceResult> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  return readBalance(desk.ledger, id, { party: desk.actorIn(id), withoutMeter: desk.party.holder === 'agent', own: await desk.ownPart(id) })
}

export async function estimate(desk: Desk, input: Input<'estimate'>): Promise<results.EstimateResult> {
  const asked = readInput(inputs.estimate, input)
  const subjects = (asked.calls ?? [asked]).map(subjectOf)
  const labels = asked.labels ?? null
  if (asked.quote) {
    const ttlMs = asked.quoteTtlSeconds === undefined ? QUOTE_DEFAULT_MS : Math.ceil(asked.quoteTtlSeconds * 1_000)
    const facts = { calls: subjects, isPlan: asked.calls !== undefined, ttlMs }
    return quoteWork(desk.ledger, { kind: 'quote', ...desk.signed('quote', asked, facts), ...facts }, labels)
  }
  const account = desk.accountOf(asked.account)
  const work = asked.campaign === undefined ? { subjects } : { campaign: asked.campaign }
  return estimateWork(desk.ledger, account, { work, actor: desk.actorIn(account), labels })
}

export async function usage(desk: Desk, input: Input<'usage'>): Promise<results.UsageResult> {
  const asked = readInput(inputs.usage, input)
  const account = desk.accountOf(asked.account)
  return usageReport(desk.ledger, {
    account,
    own: await desk.ownPart(account),
    since: readInstant(asked.since, 'since'),
    until: readInstant(asked.until, 'until'),
    period: asked.period ?? null,
    groupBy: asked.groupBy,
    timeZone: asked.timeZone === undefined ? null : readTimeZone(asked.timeZone),
    label: asked.label ?? null,
  })
}

export async function transactions(desk: Desk, input: Input<'transactions'>): Promise<results.TransactionsResult> {
  const asked = readInput(inputs.transactions, input)
  const account = desk.accountOf(asked.account)
  return history(desk.ledger, {
    account,
    own: await desk.ownPart(account),
    type: asked.type ?? null,
    operation: asked.operation ?? null,
    label: asked.label ?? null,
    since: readInstant(asked.since, 'since'),
    until: readInstant(asked.until, 'until'),
    limit: asked.limit,
    cursor: asked.cursor ?? null,
    withoutMeter: desk.party.holder === 'agent',
  })
}

export async function explain(desk: Desk, input: Input<'explain'>): Promise<results.ExplainResult> {
  const asked = readInput(inputs.explain, input)
  const by = asked.transaction === undefined ? { key: asked.idempotencyKey as string } : { transaction: asked.transaction }
  const account = desk.accountOf(asked.account)
  return explainOne(desk.ledger, account, by, await desk.ownPart(account))
}

export async function afford(desk: Desk, input: Input<'afford'>): Promise<results.AffordResult> {
  const asked = readInput(inputs.afford, input)
  const credits = asked.credits === undefined ? null : readAmount(parseCredits, asked.credits, 'credits')
  const account = desk.accountOf(asked.account)
  return affordable(desk.ledger, account, desk.actorIn(account), { credits, category: asked.category ?? null })
}

/** A calendar month of an account as a whole, its lines adding up to the micro-credit. */
export async function statement(desk: Desk, input: Input<'statement'>): Promise<results.StatementResult> {
  const asked = readInput(inputs.statement, input)
  return statementOf(desk.ledger, { account: await desk.wholeAccount(asked.account), month: asked.month ?? null, timeZone: asked.timeZone ?? null })
}

/** How far back a draft catalog is tried on what happened, unless told. */
const WHAT_IF_MS = 30 * DAY_MS

export async function whatIf(desk: Desk, catalog: string | object, input: Input<'whatIf'>): Promise<results.WhatIfResult> {
  const asked = readInput(inputs.whatIf, input)
  const until = readInstant(asked.until, 'until') ?? desk.ledger.now()
  const since = readInstant(asked.since, 'since') ?? Math.max(0, until - WHAT_IF_MS)
  const accounts = asked.accounts === undefined ? null : await Promise.all(asked.accounts.map((account) => desk.wholeAccount(account)))
  const ledger = accounts === null ? desk.wholeLedger() : desk.ledger
  return whatIfOf(ledger, await readCatalog(catalog), { accounts, since, until })
}

export async function verify(desk: Desk, input: Input<'verify'>): Promise<results.VerifyResult> {
  const asked = readInput(inputs.verify, input)
  const since = asked.since ?? null
  if (asked.account === undefined) return verifyLedger(desk.wholeLedger(), { account: null, since })
  return verifyLedger(desk.ledger, { account: await desk.wholeAccount(asked.account), since })
}
