import { z } from 'zod'
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

/** Whole percentages of a limit. */
const percent = z.int().min(1).max(1_000)

/** Scopes of a key: what it may do, or the operations that it may spend on. */
const keyScope = string.regex(
  /^(credits:read|credits:spend|admin|[a-z][a-z0-9_.-]{0,99}(:\*)?)$/,
  'expected credits:read, credits:spend, admin, an operation such as image.generate, or a category such as content:*',
)

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
      percent: z.number().gt(0).max(100).optional(),
      level: z.enum(['low', 'critical']).default('low'),
      when: z.enum(['at_or_below', 'below']).default('at_or_below'),
    })
    .refine((value) => (value.credits === undefined) !== (value.percent === undefined), 'give either credits or percent'),
  putMember: z.strictObject({ ...write, id, name: text.optional(), role: z.enum(ROLES).default('member') }),
  createKey: z.strictObject({
    ...write,
    id: id.optional(),
    name: text.optional(),
    scopes: z.array(keyScope).min(1).max(100).optional(),
    environment: id.optional(),
    member: id.optional(),
    expiresAt: instant.optional(),
  }),
  setItem: z.strictObject({ ...write, item: id, quantity: z.number().min(0).max(1_000_000_000) }),
  advanceClock: z.strictObject({ ...write, by: z.union([string, z.number()]) }),
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
