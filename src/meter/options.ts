import { z } from 'zod'
import type { Credits } from '../credits.js'
import { readInput } from '../facade/read-input.js'
import { isName } from '../ledger/storable-text.js'
import { QUANTITY_MAX } from '../money/rate.js'
import type { Arguments, CallContext } from './call-context.js'

/** How {@link meter} prices and charges the calls of a server. `Context` is what the server's SDK gives its handlers. */
export interface MeterOptions<Context = object> {
  readonly credits: Credits
  /**
   * Who pays: an account, or a function of the call that tells it. Left out, the account that `credits` is bound to. A
   * function that answers null, or throws, has the call refused.
   */
  readonly account?: string | ((context: CallContext<Context>) => Payer | null | Promise<Payer | null>)
  /**
   * What a call is priced as: by tool, or by a function of its arguments. Left out, and for tools that it does not name or
   * answers null for, it is what the catalog maps the tool to. What has no price is refused, and a function that throws has
   * the call refused.
   */
  readonly price?: PriceMap | PriceFunction<Context>
  /**
   * What a success did cost, by its result; null where the catalog is to read it. Where this throws, or says what has no
   * price, what was reserved is charged, and `report` is told.
   */
  readonly cost?: (args: Arguments, result: CallResult, context: CallContext<Context>) => Cost | Promise<Cost>
  /** Leaves out the short text that a result carries once credits run low. */
  readonly withoutNotes?: boolean
  /** Told, in a line for people, what went wrong behind a call; a client is not told it. */
  readonly report?: (line: string) => void
}

/** An account, or on whose behalf within it: the key's id, the member and the run that budgets count it to. */
export type Payer =
  | string
  | {
      readonly account: string
      readonly key?: string | null
      readonly member?: string | null
      readonly run?: string | null
    }

/** An operation of the catalog that a call counts as. */
export interface PricedAs {
  readonly operation: string
  /** The operation's default variant, unless told; `auto` for the cheapest that meets `args`. */
  readonly variant?: string | undefined
  /** One, unless told. A number is rounded up to a millionth. */
  readonly quantity?: number | undefined
  /** Read by operations that find their variant or quantity in them. Never the call's own, unless told. */
  readonly args?: Readonly<Record<string, unknown>> | undefined
}

/** An operation's id says as much as `{ operation }`; `free` costs nothing; null is what the catalog says. */
export type Price = PricedAs | string | 'free' | null

/** Prices by the name of the tool; a member of a row may be told by the call's arguments. */
export type PriceMap = Readonly<Record<string, PriceRow | string | 'free' | null>>

export interface PriceRow {
  readonly operation: string
  readonly variant?: string | ((args: Arguments) => string | undefined)
  readonly quantity?: number | ((args: Arguments) => number | undefined)
  readonly args?: Readonly<Record<string, unknown>> | ((args: Arguments) => Readonly<Record<string, unknown>> | undefined)
}

/** The arguments are those that the tool gets, defaults filled in, where its schema is known; otherwise as they were sent. */
export type PriceFunction<Context = object> = (args: Arguments, context: CallContext<Context>) => Price | Promise<Price>

/** Credits, or what was consumed for the catalog to price. A number is rounded up to a millionth. */
export type Cost =
  | number
  | { readonly actual: number }
  | { readonly quantity: number }
  | { readonly usage: Readonly<Record<string, number>> }
  | null

/** A tool's result. What is in it is the tool's to say, so its members are not typed here. */
export interface CallResult {
  readonly content?: readonly any[]
  readonly structuredContent?: any
  readonly _meta?: Readonly<Record<string, any>>
  readonly [member: string]: any
}

const name = z.string().refine(isName, 'expected a text of 1 to 255 characters')
const isFunction = (value: unknown): value is () => unknown => typeof value === 'function'
const isText = (value: unknown): boolean => typeof value === 'string' && isName(value)
const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
/** One that stands there for good, and is less than is ever counted, is a slip. */
const isQuantity = (value: unknown): boolean => value === 0 || (typeof value === 'number' && value >= 1e-6 && value <= QUANTITY_MAX)
const schema = z.strictObject({
  credits: z.custom((value) => isFunction((value as Partial<Credits> | null)?.meter), 'expected what openCredits() answers'),
  account: z.custom((value) => isFunction(value) || isText(value), 'expected the id of an account or a function').optional(),
  price: z.custom((value) => isFunction(value) || isPlain(value), 'expected prices by tool, or a function').optional(),
  cost: z.custom(isFunction, 'expected a function').optional(),
  withoutNotes: z.boolean().optional(),
  report: z.custom(isFunction, 'expected a function').optional(),
})

const row = z.strictObject({
  operation: name,
  variant: z.custom((value) => isFunction(value) || isText(value), 'expected the id of a variant or a function').optional(),
  quantity: z.custom((value) => isFunction(value) || isQuantity(value), `expected a number from 0 to ${QUANTITY_MAX}, none between 0 and a millionth, or a function`).optional(),
  args: z.custom((value) => isFunction(value) || isPlain(value), 'expected an object or a function').optional(),
})

/**
 * Checks what `meter` was given, so that a misspelt option is refused when the server starts and not paid for later.
 *
 * @throws CreditError `invalid_request` that names the option and what was expected
 */
export function readMeterOptions(options: unknown): void {
  const { price } = readInput(schema, options)
  if (typeof price !== 'object' || price === null) return
  for (const [tool, told] of Object.entries(price)) {
    if (told !== null) readInput(typeof told === 'string' ? name : row, told, `price.${tool}`)
  }
}
