import { openCredits } from '../../src/credits.js'
import { seededRandom } from '../support/seeded-random.js'
import { micro } from './reference-prices.js'

/** How many calls wait at once: as many as share one commit. */
const TOGETHER = 256

const ACCOUNTS = ['a', 'b', 'c', 'd']

/**
 * So many charges, grants, corrections and refunds of odd amounts, hundreds at once; answers what the ledger's own check
 * finds, and where a balance or a report differs from sums kept beside it in integers.
 */
export async function sumByChance(seed: number, operations: number): Promise<{ readonly problems: readonly unknown[]; readonly differences: readonly string[] }> {
  const random = seededRandom(seed)
  let now = Date.UTC(2026, 0, 1)
  const credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => now } })
  const balances = new Map<string, bigint>()
  const spent = new Map<string, bigint>()
  const add = (sums: Map<string, bigint>, account: string, amount: bigint) => sums.set(account, (sums.get(account) ?? 0n) + amount)
  for (const id of ACCOUNTS) {
    await credits.createAccount({ id, plan: 'none' })
    await credits.grant({ account: id, credits: 10_000_000 })
    add(balances, id, micro(10_000_000))
  }
  /** A number of credits or units with six decimals, as a person would type it. */
  const odd = () => random.below(20_000_000) / 1e6 + 0.000001
  const charges: { readonly account: string; readonly transaction: string; left: bigint }[] = []
  const one = async (): Promise<void> => {
    const account = random.pick(ACCOUNTS)
    const amount = Number(odd().toFixed(6))
    const kind = random.below(20)
    // Seldom: an account holds a thousand grants with something left, and what corrections give is hardly ever used up.
    if (kind === 0 && random.below(20) === 0) {
      await credits.adjust({ account, credits: amount })
      return void add(balances, account, micro(amount))
    }
    if (kind === 1) {
      await credits.adjust({ account, credits: -amount })
      return void add(balances, account, -micro(amount))
    }
    const charge = kind < 5 ? charges.pop() : undefined
    if (charge !== undefined) {
      const part = charge.left > 2n ? charge.left / 2n : charge.left
      await credits.refund({ account: charge.account, transaction: charge.transaction, credits: Number(part) / 1e6 })
      add(balances, charge.account, part)
      return void add(spent, charge.account, -part)
    }
    const { transaction } = await credits.charge({ account, operation: 'chat.message', quantity: amount })
    add(balances, account, -micro(amount))
    add(spent, account, micro(amount))
    if (transaction !== null && kind > 14) charges.push({ account, transaction, left: micro(amount) })
  }
  for (let done = 0; done < operations; done += TOGETHER) {
    await Promise.all(Array.from({ length: Math.min(TOGETHER, operations - done) }, one))
    now += random.below(120_000)
  }
  const differences: string[] = []
  for (const account of ACCOUNTS) {
    const { balance } = await credits.balance({ account })
    const { totalCredits } = await credits.usage({ account, groupBy: 'day', since: 0, until: now + 1 })
    const found = [micro(balance), micro(totalCredits)]
    const expected = [balances.get(account), spent.get(account)]
    if (String(found) !== String(expected)) differences.push(`${account}: ${String(found)}; expected ${String(expected)}`)
  }
  const { problems } = await credits.verify()
  await credits.close()
  return { problems, differences }
}
