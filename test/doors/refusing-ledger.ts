import { type Credits, openCredits } from '../../src/credits.js'

const price = (credits: string) => ({ model: 'flat', credits })

/** What everybody sells here: work, better work for a plan, and one tool of the upstream server that has no price. */
export const CATALOG = {
  id: 'matrix',
  name: 'Matrix',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    'work.do': { name: 'Work', price: price('10') },
    'work.better': { name: 'Better work', price: price('10'), requires_plan: ['gold'] },
  },
  tools: { echo: { operation: 'work.do' }, 'get-sum': { operation: 'work.better' } },
  default_tool_price: null,
  plans: {
    capped: {
      name: 'Capped', monthly_credits: '100', price_usd: '1', rollover: { kind: 'none' }, spending_cap: { credits: '5', window: 'period' },
    },
    gold: { name: 'Gold', monthly_credits: '100', price_usd: '9', rollover: { kind: 'none' } },
  },
}

export interface Case {
  readonly code: string
  readonly exit: number
  readonly status: number
  /** What is spent on: the operation, and the tool of the upstream server that the catalog maps to it. */
  readonly operation: string | null
  readonly tool: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }
  readonly plan?: string
  readonly credits?: number
  readonly scopes?: readonly string[]
  readonly prepare?: (credits: Credits) => Promise<unknown>
}

const ECHO = { name: 'echo', arguments: { message: 'hello' } }

/** One account for each way of saying no, each with a key of its own. */
export const CASES: Readonly<Record<string, Case>> = {
  'out of credits': { code: 'out_of_credits', exit: 3, status: 402, operation: 'work.do', tool: ECHO, credits: 3 },
  budget: {
    code: 'budget_exceeded', exit: 4, status: 402, operation: 'work.do', tool: ECHO,
    prepare: (credits) => credits.setBudget({ id: 'tight', window: 'total', limit: 5 }),
  },
  'spending cap': { code: 'spending_cap_reached', exit: 4, status: 402, operation: 'work.do', tool: ECHO, plan: 'capped' },
  plan: {
    code: 'plan_required', exit: 4, status: 402, operation: 'work.better', tool: { name: 'get-sum', arguments: { a: 1, b: 2 } },
  },
  approval: {
    code: 'approval_required', exit: 5, status: 402, operation: 'work.do', tool: ECHO,
    prepare: (credits) => credits.setGuard({ id: 'approval', above: 5 }),
  },
  scope: { code: 'forbidden', exit: 4, status: 403, operation: 'work.do', tool: ECHO, scopes: ['credits:read', 'work.better'] },
  'no price': { code: 'price_unknown', exit: 4, status: 402, operation: null, tool: { name: 'get-tiny-image', arguments: {} } },
  suspended: {
    code: 'account_suspended', exit: 4, status: 403, operation: 'work.do', tool: ECHO,
    prepare: (credits) => credits.setAccountState({ state: 'suspended' }),
  },
}

/** Makes the ledger and tells each case's secret. */
export async function prepareLedger(database: string): Promise<Readonly<Record<string, string>>> {
  const credits = await openCredits({ database, catalog: CATALOG })
  const secrets: Record<string, string> = {}
  for (const [name, one] of Object.entries(CASES)) {
    const account = name.replaceAll(' ', '-')
    await credits.createAccount({ id: account, plan: one.plan ?? 'none' })
    const own = credits.as({ account })
    if (one.plan === undefined) await own.grant({ credits: one.credits ?? 100 })
    const { key } = await own.createKey({ scopes: [...(one.scopes ?? ['credits:read', 'credits:spend'])] })
    secrets[name] = String(key)
    await one.prepare?.(own)
  }
  await credits.close()
  return secrets
}
