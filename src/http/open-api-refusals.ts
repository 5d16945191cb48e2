import { z } from 'zod'
import { CreditError, type ErrorCode, ERRORS } from '../errors.js'
import { ASK_FOR_ANOTHER_KEY } from '../keys/key.js'
import { jsonSchemaOf, type JsonSchema, schemaReference } from './json-schemas.js'
import { problemOf, PROBLEM_TYPE } from './problem.js'
import { hasBody, type Route } from './route.js'

const body = {
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  retryable: z.boolean(),
  details: z.looseObject({}),
  advice: z.array(z.string()),
  affordable: z.looseObject({ units: z.number() }).nullable(),
  cheaper: z.array(z.looseObject({ change: z.string(), minimum: z.number(), maximum: z.number(), saves: z.number() })),
  top_up_url: z.string().nullable(),
  approval: z.looseObject({}).nullable(),
}

/** A refusal, as it stands in the body of every response that is none of the 200s. */
export const PROBLEM_SCHEMA: JsonSchema = jsonSchemaOf(
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    ...body,
    error: z.looseObject(body).describe('The same fields once more, as the one body that every door gives'),
  }),
  'output',
)

/** A status with which routes refuse. */
interface Refusal {
  readonly status: number
  /** The name of its response in the document. */
  readonly name: string
  readonly response: object
  happensAt(route: Route): boolean
}

const always = () => true

/** The statuses of refusals, each with an example that is a refusal as it comes. */
export const refusals: readonly Refusal[] = [
  refusal(400, 'badRequest', 'The request or an amount in it is not valid', always, () => new CreditError('invalid_amount', 'credits is -5; expected more than zero credits', { details: { field: 'credits' } })),
  refusal(401, 'unauthenticated', 'There is no valid key', always, () => new CreditError('unauthenticated', 'The key was revoked', { advice: [ASK_FOR_ANOTHER_KEY] })),
  refusal(402, 'paymentRequired', 'It is not paid for: credits, a budget, a plan, a price or an approval is missing', ({ isRefusedUnpaid }) => isRefusedUnpaid, outOfCredits),
  refusal(403, 'forbidden', 'The key does not allow it', always, () => new CreditError('forbidden', 'The key key_0f3a5b7c9d1e may not do this; it takes the scope admin', { details: { scope: 'admin', scopes: ['credits:read'] } })),
  refusal(404, 'notFound', 'There is no such thing in this account', ({ input }) => Object.keys(input.shape).length > 0, () => new CreditError('unknown_account', 'There is no account "acme"', { details: { account: 'acme' } })),
  refusal(409, 'conflict', 'It does not go with what was done before', ({ isWrite }) => isWrite, () => new CreditError('idempotency_conflict', 'The key "job-1" was used for something else')),
  refusal(413, 'tooLarge', 'The body is longer than the server takes', takesBody, () => new CreditError('invalid_request', 'The body has more than 1048576 bytes')),
  refusal(415, 'unsupportedMediaType', 'The body is not JSON', takesBody, () => new CreditError('invalid_request', 'The body is "text/plain"; expected application/json in UTF-8')),
  refusal(422, 'invalidCatalog', 'The catalog that is given is not valid', takesCatalog, () => new CreditError('catalog_invalid', 'The catalog is not valid:\noperations/report.write/price/credits: expected a decimal text')),
  refusal(429, 'rateLimited', 'Too many requests; never said of money', always, () => new CreditError('rate_limited', 'Too many requests'), {
    'Retry-After': { description: 'After how many seconds to try again', schema: { type: 'integer' } },
  }),
  refusal(500, 'internalError', 'Something went wrong inside', always, () => new CreditError('internal_error', 'Something went wrong inside; the operator was told')),
  refusal(503, 'unavailable', 'The ledger cannot be reached', always, () => new CreditError('ledger_unavailable', 'The ledger cannot be reached')),
]

function takesBody({ method }: Route): boolean {
  return hasBody(method)
}

function takesCatalog({ group, path, method }: Route): boolean {
  return group === 'admin' && path.startsWith('/v1/admin/catalog') && hasBody(method)
}

function outOfCredits(): CreditError {
  const limitedBy = { type: 'balance', id: 'acme', window: null, resetsAt: null }
  return new CreditError('out_of_credits', 'Out of credits: 60 needed, 12 available', {
    details: { required: 60, available: 12, reserved: 0, shortfall: 48, limitedBy },
    advice: ['Add credits: npx mcp-credits grant 48 --account acme'],
  })
}

function refusal(
  status: number,
  name: string,
  description: string,
  happensAt: Refusal['happensAt'],
  example: () => CreditError,
  headers: object | null = null,
): Refusal {
  const content = { [PROBLEM_TYPE]: { schema: { $ref: schemaReference('problem') }, example: problemOf(example(), status) } }
  return { status, name, response: { description, ...(headers === null ? {} : { headers }), content }, happensAt }
}
