import { openCredits } from '../../src/credits.js'

export const DAY_MS = 86_400_000

const BEGIN = Date.parse('2026-02-10T12:00:00Z')

/** A clock that is moved by hand. */
class Clock {
  #now = BEGIN

  now(): number {
    return this.#now
  }

  after(ms: number): void {
    this.#now += ms
  }

  to(instant: string): void {
    this.#now = Date.parse(instant)
  }
}

/** Opens a new ledger of a product with one account, `acme`. Without a plan it is on the product's own default. */
export function productOf(catalog: string) {
  return async (settings: { readonly plan?: string; readonly timeZone?: string; readonly at?: string } = {}) => {
    const { at, ...given } = settings
    const clock = new Clock()
    if (at !== undefined) clock.to(at)
    const credits = await openCredits({ database: ':memory:', catalog, clock })
    await credits.createAccount({ id: 'acme', ...given })
    return { credits, clock, account: 'acme' } as const
  }
}
