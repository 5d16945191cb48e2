/** The public API: named exports only. A symbol that is added here is promised. */
export { Credits, type Acting, openCredits, type OpenOptions } from './credits.js'
export type { Clock } from './clock.js'
export { type Cheaper, CreditError, type ErrorCode, ERRORS, type ErrorFacts } from './errors.js'
export type { AppliedCatalog } from './facade/change-catalog.js'
export type { Input } from './facade/inputs.js'
export type * from './usage/results.js'
export type { MeteredAnswer, MeteredCall, RunOutcome } from './usage/metered-call.js'
