import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import { parseCredits, toCredits } from '../money/credits.js'
import { InvalidAmount } from '../money/invalid-amount.js'

const WINDOWS = ['run', 'day', 'week', 'month', 'total'] as const

/** A budget of the account that a server is started with, `serve-<window>`. */
export interface ServeBudget {
  readonly id: string
  readonly window: (typeof WINDOWS)[number]
  /** In credits. */
  readonly limit: number
}

/**
 * Reads `--budget 500/day`, as often as it was given.
 *
 * @throws CreditError `invalid_request`, `invalid_amount`; a limit that is not understood must not become none
 */
export function readServeBudgets(words: readonly string[] = []): readonly ServeBudget[] {
  const budgets = words.map(readServeBudget)
  const twice = budgets.find(({ id }, index) => budgets.findIndex((other) => other.id === id) !== index)
  if (twice !== undefined) throw new CreditError('invalid_request', `--budget: a limit for ${twice.window} is given twice`)
  return budgets
}

function readServeBudget(word: string): ServeBudget {
  const [amount = '', name, ...more] = word.split('/')
  const window = WINDOWS.find((known) => known === name)
  if (window === undefined || more.length > 0) {
    throw new CreditError('invalid_request', `--budget: expected <credits>/<${WINDOWS.join('|')}>, found ${JSON.stringify(word.slice(0, 64))}`)
  }
  try {
    return { id: `serve-${window}`, window, limit: toCredits(parseCredits(amount, '--budget')) }
  } catch (cause) {
    if (cause instanceof InvalidAmount) throw new CreditError('invalid_amount', cause.message, { cause })
    throw cause
  }
}

/**
 * Sees that the account's budgets are those that the server was started with. What is so already is left alone, a raise
 * that somebody gave it meanwhile too, and what was counted stays counted: a server that is started again goes on where the
 * one before it stopped (SN-11).
 *
 * @throws CreditError `forbidden` for a key that may not set them: nothing is spent then without the limit that was asked for
 */
export async function ensureBudgets(credits: Credits, budgets: readonly ServeBudget[]): Promise<void> {
  for (const budget of await missingBudgets(credits, budgets)) {
    const { id, window, limit } = budget
    await credits.setBudget({ id, window, limit, name: nameOf(limit, window) }).catch(withWayOut(budget))
  }
}

/**
 * Sees before anything is served that whoever the server acts for may set what is missing of its budgets: it would refuse
 * every call otherwise. It writes nothing. What is wrong with the ledger or with the key itself is for each call to tell.
 *
 * @throws CreditError `forbidden`
 */
export async function seeThatBudgetsCanBeSet(open: (asked: { readonly scope: 'admin' | null }) => Promise<Credits>, budgets: readonly ServeBudget[]): Promise<void> {
  if (budgets.length === 0) return
  try {
    const [missing] = await missingBudgets(await open({ scope: null }), budgets)
    if (missing !== undefined) await open({ scope: 'admin' }).catch(withWayOut(missing))
  } catch (error) {
    if (!(error instanceof CreditError) || error.code === 'forbidden') throw error
  }
}

async function missingBudgets(credits: Credits, budgets: readonly ServeBudget[]): Promise<readonly ServeBudget[]> {
  if (budgets.length === 0) return []
  const standing = (await credits.as({ holder: 'operator' }).budgets()).budgets
  return budgets.filter(({ id, window, limit }) => {
    return !standing.some(
      (one) =>
        one.id === id &&
        one.window === window &&
        (one.limit === limit || one.name === nameOf(limit, window)) &&
        one.enforcement === 'hard' &&
        Object.keys(one.scope).length === 0,
    )
  })
}

/** By its name a budget is known as the one of this option, whatever its limit was raised to. */
function nameOf(limit: number, window: string): string {
  return `serve --budget ${limit}/${window}`
}

function withWayOut({ id, window, limit }: ServeBudget): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof CreditError) || error.code !== 'forbidden') throw error
    const advice = [`Have an operator set it: npx mcp-credits budget set ${id} ${limit} --window ${window}`, ...error.advice]
    throw new CreditError(error.code, `${nameOf(limit, window)}: ${error.message}`, { ...error, advice, cause: error })
  }
}
