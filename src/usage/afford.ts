import { unitsWithin } from '../catalog/afford.js'
import { type Catalog, offerOf, type Operation } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import type { Party } from '../decide/command.js'
import { refusalByScope } from '../decide/authorise.js'
import { spendable } from '../decide/limits.js'
import { ANYTHING, spendFacts } from '../decide/spend-facts.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import type { Ledger } from './ledger.js'
import type { AffordResult } from './results.js'

export interface AffordQuery {
  /** Null for what the account can spend now. */
  readonly credits: MicroCredits | null
  readonly category: string | null
}

/** What so many credits buy: units of each operation and variant that the account's plan and the scopes of the key allow (ND-08, AX-07). */
export function afford(ledger: Ledger, account: string, party: Party, query: AffordQuery): Promise<AffordResult> {
  return ledger.read(account, (draft) => {
    const { catalog } = versionAt(draft.view.catalogs, draft.at)
    const budget = query.credits ?? spendable(draft, party)
    const plan = draft.account.subscription?.plan ?? null
    const facts = spendFacts(draft, party, ANYTHING)
    const mayUse = ({ id, category }: Operation): boolean => refusalByScope(draft, { ...facts, operation: id, category }) === null
    const operations = Object.values(catalog.operations).filter((one) => (query.category === null || one.category === query.category) && mayUse(one))
    return { credits: toCredits(budget), rows: operations.flatMap((operation) => rowsOf(catalog, operation, plan, budget)) }
  })
}

/** A free operation has no row: no number of units is the answer. */
function rowsOf(catalog: Catalog, operation: Operation, plan: string | null, budget: MicroCredits): AffordResult['rows'] {
  const variants = operation.offer === null ? Object.keys(operation.variants) : [null]
  return variants
    .filter((variant) => isAllowed(operation, variant, plan))
    .map((variant) => {
      const units = unitsWithin(catalog, { operation: operation.id, variant: variant ?? undefined, budget })
      return { operation: operation.id, variant, units }
    })
    .filter((row): row is AffordResult['rows'][number] => row.units !== null)
}

function isAllowed(operation: Operation, variant: string | null, plan: string | null): boolean {
  const required = offerOf(operation, variant)?.requiresPlan ?? []
  return required.length === 0 || (plan !== null && required.includes(plan))
}
