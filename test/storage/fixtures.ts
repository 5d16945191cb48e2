import type { BudgetTerms } from '../../src/budgets/budget.js'
import { parseCatalog } from '../../src/catalog/parse-catalog.js'
import type { CatalogVersion } from '../../src/catalog/version.js'
import { NO_PLAN } from '../../src/plans/period.js'
import type { Actor, Command, CommandOf, Subject } from '../../src/decide/command.js'
import type { Done, Outcome, Refusal } from '../../src/decide/outcome.js'
import type { KeyTerms } from '../../src/keys/key.js'
import type { Role } from '../../src/keys/member.js'
import { type MicroCredits, parseSignedCredits } from '../../src/money/credits.js'
import { MINUTE_MS, NEVER, type Instant } from '../../src/time/instant.js'

/** 2026-01-15T10:00:00Z: no month's end, no midnight. */
export const T0: Instant = Date.UTC(2026, 0, 15, 10)

const DOCUMENT = {
  id: 'store-test',
  name: 'Store test',
  unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
  price_increase_notice_days: 0,
  operations: {
    'work.unit': { name: 'Work', price: { model: 'per_unit', credits: '1' } },
    'work.open': { name: 'Open work', price: { model: 'range', minimum: '1', maximum: '10' } },
    'image.draw': {
      name: 'Image',
      variants: {
        small: { name: 'Small', price: { model: 'per_unit', credits: '2.5' } },
        large: { name: 'Large', price: { model: 'per_unit', credits: '7.000001' } },
      },
      default_variant: 'small',
    },
  },
  tools: { free_tool: { free: true } },
  default_tool_price: '1',
  plans: {
    monthly: { name: 'Monthly', monthly_credits: '100', price_usd: '1', rollover: { kind: 'none' } },
    keeper: { name: 'Keeper', monthly_credits: '30', price_usd: '1', rollover: { kind: 'unlimited' } },
  },
}

export function catalogVersion(version = 1, effectiveAt: Instant = 0, changed: object = {}): CatalogVersion {
  const parsed = parseCatalog({ ...DOCUMENT, ...changed })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return { version, effectiveAt, announcedAt: effectiveAt, catalog: parsed.catalog }
}

export function credits(amount: number | string): MicroCredits {
  return parseSignedCredits(amount, 'credits')
}

export const OPERATOR: Actor = { key: null, member: null, holder: 'operator', run: null }
export const AGENT: Actor = { key: null, member: null, holder: 'agent', run: null }
export const METER: Actor = { key: null, member: null, holder: 'meter', run: null }

type Given<K extends Command['kind']> = Partial<Omit<CommandOf<K>, 'kind' | 'account'>>

const BY_OPERATOR = { actor: OPERATOR, idempotencyKey: null, fingerprint: null } as const
const BY_AGENT = { ...BY_OPERATOR, actor: AGENT } as const

/** A key with the fingerprint of what it is used for. */
export function keyed(idempotencyKey: string, fingerprint = 'f1'): { readonly idempotencyKey: string; readonly fingerprint: string } {
  return { idempotencyKey, fingerprint }
}

export function createAccount(
  account: string,
  { settings = {}, ...given }: Omit<Given<'create_account'>, 'settings'> & { settings?: Partial<CommandOf<'create_account'>['settings']> } = {},
): Command {
  return {
    kind: 'create_account',
    account,
    ...BY_OPERATOR,
    plan: NO_PLAN,
    ...given,
    settings: { id: account, timeZone: 'UTC', parent: null, isTest: false, debtMax: 0n, labelSalt: `salt of ${account}`, ...settings },
  }
}

export function grant(account: string, amount: number, given: Given<'grant'> = {}): Command {
  return {
    kind: 'grant',
    account,
    ...BY_OPERATOR,
    amount: credits(amount),
    source: 'adjustment',
    priority: 20,
    isPaid: false,
    effectiveAt: null,
    expiresAt: null,
    reason: null,
    ...given,
  }
}

export function operation(id: string, quantity: number | null = null, more: { readonly variant?: string; readonly actual?: number } = {}): Subject {
  return {
    kind: 'operation',
    operation: id,
    variant: more.variant ?? null,
    quantity,
    args: null,
    actual: more.actual === undefined ? {} : { actual: credits(more.actual) },
  }
}

/** Charges `quantity` units of one credit each. */
export function charge(account: string, quantity: number, given: Given<'charge'> = {}): Command {
  return { kind: 'charge', account, ...BY_AGENT, subject: operation('work.unit', quantity), labels: null, ...given }
}

export function reserve(account: string, quantity: number, given: Given<'reserve'> = {}): Command {
  return {
    kind: 'reserve',
    account,
    ...BY_AGENT,
    subject: operation('work.unit', quantity),
    labels: null,
    ttlMs: 15 * MINUTE_MS,
    overrun: 'cap',
    call: null,
    ...given,
  }
}

export function quote(account: string, calls: readonly Subject[], given: Given<'quote'> = {}): Command {
  return { kind: 'quote', account, ...BY_AGENT, calls, isPlan: false, ttlMs: 15 * MINUTE_MS, ...given }
}

export function reserveQuoted(account: string, of: CommandOf<'reserve_quoted'>['of'], given: Given<'reserve_quoted'> = {}): Command {
  return { kind: 'reserve_quoted', account, ...BY_AGENT, of, labels: null, ttlMs: 15 * MINUTE_MS, ...given }
}

export function extend(account: string, reservation: string, ttlMs: number, given: Given<'extend'> = {}): Command {
  return { kind: 'extend', account, ...BY_AGENT, reservation, ttlMs, isHeartbeat: false, ...given }
}

export function settle(account: string, reservation: string, given: Given<'settle'> = {}): Command {
  return { kind: 'settle', account, ...BY_AGENT, reservation, actual: {}, fault: null, ...given }
}

export function release(account: string, reservation: string, given: Given<'release'> = {}): Command {
  return { kind: 'release', account, ...BY_AGENT, reservation, fault: null, ...given }
}

export function refund(account: string, transaction: string, amount: number | null = null, given: Given<'refund'> = {}): Command {
  return {
    kind: 'refund',
    account,
    ...BY_OPERATOR,
    transaction,
    amount: amount === null ? null : credits(amount),
    reason: null,
    ...given,
  }
}

export function adjust(account: string, amount: number, given: Given<'adjust'> = {}): Command {
  return { kind: 'adjust', account, ...BY_OPERATOR, amount: credits(amount), reason: null, ...given }
}

export function setState(account: string, state: CommandOf<'set_state'>['state'], given: Given<'set_state'> = {}): Command {
  return { kind: 'set_state', account, ...BY_OPERATOR, state, reason: null, ...given }
}

export function subscribe(account: string, plan: string): Command {
  return { kind: 'subscribe', account, ...BY_OPERATOR, plan, when: 'renewal' }
}

/** A hard budget of `limit` credits over all that the account has spent since, unless given otherwise. */
export function setBudget(account: string, id: string, limit: number, terms: Partial<BudgetTerms> = {}): Command {
  return {
    kind: 'set_budget',
    account,
    ...BY_OPERATOR,
    id,
    terms: {
      name: null,
      scope: { values: {}, each: null },
      window: { kind: 'total' },
      limit: credits(limit),
      enforcement: 'hard',
      thresholds: [],
      ...terms,
    },
  }
}

export function removeBudget(account: string, id: string): Command {
  return { kind: 'remove_budget', account, ...BY_OPERATOR, id }
}

export function createKey(account: string, id: string, terms: Partial<KeyTerms> = {}): Command {
  return {
    kind: 'create_key',
    account,
    ...BY_OPERATOR,
    id,
    digest: `digest of ${account}:${id}`,
    terms: {
      name: null,
      prefix: 'mc_test',
      scopes: ['credits:read', 'credits:spend'],
      environment: null,
      member: null,
      ancestors: [],
      expiresAt: NEVER,
      mayDelegate: true,
      isDelegated: false,
      ...terms,
    },
  }
}

export function revokeKey(account: string, id: string): Command {
  return { kind: 'revoke_key', account, ...BY_OPERATOR, id }
}

export function putMember(account: string, id: string, role: Role = 'member'): Command {
  return { kind: 'put_member', account, ...BY_OPERATOR, id, name: null, role }
}

export function sweep(account: string): Command {
  return { kind: 'sweep', account, ...BY_OPERATOR }
}

/** The yes of an outcome; a no fails the test and says why. */
export function doneOf(outcome: Outcome): Done {
  if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code}: ${outcome.refusal.message}`)
  return outcome
}

export function refusalOf(outcome: Outcome): Refusal {
  if (outcome.kind === 'done') throw new Error('done where a refusal was expected')
  return outcome.refusal
}
