import type { AlertThreshold } from '../budgets/alert.js'
import { type BudgetTerms, DEFAULT_THRESHOLDS, type Dimension, type Scope, type Window } from '../budgets/budget.js'
import {
  APPROVAL_DEFAULTS,
  APPROVAL_SPAN_MAX_MS,
  GUARD_IDS,
  type GuardId,
  type GuardTerms,
  IDENTICAL_WITHIN_DEFAULT_MS,
  RUNAWAY_WITHIN_MAX_MS,
} from '../budgets/guard.js'
import { CreditError } from '../errors.js'
import { DEFAULT_SCOPES, type KeyTerms } from '../keys/key.js'
import { parseCredits, parsePositiveCredits } from '../money/credits.js'
import { DAY_MS, NEVER } from '../time/instant.js'
import type { z } from 'zod'
import type { operatorInputs } from './operator-inputs.js'
import { readAmount, readDuration, readInstant } from './read-input.js'

type Read<K extends keyof typeof operatorInputs> = z.output<(typeof operatorInputs)[K]>

/** A budget as it was asked for, as the core takes it. @throws CreditError `invalid_amount` */
export function budgetTermsOf(asked: Read<'setBudget'>): BudgetTerms {
  const thresholds = asked.thresholds ?? DEFAULT_THRESHOLDS[asked.enforcement]
  return {
    name: asked.name ?? null,
    scope: scopeOf(asked.scope),
    window: windowOf(asked.window),
    limit: readAmount(parseCredits, asked.limit, 'limit'),
    enforcement: asked.enforcement,
    thresholds: [...new Set(thresholds)].sort((a, b) => a - b),
  }
}

function scopeOf({ label, each, ...plain }: Read<'setBudget'>['scope']): Scope {
  const values = Object.entries(plain).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const labels = label === undefined ? [] : [[`label:${label.name}`, label.value] as const]
  return { values: Object.fromEntries([...values, ...labels]), each: (each as Dimension | undefined) ?? null }
}

function windowOf(text: string): Window {
  const hours = /^rolling:(\d+)h$/.exec(text)?.[1]
  return hours === undefined ? ({ kind: text } as Window) : { kind: 'rolling', hours: Number(hours) }
}

/** @throws CreditError `invalid_amount` */
export function alertThresholdOf({ credits, percent, level, when }: Read<'setAlert'>): AlertThreshold {
  const limit =
    percent === undefined
      ? ({ kind: 'absolute', credits: readAmount(parsePositiveCredits, credits, 'credits') } as const)
      : ({ kind: 'percent_of_period', percent } as const)
  return { level, when, limit }
}

const GUARD_FIELDS: Readonly<Record<GuardId, readonly (keyof Read<'setGuard'>)[]>> = {
  approval: ['above', 'valid', 'wait', 'client'],
  runaway: ['identical', 'within', 'burn', 'burnWithin'],
}

/** A guard as it was asked for, as the core takes it. @throws CreditError `invalid_request`, `invalid_amount` */
export function guardTermsOf(asked: Read<'setGuard'>): GuardTerms {
  const { id } = asked
  const others = GUARD_IDS.filter((other) => other !== id).flatMap((other) => GUARD_FIELDS[other])
  const foreign = others.find((field) => asked[field] !== undefined)
  if (foreign !== undefined) throw misplaced(foreign, `goes with the other guard; ${id} takes ${GUARD_FIELDS[id].join(', ')}`)
  return id === 'approval' ? approvalTermsOf(asked) : runawayTermsOf(asked)
}

function approvalTermsOf({ above, valid, wait, client }: Read<'setGuard'>): GuardTerms {
  const { validMs, waitMs, byClient } = APPROVAL_DEFAULTS
  return {
    kind: 'approval',
    above: readAmount(parseCredits, above, 'above'),
    validMs: span(valid, 'valid', APPROVAL_SPAN_MAX_MS) ?? validMs,
    waitMs: span(wait, 'wait', APPROVAL_SPAN_MAX_MS) ?? waitMs,
    byClient: client ?? byClient,
  }
}

function runawayTermsOf({ identical, within, burn, burnWithin }: Read<'setGuard'>): GuardTerms {
  const withinMs = span(within, 'within', RUNAWAY_WITHIN_MAX_MS)
  const burnWithinMs = span(burnWithin, 'burnWithin', RUNAWAY_WITHIN_MAX_MS)
  if (identical === undefined && withinMs !== undefined) throw misplaced('within', 'goes with identical')
  if ((burn === undefined) !== (burnWithinMs === undefined)) throw misplaced('burn', 'goes with burnWithin, so many credits within so long')
  return {
    kind: 'runaway',
    identical: identical === undefined ? null : { calls: identical, withinMs: withinMs ?? IDENTICAL_WITHIN_DEFAULT_MS },
    burn: burnWithinMs === undefined ? null : { amount: readAmount(parsePositiveCredits, burn, 'burn'), withinMs: burnWithinMs },
  }
}

function misplaced(field: string, why: string): CreditError {
  return new CreditError('invalid_request', `${field}: ${why}`, { details: { field } })
}

/** @throws CreditError `invalid_request` */
function span(value: string | number | undefined, field: string, maxMs: number): number | undefined {
  if (value === undefined) return undefined
  const ms = readDuration(value, field)
  if (ms <= maxMs) return ms
  throw misplaced(field, `expected at most ${maxMs / DAY_MS} ${maxMs === DAY_MS ? 'day' : 'days'}`)
}

/** How much of a secret is shown again, for a person to recognise it by. */
export const PREFIX_LENGTH = 12

/** @throws CreditError `invalid_request` */
export function keyTermsOf(asked: Read<'createKey'>, secret: string): KeyTerms {
  return {
    name: asked.name ?? null,
    prefix: (asked.subject ?? secret).slice(0, PREFIX_LENGTH),
    scopes: asked.scopes ?? DEFAULT_SCOPES,
    environment: asked.environment ?? null,
    member: asked.member ?? null,
    ancestors: [],
    expiresAt: readInstant(asked.expiresAt, 'expiresAt') ?? NEVER,
    mayDelegate: asked.mayDelegate,
    isDelegated: false,
  }
}
