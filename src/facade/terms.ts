import type { AlertThreshold } from '../budgets/alert.js'
import { type BudgetTerms, DEFAULT_THRESHOLDS, type Dimension, type Scope, type Window } from '../budgets/budget.js'
import { DEFAULT_SCOPES, type KeyTerms } from '../keys/key.js'
import { parseCredits, parsePositiveCredits } from '../money/credits.js'
import { NEVER } from '../time/instant.js'
import type { z } from 'zod'
import type { operatorInputs } from './operator-inputs.js'
import { readAmount, readInstant } from './read-input.js'

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

/** How much of a secret is shown again, for a person to recognise it by. */
const PREFIX_LENGTH = 12

/** @throws CreditError `invalid_request` */
export function keyTermsOf(asked: Read<'createKey'>, secret: string): KeyTerms {
  return {
    name: asked.name ?? null,
    prefix: secret.slice(0, PREFIX_LENGTH),
    scopes: asked.scopes ?? DEFAULT_SCOPES,
    environment: asked.environment ?? null,
    member: asked.member ?? null,
    ancestors: [],
    expiresAt: readInstant(asked.expiresAt, 'expiresAt') ?? NEVER,
  }
}
