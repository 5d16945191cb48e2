import { type Catalog, type Offer, offerOf, type Operation } from './catalog.js'
import type { Usage } from './evaluate-price.js'
import { problem, type PriceProblem } from './price-problem.js'
import { type Priced, quotePrice, unknownOperation } from './quote-price.js'
import { renderCredits } from './render-price.js'
import { capabilityWords, isMet, type Requirement, requirementsOf, requirementWords } from './requirement.js'

export interface PickRequest {
  readonly operation: string
  readonly quantity?: number | undefined
  /** The job's arguments; those that some variant declares as a capability are what a variant has to meet. */
  readonly args: Readonly<Record<string, unknown>>
  readonly usage?: Usage | undefined
  /** The account's plan; null for none. */
  readonly plan: string | null
}

export interface PickedVariant {
  readonly kind: 'picked'
  /** Null where the operation has no variants and there was nothing to choose from. */
  readonly variant: string | null
  /** A sentence for people and models: what was picked, and why (SN-07). */
  readonly reason: string
  /** Every other variant, in the catalog's order. */
  readonly passedOver: readonly { readonly variant: string; readonly why: string }[]
}

/**
 * The cheapest variant that meets a request, by the most it can cost for the quantity; of equals the first (SN-07,
 * AX-08). Where the plan allows none of those that meet it, the cheapest of them is picked all the same: the refusal
 * that follows names the plan that is needed, which is what helps.
 */
export function pickVariant(catalog: Catalog, request: PickRequest): PickedVariant | PriceProblem {
  const operation = catalog.operations[request.operation]
  if (operation === undefined) return unknownOperation(catalog, request.operation)
  const requirements = requirementsOf(operation, request.args)
  const ids = operation.offer === null ? Object.keys(operation.variants) : [null]
  const candidates = ids.map((variant) => judge(catalog, { operation, variant, requirements, request }))
  const usable = candidates.filter((one) => one.kind === 'usable')
  const allowed = usable.filter((one) => one.isAllowed)
  const picked = cheapest(allowed) ?? cheapest(usable)
  if (picked === null) return noneUsable(operation, candidates as readonly Unusable[], requirements)
  const compared = picked.isAllowed ? allowed : usable
  const exclusion = compared.length < usable.length ? planWords(request.plan, compared.length) : null
  return {
    kind: 'picked',
    variant: picked.variant,
    reason: reasonFor(catalog, { picked, compared: compared.length, requirements, exclusion }),
    passedOver: candidates.flatMap((one) => {
      const { variant } = one
      if (variant === null || variant === picked.variant) return []
      return [{ variant, why: one.kind === 'unusable' ? one.why : `costs ${costWords(catalog, one)}` }]
    }),
  }
}

interface Unusable {
  readonly kind: 'unusable'
  readonly variant: string | null
  readonly why: string
  /** Where it would do, but has no price for this request. */
  readonly problem: PriceProblem | null
}

interface Usable {
  readonly kind: 'usable'
  readonly variant: string | null
  readonly priced: Priced
  /** Whether the account's plan may use it. */
  readonly isAllowed: boolean
}

interface Judged {
  readonly operation: Operation
  readonly variant: string | null
  readonly requirements: readonly Requirement[]
  readonly request: PickRequest
}

function judge(catalog: Catalog, { operation, variant, requirements, request }: Judged): Unusable | Usable {
  const offer = offerOf(operation, variant) as Offer
  const unmet = requirements.filter((requirement) => !isMet(requirement, offer.capabilities))
  if (unmet.length > 0) {
    const why = unmet.map((requirement) => capabilityWords(requirement, offer.capabilities)).join(', ')
    return { kind: 'unusable', variant, why, problem: null }
  }
  const { quantity, args, plan } = request
  // What is used is told of the job, whichever variant does it; one with a fixed price does not count it.
  const usage = isPricedByUsage(offer) ? request.usage : undefined
  const priced = quotePrice(catalog, { operation: operation.id, variant: variant ?? undefined, quantity, args, usage })
  if (priced.kind === 'problem') return { kind: 'unusable', variant, why: priced.message, problem: priced }
  const isAllowed = offer.requiresPlan.length === 0 || (plan !== null && offer.requiresPlan.includes(plan))
  return { kind: 'usable', variant, priced, isAllowed }
}

function isPricedByUsage({ price, surcharges }: Offer): boolean {
  return [price, ...surcharges.map((line) => line.price)].some(({ model }) => model === 'pass_through')
}

function cheapest(usable: readonly Usable[]): Usable | null {
  return usable.reduce<Usable | null>(
    (least, one) => (least === null || one.priced.maximum < least.priced.maximum ? one : least),
    null,
  )
}

/** How many variants a message tells about. */
const NAMED_VARIANTS = 8

function noneUsable(
  operation: Operation,
  candidates: readonly Unusable[],
  requirements: readonly Requirement[],
): PriceProblem {
  const unpriced = candidates.find((one) => one.problem !== null)?.problem
  if (unpriced !== null && unpriced !== undefined) return unpriced
  const reasons = candidates
    .slice(0, NAMED_VARIANTS)
    .map(({ variant, why }) => (variant === null ? `it has ${why}` : `${variant} has ${why}`))
  const more = candidates.length > NAMED_VARIANTS ? '; …' : ''
  return problem(
    'unknown_variant',
    `Nothing that ${operation.id} offers meets ${together(requirements)}: ${reasons.join('; ')}${more}`,
  )
}

interface Reason {
  readonly picked: Usable
  readonly compared: number
  readonly requirements: readonly Requirement[]
  readonly exclusion: string | null
}

function reasonFor(catalog: Catalog, { picked, compared, requirements, exclusion }: Reason): string {
  const cost = costWords(catalog, picked)
  if (picked.variant === null) return `${picked.priced.operation} has no variants to choose from: ${cost}`
  const among = compared === 1 ? 'the only variant' : `the cheapest of ${compared} variants`
  const conditions = [
    ...(requirements.length === 0 ? [] : [` that ${compared === 1 ? 'meets' : 'meet'} ${together(requirements)}`]),
    ...(exclusion === null ? [] : [` that ${exclusion}`]),
  ]
  return `${picked.variant} is ${among}${conditions.join(' and')}: ${cost}`
}

function together(requirements: readonly Requirement[]): string {
  return requirements.map(requirementWords).join(' and ')
}

function planWords(plan: string | null, count: number): string {
  if (plan !== null) return 'the plan allows'
  return count === 1 ? 'needs no plan' : 'need no plan'
}

/** Without the name of a plan, of which not everybody who spends from an account is told: what is refused for want of one names it. */
function costWords({ unit }: Catalog, { priced, isAllowed }: Usable): string {
  const { minimum, maximum } = priced
  const sum = `${minimum === maximum ? '' : 'at most '}${renderCredits(maximum, unit)}`
  return isAllowed ? sum : `${sum}, and requires a plan that includes it`
}
