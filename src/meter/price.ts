import type { NamedOperation } from '../decide/command.js'
import { CreditError } from '../errors.js'
import type { ListedSubject } from '../usage/price-decorator.js'
import { toMillionth } from './millionth.js'
import { isRecord } from './sdk-server.js'
import type { Arguments, CallContext } from './call-context.js'
import type { PriceFunction, PriceMap, PriceRow } from './options.js'

type PriceOption = PriceMap | PriceFunction<object> | undefined

/**
 * What a call is priced as; undefined for what the catalog maps its tool to.
 *
 * @param args only asked for where a function of the server's reads them
 * @throws CreditError `price_unknown` for an answer that is no price, and what the server's own function throws
 */
export async function subjectOf(
  price: PriceOption,
  { context, args }: { readonly context: CallContext<object>; readonly args: () => Promise<Arguments> },
): Promise<NamedOperation | 'free' | undefined> {
  const { tool } = context
  if (typeof price === 'function') return namedBy(await price(await args(), context), tool)
  const told = rowOf(price, tool)
  if (told === null || typeof told === 'string') return namedBy(told, tool)
  const parts = [told.variant, told.quantity, told.args]
  const read = parts.some((part) => typeof part === 'function') ? await args() : {}
  const [variant, quantity, given] = parts.map((part) => (typeof part === 'function' ? part(read) : part))
  return namedBy({ operation: told.operation, variant, quantity, args: given }, tool)
}

/** What a tool costs as far as it is known before it is called. */
export function listedSubjectOf(price: PriceOption, tool: string): ListedSubject | undefined {
  if (typeof price === 'function') return 'each_call'
  const told = rowOf(price, tool)
  if (told === null) return undefined
  if (told === 'free') return 'free'
  if (typeof told === 'string') return { operation: told, variant: undefined, quantity: 1 }
  // What an operation finds in its own arguments is not known before them either.
  const isOpen = told.args !== undefined
  const { operation, variant = isOpen ? 'auto' : undefined, quantity = isOpen ? null : 1 } = told
  return {
    operation,
    variant: typeof variant === 'function' || variant === 'auto' ? null : variant,
    quantity: typeof quantity === 'number' ? toMillionth(quantity) : null,
  }
}

/** A tool may be called `constructor`: only what the map names itself counts. */
function rowOf(price: PriceMap | undefined, tool: string): PriceRow | string | null {
  return price !== undefined && Object.hasOwn(price, tool) ? (price[tool] ?? null) : null
}

/** The server's own answer, checked: what is wrong in it must not make a call free. The rest is the catalog's to judge. */
function namedBy(told: unknown, tool: string): NamedOperation | 'free' | undefined {
  if (told === null) return undefined
  if (told === 'free') return 'free'
  if (typeof told === 'string') return { operation: told, variant: null, quantity: null, args: null }
  if (!isRecord(told)) throw noPrice(tool, 'it answered no price')
  const { operation, variant, quantity, args } = told
  if (typeof operation !== 'string') throw noPrice(tool, 'it named no operation')
  if (variant !== undefined && typeof variant !== 'string') throw noPrice(tool, 'its variant is no text')
  if (quantity !== undefined && typeof quantity !== 'number') throw noPrice(tool, 'its quantity is no number')
  if (args !== undefined && (!isRecord(args) || Array.isArray(args))) throw noPrice(tool, 'its args are no object')
  return { operation, variant: variant ?? null, quantity: quantity === undefined ? null : toMillionth(quantity), args: args ?? null }
}

function noPrice(tool: string, why: string): CreditError {
  return new CreditError('price_unknown', `The server does not say what this call of ${tool} costs: ${why}`, { details: { tool } })
}
