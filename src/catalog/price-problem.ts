import { InvalidAmount } from '../money/invalid-amount.js'

/** Why something has no price. An expected outcome, with the code that doors answer with. */
export interface PriceProblem {
  readonly kind: 'problem'
  readonly code: 'unknown_operation' | 'unknown_variant' | 'invalid_request' | 'invalid_amount' | 'price_unknown'
  readonly message: string
}

export function problem(code: PriceProblem['code'], message: string): PriceProblem {
  return { kind: 'problem', code, message }
}

/** Amounts that are none are a stranger's mistake and become a problem; anything else thrown is a bug and stays one. */
export function refusingBadAmounts<Result>(price: () => Result): Result | PriceProblem {
  try {
    return price()
  } catch (error) {
    if (error instanceof InvalidAmount) return problem('invalid_amount', error.message)
    throw error
  }
}
