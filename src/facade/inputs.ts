import { z } from 'zod'
import { FAULTS } from '../decide/command.js'
import { PRIORITY_MAX } from '../ledger/grant.js'
import { TRANSACTION_KINDS } from '../ledger/transaction.js'
import { QUOTED_CALLS_MAX } from '../ledger/quote.js'
import { OVERRUN_POLICIES } from '../ledger/reservation.js'
import { account, amount, id, idempotencyKey, instant, shownIdempotencyKey, string, text, write } from './input-parts.js'
import { jsonProblem } from './json-value.js'
import { operatorInputs } from './operator-inputs.js'

/** Bounds what a journal row may carry: 64 labels, names up to 255 characters, values up to 1 kB. */
const LABELS_MAX = 64
const LABEL_BYTES_MAX = 1_024

const labels = z
  .record(string.min(1).max(255), string)
  .refine((value) => Object.keys(value).length <= LABELS_MAX, `expected at most ${LABELS_MAX} labels`)
  .refine((value) => Object.values(value).every((label) => Buffer.byteLength(label) <= LABEL_BYTES_MAX), 'expected values of at most 1 kB')

/** Looked through only where it is an object: what else it may be, the schema says. */
const args = z.record(z.string(), z.unknown()).superRefine((value, context) => {
  const message = jsonProblem(value)
  if (message !== null) context.addIssue({ code: 'custom', message })
})
const usage = z.record(z.string(), z.number())

const call = {
  operation: id,
  variant: id.optional(),
  quantity: z.number().optional(),
  args: args.optional(),
}

export const PLAIN_TOOL = 'a call of a tool has args alone: they say what it comes to'
const OF_OPERATION = { path: ['operation'], message: 'expected an operation with variant, quantity and args' }

/** What is to be done where a quote, a list or a campaign may say it instead. */
const anyCall = { ...call, operation: id.optional() }

/** A call that is priced with others or before it is made: of an operation, or of an upstream tool by its arguments alone. */
const priceable = { ...anyCall, tool: id.optional() }

const calls = z
  .array(
    z
      .strictObject(priceable)
      .refine(({ operation, tool }) => (operation === undefined) !== (tool === undefined), 'give either operation or tool')
      .refine(isPlainTool, PLAIN_TOOL),
  )
  .min(1)
  .max(QUOTED_CALLS_MAX)

interface AskedCall {
  readonly operation?: string | undefined
  readonly tool?: string | undefined
  readonly variant?: string | undefined
  readonly quantity?: number | undefined
  readonly args?: object | undefined
  readonly usage?: object | undefined
}

/** What a tool's call comes to, its arguments say. */
export function isPlainTool({ tool, variant, quantity, usage }: AskedCall): boolean {
  return tool === undefined || (variant === undefined && quantity === undefined && usage === undefined)
}

/** Whether what goes with an operation is given with one. */
function hasOperation({ operation, variant, quantity, args }: AskedCall): boolean {
  return operation !== undefined || (variant === undefined && quantity === undefined && args === undefined)
}

function countGiven(...values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length
}

/** A transaction's hash, as `doctor --head` prints it. */
const head = z.string().regex(/^\s*[\da-f]{64}\s*$/i, 'expected a head of 64 hexadecimal characters')

/** What a key may be delegated for: an operation, or a category with `:*`. */
const operationScope = string.regex(/^[a-z][a-z0-9_.-]{0,99}(:\*)?$/, 'expected an operation such as image.generate, or a category such as content:*')

/** Ten years: what is meant to last longer is a key of an operator's, which has no end. */
const LIFE_SECONDS_MAX = 315_360_000

const labelFilter = z.strictObject({ name: id, value: string })

/** What the library takes: strict objects, so that a misspelt field is refused and never silently ignored. */
export const inputs = {
  ...operatorInputs,
  createAccount: z.strictObject({
    id,
    plan: id.optional(),
    timeZone: z.string().min(1).max(64).default('UTC'),
    parent: id.optional(),
    test: z.boolean().default(false),
    debtLimit: amount.optional(),
    idempotencyKey,
  }),
  grant: z.strictObject({
    ...write,
    credits: amount,
    source: string.min(1).max(64).default('adjustment'),
    priority: z.int().min(0).max(PRIORITY_MAX).optional(),
    paid: z.boolean().default(false),
    effectiveAt: instant.optional(),
    expiresAt: instant.optional(),
    reason: text.optional(),
  }),
  adjust: z.strictObject({ ...write, credits: amount, reason: text.optional() }),
  charge: z
    .strictObject({ ...write, ...anyCall, usage: usage.optional(), actual: amount.optional(), labels: labels.optional(), quoteId: id.optional() })
    .refine(({ operation, quoteId }) => operation !== undefined || quoteId !== undefined, {
      path: ['operation'],
      message: 'expected the id of an operation, or quoteId for what is left of a quote',
    })
    .refine(hasOperation, OF_OPERATION),
  reserve: z
    .strictObject({
      ...write,
      ...anyCall,
      calls: calls.optional(),
      quoteId: id.optional(),
      labels: labels.optional(),
      ttlSeconds: z.number().positive().optional(),
      overrun: z.enum(OVERRUN_POLICIES).optional(),
    })
    .refine((asked) => countGiven(asked.operation, asked.calls, asked.quoteId) > 0, {
      path: ['operation'],
      message: 'expected the id of an operation, or calls, or quoteId for what is left of a quote',
    })
    .refine(({ operation, calls: list, quoteId }) => list === undefined || countGiven(operation, quoteId) === 0, 'give calls without operation and quoteId')
    .refine(hasOperation, OF_OPERATION)
    .refine(({ overrun, calls: list, quoteId }) => overrun === undefined || countGiven(list, quoteId) === 0, {
      path: ['overrun'],
      message: 'a quote is never exceeded; leave it out',
    }),
  extend: z.strictObject({ ...write, reservation: id, ttlSeconds: z.number().positive() }),
  settle: z.strictObject({
    ...write,
    reservation: id,
    actual: amount.optional(),
    quantity: z.number().optional(),
    usage: usage.optional(),
    fault: z.enum(FAULTS).optional(),
  }),
  release: z.strictObject({ ...write, reservation: id, fault: z.enum(FAULTS).optional() }),
  refund: z.strictObject({ ...write, transaction: id, credits: amount.optional(), reason: text.optional() }),
  setState: z.strictObject({ ...write, state: z.enum(['active', 'suspended', 'closed']), reason: text.optional() }),
  account: z.strictObject({ account }),
  estimate: z
    .strictObject({
      ...write,
      ...priceable,
      usage: usage.optional(),
      calls: calls.optional(),
      campaign: operatorInputs.campaign.optional(),
      labels: labels.optional(),
      quote: z.boolean().default(false),
      quoteTtlSeconds: z.number().positive().optional(),
    })
    .refine(
      ({ operation, tool, calls: list, campaign }) => countGiven(operation, tool, list, campaign) === 1,
      'give one of operation, tool, calls and campaign',
    )
    .refine(isPlainTool, PLAIN_TOOL)
    .refine(({ quote, campaign }) => !quote || campaign === undefined, { path: ['quote'], message: 'a campaign cannot be quoted; quote its calls' })
    .refine(({ quote, quoteTtlSeconds, idempotencyKey: key }) => quote || countGiven(quoteTtlSeconds, key) === 0, {
      path: ['quote'],
      message: 'quoteTtlSeconds and idempotencyKey are of a quote; expected true with them',
    }),
  usage: z.strictObject({
    account,
    since: instant.optional(),
    until: instant.optional(),
    period: string.min(1).max(10).optional(),
    groupBy: string.min(1).max(300).default('tool'),
    timeZone: z.string().min(1).max(64).optional(),
    label: labelFilter.optional(),
  }).refine(({ period, since, until }) => period === undefined || (since === undefined && until === undefined), 'give either period or since and until'),
  transactions: z.strictObject({
    account,
    type: z.enum(TRANSACTION_KINDS).optional(),
    operation: id.optional(),
    label: labelFilter.optional(),
    since: instant.optional(),
    until: instant.optional(),
    limit: z.int().min(1).max(1_000).default(50),
    cursor: id.optional(),
  }),
  explain: z
    .strictObject({ account, transaction: id.optional(), idempotencyKey: shownIdempotencyKey })
    .refine((value) => (value.transaction === undefined) !== (value.idempotencyKey === undefined), 'give either transaction or idempotencyKey'),
  delegate: z.strictObject({
    ...write,
    credits: amount,
    expiresInSeconds: z.number().positive().max(LIFE_SECONDS_MAX),
    operations: z.array(operationScope).min(1).max(100).optional(),
    name: text.optional(),
    mayDelegate: z.boolean().default(false),
  }),
  afford: z.strictObject({ account, credits: amount.optional(), category: id.optional() }),
  operations: z.strictObject({ category: id.optional(), search: id.optional(), changesSince: instant.optional() }),
  verify: z.strictObject({ account: id.optional(), since: head.optional() }),
}

export type Input<K extends keyof typeof inputs> = z.input<(typeof inputs)[K]>
