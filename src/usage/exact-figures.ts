import { CreditError } from '../errors.js'
import { AMOUNT_MAX, type MicroCredits, toCredits } from '../money/credits.js'
import { type Fiat, toUsd, usdFor } from '../money/fiat.js'

/**
 * A total as a number of credits. One that no JSON number holds exactly fails the report rather than be rounded.
 *
 * @throws CreditError `invalid_request`
 */
export function totalCredits(total: MicroCredits): number {
  if (total > AMOUNT_MAX || total < -AMOUNT_MAX) throw tooLarge()
  return toCredits(total)
}

/** What an amount is worth in dollars; null where the catalog fixes no rate, which is not the same as 0. @throws CreditError as above */
export function worthInUsd(amount: MicroCredits, creditUsd: Fiat | null): number | null {
  if (creditUsd === null) return null
  try {
    return toUsd(usdFor(amount, creditUsd))
  } catch (error) {
    throw error instanceof RangeError ? tooLarge() : error
  }
}

function tooLarge(): CreditError {
  return new CreditError('invalid_request', 'A total of this report is larger than a number tells exactly', {
    advice: ['Ask for a shorter period, or for one account at a time.'],
  })
}
