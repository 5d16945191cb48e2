import type { CreditError } from '../errors.js'

/** A refusal for which HTTP has a status that says more than its code's own: 405, 413, 415, 422. */
export class HttpRefusal extends Error {
  readonly status: number
  readonly refusal: CreditError
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, refusal: CreditError, headers: Readonly<Record<string, string>> = {}) {
    super(refusal.message, { cause: refusal })
    this.name = 'HttpRefusal'
    this.status = status
    this.refusal = refusal
    this.headers = headers
  }
}
