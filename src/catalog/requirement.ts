import { type Capability, type Offer, type Operation } from './catalog.js'
import { describeFound } from './found-value.js'

/** What a request asks of a variant: one of its arguments that is a capability of some variant of the operation. */
export interface Requirement {
  readonly capability: string
  readonly value: unknown
}

/**
 * The arguments that narrow the choice of a variant. An argument that no variant declares is the job's own affair, and one
 * that is false, null or absent asks for nothing.
 */
export function requirementsOf(operation: Operation, args: Readonly<Record<string, unknown>>): readonly Requirement[] {
  const offers: readonly Offer[] = operation.offer === null ? Object.values(operation.variants) : [operation.offer]
  const declared = new Set(offers.flatMap(({ capabilities }) => Object.keys(capabilities)))
  return [...declared]
    .filter((capability) => Object.hasOwn(args, capability))
    .map((capability) => ({ capability, value: args[capability] }))
    .filter(({ value }) => value !== undefined && value !== null && value !== false)
}

/**
 * Whether a variant can do it. A number is the most it can do, a text or a list of texts what it can do, true that it can.
 * A variant that does not say so cannot.
 */
export function isMet({ capability, value }: Requirement, capabilities: Offer['capabilities']): boolean {
  const offered = own(capabilities, capability)
  if (offered === undefined) return false
  if (typeof offered === 'boolean') return offered && value === true
  if (typeof offered === 'number') return typeof value === 'number' && value <= offered
  const texts = typeof offered === 'string' ? [offered] : offered
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [value]
  return wanted.every((one) => (typeof one === 'string' || typeof one === 'number') && texts.includes(String(one)))
}

/** "width 1024", "audio". */
export function requirementWords({ capability, value }: Requirement): string {
  if (value === true) return capability
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return `${capability} ${texts.map((text) => (isShort(text) ? text : describeFound(text))).join(', ')}`
}

/** What a variant has where it does not meet a requirement: "width at most 512", "no audio". */
export function capabilityWords({ capability }: Requirement, capabilities: Offer['capabilities']): string {
  const offered = own(capabilities, capability)
  if (offered === undefined || offered === false) return `no ${capability}`
  if (offered === true) return `${capability} yes or no`
  return typeof offered === 'number'
    ? `${capability} at most ${offered}`
    : `${capability} only ${typeof offered === 'string' ? offered : offered.join(', ')}`
}

/** What strangers send is repeated only where it is as short as a capability. */
function isShort(text: unknown): boolean {
  return typeof text === 'string' && text.length <= 60
}

function own(capabilities: Offer['capabilities'], name: string): Capability | undefined {
  return Object.hasOwn(capabilities, name) ? capabilities[name] : undefined
}
