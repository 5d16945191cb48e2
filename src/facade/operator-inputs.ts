import { z } from 'zod'
import { REQUEST_KINDS } from '../budgets/approval.js'
import { GUARD_IDS, IDENTICAL_MAX } from '../budgets/guard.js'
import { ENFORCEMENTS, ROLLING_HOURS_MAX, WINDOW_KINDS } from '../budgets/budget.js'
import { ROLES } from '../keys/member.js'
import { amount, id, instant, string, text, write } from './input-parts.js'

const WINDOW_WORDS = `one of ${WINDOW_KINDS.join(', ')} or rolling:<hours>h with 1 to ${ROLLING_HOURS_MAX} hours`

const window = string.refine(
  (value) => (WINDOW_KINDS as readonly string[]).includes(value) || isRolling(value),
  `expected ${WINDOW_WORDS}`,
)

function isRolling(value: string): boolean {
  const hours = Number(/^rolling:([1-9]\d{0,3})h$/.exec(value)?.[1])
  return hours >= 1 && hours <= ROLLING_HOURS_MAX
}

const EACH_WORDS = 'expected key, member, tool, operation, category, environment, run or label:<name>'

const scope = z.strictObject({
  key: id.optional(),
  member: id.optional(),
  tool: id.optional(),
  operation: id.optional(),
  category: id.optional(),
  environment: id.optional(),
  run: id.optional(),
  label: z.strictObject({ name: id, value: string }).optional(),
  each: string.regex(/^(key|member|tool|operation|category|environment|run|label:.{1,255})$/s, EACH_WORDS).optional(),
})

/** A length of time, `12h`, or milliseconds; read by one reader for all of them. */
const duration = z.union([string, z.number()])

/** Whole percentages of a limit. */
const percent = z.int().min(1).max(1_000)

/** Scopes of a key: what it may do, or the operations that it may spend on. Which operations there are, the ledger's catalog says. */
const keyScope = string.regex(
  /^[a-z][a-z0-9_.-]{0,99}(:(\*|[a-z0-9_.-]{1,100}))?$/,
  'expected credits:read, credits:spend, admin, operator, an operation such as image.generate, or a category such as content:*',
)

/** Without a bar, which stands between an issuer and its subject where a key is looked up. */
const issuer = id.regex(/^[^|]*$/, 'expected the address of an authorization server, without a |')

export const operatorInputs = {
  subscribe: z.strictObject({ ...write, plan: id, when: z.enum(['renewal', 'now']).default('renewal') }),
  write: z.strictObject(write),
  purchase: z.strictObject({
    ...write,
    pack: id,
    pending: z.boolean().default(false),
    budget: id.optional(),
    reference: id.optional(),
  }),
  byPurchase: z.strictObject({ ...write, purchase: id }),
  refundPurchase: z.strictObject({ ...write, purchase: id, force: z.boolean().default(false), reason: text.optional() }),
  setBudget: z
    .strictObject({
      ...write,
      id,
      name: text.optional(),
      window: window.default('month'),
      limit: amount,
      enforcement: z.enum(ENFORCEMENTS).default('hard'),
      scope: scope.default({}),
      thresholds: z.array(percent).max(20).optional(),
    })
    .refine((value) => value.window !== 'run' || (value.scope.each ?? 'run') === 'run', {
      path: ['scope'],
      message: 'a budget of the window run counts each run apart; leave scope.each out',
    }),
  byId: z.strictObject({ ...write, id }),
  raiseBudget: z.strictObject({ ...write, id, credits: amount, until: instant.optional() }),
  setAlert: z
    .strictObject({
      ...write,
      id,
      credits: amount.optional(),
      percent: z.number().refine((value) => value > 0 && value <= 100, 'expected a percentage, more than 0 and at most 100').meta({ exclusiveMinimum: 0, maximum: 100 }).optional(),
      level: z.enum(['low', 'critical']).default('low'),
      when: z.enum(['at_or_below', 'below']).default('at_or_below'),
    })
    .refine((value) => (value.credits === undefined) !== (value.percent === undefined), 'give either credits or percent'),
  setGuard: z.strictObject({
    ...write,
    id: z.enum(GUARD_IDS),
    above: amount.optional(),
    valid: duration.optional(),
    wait: duration.optional(),
    client: z.boolean().optional(),
    identical: z.int().min(1).max(IDENTICAL_MAX).optional(),
    within: duration.optional(),
    burn: amount.optional(),
    burnWithin: duration.optional(),
  }),
  byGuard: z.strictObject({ ...write, id: z.enum(GUARD_IDS) }),
  requestCredits: z.strictObject({ ...write, credits: amount, reason: text, kind: z.enum(REQUEST_KINDS), budget: id.optional() }),
  answerAtClient: z.strictObject({ account: id.optional(), id, approved: z.boolean() }),
  approvals: z.strictObject({ account: id.optional(), all: z.boolean().default(false), limit: z.int().min(1).max(1_000).default(100) }),
  putMember: z.strictObject({ ...write, id, name: text.optional(), role: z.enum(ROLES).default('member') }),
  createKey: z
    .strictObject({
      ...write,
      id: id.optional(),
      name: text.optional(),
      scopes: z.array(keyScope).min(1).max(100).optional(),
      environment: id.optional(),
      member: id.optional(),
      expiresAt: instant.optional(),
      mayDelegate: z.boolean().default(true),
      issuer: issuer.optional(),
      subject: id.optional(),
    })
    .refine((value) => (value.issuer === undefined) === (value.subject === undefined), 'give both issuer and subject, or neither'),
  subject: z.strictObject({ issuer, subject: id }),
  setItem: z.strictObject({ ...write, item: id, quantity: z.number().min(0).max(1_000_000_000) }),
  advanceClock: z.strictObject({ ...write, by: duration }),
  setTimeZone: z.strictObject({ ...write, timeZone: z.string().min(1).max(64) }),
  setSelfService: z.strictObject({ ...write, enabled: z.boolean() }),
  messages: z.strictObject({ account: id.optional(), limit: z.int().min(1).max(1_000).default(50) }),
  statement: z.strictObject({
    account: id.optional(),
    month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'expected a month such as 2026-11').optional(),
    timeZone: z.string().min(1).max(64).optional(),
  }),
  campaign: z.strictObject({
    platforms: z.int().min(1).max(1_000),
    weeks: z.int().min(1).max(520),
    postsPerWeek: z.int().min(1).max(1_000),
    complexity: string.min(1).max(64).default('standard'),
  }),
  whatIf: z.strictObject({ accounts: z.array(id).min(1).max(1_000).optional(), since: instant.optional(), until: instant.optional() }),
}
