import { z } from 'zod'
import { FAULTS } from '../decide/command.js'
import { PRIORITY_MAX } from '../ledger/grant.js'
import { TRANSACTION_KINDS } from '../ledger/transaction.js'
import { OVERRUN_POLICIES } from '../ledger/reservation.js'
import { account, amount, id, idempotencyKey, instant, string, text, write } from './input-parts.js'
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

/** A transaction's hash, as `doctor --head` prints it. */
const head = z.string().regex(/^\s*[\da-f]{64}\s*$/i, 'expected a head of 64 hexadecimal characters')

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
  charge: z.strictObject({ ...write, ...call, usage: usage.optional(), actual: amount.optional(), labels: labels.optional() }),
  reserve: z.strictObject({
    ...write,
    ...call,
    labels: labels.optional(),
    ttlSeconds: z.number().positive().optional(),
    overrun: z.enum(OVERRUN_POLICIES).default('cap'),
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
    .strictObject({ account, ...call, operation: id.optional(), usage: usage.optional(), calls: z.array(z.strictObject(call)).min(1).max(100).optional(), campaign: operatorInputs.campaign.optional(), labels: labels.optional() })
    .refine(
      ({ operation, calls, campaign }) => [operation, calls, campaign].filter((one) => one !== undefined).length === 1,
      'give one of operation, calls and campaign',
    ),
  usage: z.strictObject({
    account,
    since: instant.optional(),
    until: instant.optional(),
    groupBy: string.min(1).max(300).default('tool'),
    timeZone: z.string().min(1).max(64).optional(),
    label: labelFilter.optional(),
  }),
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
    .strictObject({ account, transaction: id.optional(), idempotencyKey })
    .refine((value) => (value.transaction === undefined) !== (value.idempotencyKey === undefined), 'give either transaction or idempotencyKey'),
  afford: z.strictObject({ account, credits: amount.optional(), category: id.optional() }),
  operations: z.strictObject({ category: id.optional(), search: id.optional(), changesSince: instant.optional() }),
  verify: z.strictObject({ account: id.optional(), since: head.optional() }),
}

export type Input<K extends keyof typeof inputs> = z.input<(typeof inputs)[K]>
