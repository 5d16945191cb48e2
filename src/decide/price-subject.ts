import { AUTO, type Catalog } from '../catalog/catalog.js'
import { isFree, priceToolCall } from '../catalog/map-tool.js'
import { pickVariant } from '../catalog/pick-variant.js'
import { type Priced, type PricedLine, type PriceProblem, quotePrice } from '../catalog/quote-price.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Transaction } from '../ledger/transaction.js'
import { AMOUNT_MAX, formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import type { Subject } from './command.js'
import type { Draft } from './draft.js'
import { refuse, type Refused } from './outcome.js'

/** A subject with its price, from the catalog version in force at the time of the decision. */
export interface PricedSubject {
  readonly kind: 'priced'
  readonly priced: Priced
  readonly tool: string | null
  readonly version: CatalogVersion
  /** Why this variant, where the request left the choice to us (SN-07); null where it did not. */
  readonly picked: string | null
  /** The job's arguments, which narrow the choice of a variant; null where none are given. */
  readonly args: Readonly<Record<string, unknown>> | null
}

/** What the catalog says costs nothing, whatever is asked for. */
export interface FreeSubject {
  readonly kind: 'free'
}

/** Prices what is asked for; an unpriced tool is refused with the line to add, never free by accident (AX-14). */
export function priceSubject(draft: Draft, subject: Subject): PricedSubject | FreeSubject | Refused {
  return priceSubjectBy(versionAt(draft.view.catalogs, draft.at), draft, subject)
}

/** The same by another version than the one in force: that of a quote. */
export function priceSubjectBy(version: CatalogVersion, { account }: Draft, subject: Subject): PricedSubject | FreeSubject | Refused {
  const by = { version, plan: account.subscription?.plan ?? null }
  if (subject.kind === 'quoted') return refuse('invalid_request', 'operation: expected the operation to price, or a quote that says it')
  if (subject.kind === 'operation') return priceOperation(by, subject, null)
  return subject.as === undefined ? priceMappedTool(version, subject) : priceOperation(by, { ...subject.as, actual: {} }, subject.tool)
}

function priceMappedTool(version: CatalogVersion, { tool, args }: Extract<Subject, { readonly kind: 'tool' }>): PricedSubject | FreeSubject | Refused {
  const { catalog } = version
  const found = priceToolCall(catalog, { tool, args })
  if (found.kind === 'free') return found
  if (found.kind === 'unpriced') {
    return refuse('price_unknown', `The tool ${tool} has no price in the catalog ${catalog.id}`, {
      details: { tool, catalog: catalog.id, add: found.line },
      advice: [`Set one: npx mcp-credits price ${tool} <credits>, or add to the catalog: ${found.line}`],
    })
  }
  return found.kind === 'priced' ? { kind: 'priced', priced: found, tool, version, picked: null, args } : refuseProblem(found)
}

type AskedOperation = Omit<Extract<Subject, { readonly kind: 'operation' }>, 'kind'>

/** By which prices, and for an account on which plan. */
interface PricedBy {
  readonly version: CatalogVersion
  readonly plan: string | null
}

function priceOperation({ version, plan }: PricedBy, asked: AskedOperation, tool: string | null): PricedSubject | FreeSubject | Refused {
  const { operation, quantity, args, actual } = asked
  const chosen = variantFor(version.catalog, asked, plan)
  if (chosen.kind === 'problem') return refuseProblem(chosen)
  const priced = quotePrice(version.catalog, {
    operation,
    ...(chosen.variant === null ? {} : { variant: chosen.variant }),
    ...(quantity === null ? {} : { quantity }),
    ...(args === null ? {} : { args }),
    ...(actual.usage === undefined ? {} : { usage: actual.usage }),
    ...(actual.actual === undefined ? {} : { actual: actual.actual }),
  })
  if (priced.kind === 'problem') return refuseProblem(priced)
  return isFree(priced) ? { kind: 'free' } : { kind: 'priced', priced, tool, version, picked: chosen.picked, args }
}

interface Chosen {
  readonly kind: 'chosen'
  readonly variant: string | null
  readonly picked: string | null
}

/** `auto` leaves the choice to us: the cheapest variant that meets the arguments, said and never silent (SN-07, AX-08). */
function variantFor(catalog: Catalog, { operation, variant, quantity, args, actual }: AskedOperation, plan: string | null): Chosen | PriceProblem {
  if (variant !== AUTO) return { kind: 'chosen', variant, picked: null }
  const found = pickVariant(catalog, { operation, quantity: quantity ?? undefined, args: args ?? {}, usage: actual.usage, plan })
  return found.kind === 'picked' ? { kind: 'chosen', variant: found.variant, picked: found.reason } : found
}

/** The most that calls cost together. */
export function maximumOf(subjects: readonly PricedSubject[]): MicroCredits {
  return subjects.reduce((sum, { priced }): MicroCredits => sum + priced.maximum, 0n)
}

/** Why calls cannot be priced together, each of which can: their sum is an amount as well. Null when they can. */
export function refusalBySum(subjects: readonly PricedSubject[]): Refused | null {
  const maximum = maximumOf(subjects)
  if (maximum <= AMOUNT_MAX) return null
  const sums = `these cost up to ${formatCredits(maximum)} credits together, expected at most ${formatCredits(AMOUNT_MAX)}`
  return refuse('invalid_amount', `calls: ${sums}`, { details: { field: 'calls' }, advice: ['Ask for fewer of them at once.'] })
}

/** Why nothing has a price, as the refusal that says so. */
export function refuseProblem(problem: PriceProblem): Refused {
  return refuse(problem.code, problem.message)
}

/** One line of a price as the journal keeps it. */
export interface RecordedLine {
  readonly operation: string
  readonly variant: string | null
  readonly quantity: number
  readonly unitPrice: number | null
  readonly minimum: number
  readonly maximum: number
}

/**
 * The lines of a price as the journal keeps them. A single line without a price per unit says nothing that the row's own
 * columns do not, and every row carries its own bytes: it is left out.
 */
export function linesDetail({ lines }: Priced): { readonly lines?: readonly RecordedLine[] } {
  const [only] = lines
  if (lines.length === 1 && only?.quantity === 1 && only.minimum === only.maximum) return {}
  return { lines: lines.map(recordedLine) }
}

/** One line with credits as numbers, as the journal and results have them. */
export function recordedLine(line: PricedLine): RecordedLine {
  return {
    operation: line.operation,
    variant: line.variant,
    quantity: line.quantity,
    unitPrice: line.unitPrice === null ? null : toCredits(line.unitPrice),
    minimum: toCredits(line.minimum),
    maximum: toCredits(line.maximum),
  }
}

/** Why a variant was picked, as a row of the journal keeps it: only where it was we who picked. */
export function pickedDetail({ picked }: PricedSubject): { readonly picked?: string } {
  return picked === null ? {} : { picked }
}

/** The lines of a transaction's price: those recorded, or the one that its columns say. */
export function linesOf(transaction: Transaction): readonly RecordedLine[] {
  const recorded = transaction.detail['lines'] as readonly RecordedLine[] | undefined
  if (recorded !== undefined) return recorded
  const { operation, variant, quantity } = transaction
  if (operation === null || quantity === null) return []
  const amount = toCredits(transaction.credits)
  return [{ operation, variant, quantity, unitPrice: amount, minimum: amount, maximum: amount }]
}
