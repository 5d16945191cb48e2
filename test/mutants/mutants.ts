import { BUDGETS } from './budgets.js'
import type { Mutant } from './mutant.js'
import { PLANS } from './plans.js'
import { PRICES } from './prices.js'
import { REPORTS } from './reports.js'
import { SALES } from './sales.js'
import { SPENDING } from './spending.js'

/** Every mutant, by what its rule is about. */
export const MUTANTS: readonly Mutant[] = [...SPENDING, ...PLANS, ...BUDGETS, ...SALES, ...PRICES, ...REPORTS]
