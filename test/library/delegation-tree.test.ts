import { describe, expect, it } from 'vitest'
import { startCaller } from '../pitfalls/callers.js'
import { DATABASES, expectWhole, sharedLedger, T0 } from '../pitfalls/support.js'

/** Limits by depth: each level allows less than those below it together, so that every one of them is reached somewhere. */
const LIMITS_BY_DEPTH = [90, 50, 30, 17, 11]
const CALLS = 200

interface Node {
  readonly id: string
  readonly limit: number
  readonly above: readonly string[]
}

describe.each(DATABASES)('on %s', (kind) => {
  it('AX-03, I7: a tree of depth 4 with 200 parallel calls spread over its leaves from two processes never spends more than any ancestor allows', async () => {
    const { database, open } = await sharedLedger(kind)
    const credits = await open()
    await credits.createAccount({ id: 'acme', plan: 'none' })
    await credits.grant({ account: 'acme', credits: 1_000 })
    await credits.createKey({ account: 'acme', id: 'top' })
    await credits.setBudget({ account: 'acme', id: 'top', limit: LIMITS_BY_DEPTH[0], window: 'total', scope: { key: 'top' } })
    const nodes: Node[] = [{ id: 'top', limit: LIMITS_BY_DEPTH[0] as number, above: [] }]
    let level: readonly Node[] = nodes
    for (const limit of LIMITS_BY_DEPTH.slice(1)) {
      const next: Node[] = []
      for (const parent of level) {
        for (const name of ['left', 'right']) {
          const party = credits.as({ account: 'acme', holder: 'agent', key: parent.id })
          const { keyId } = await party.delegate({ credits: limit, expiresInSeconds: 3_600, mayDelegate: true, name })
          next.push({ id: keyId, limit, above: [parent.id, ...parent.above] })
        }
      }
      nodes.push(...next)
      level = next
    }
    expect(level).toHaveLength(16)

    const callers = await Promise.all([startCaller(database), startCaller(database)])
    const calls = Array.from({ length: CALLS }, (_, index) => {
      const leaf = level[index % level.length] as Node
      const acting = { account: 'acme', holder: 'agent', key: leaf.id } as const
      return callers[Math.floor(index / level.length) % 2]?.call('charge', { input: { operation: 'work.unit', idempotencyKey: `c${index}` }, acting, at: T0 })
    })
    const answers = await Promise.all(calls)
    const done = answers.filter((answer) => typeof answer === 'object').length
    expect(answers.filter((answer) => typeof answer !== 'object' && answer !== 'budget_exceeded')).toEqual([])

    const { rows } = await credits.usage({ account: 'acme', groupBy: 'key' })
    const spent = new Map(rows.map((row) => [row.key, row.credits]))
    const within = (id: string) => nodes.filter((node) => node.id === id || node.above.includes(id)).reduce((sum, node) => sum + (spent.get(node.id) ?? 0), 0)
    for (const { id, limit } of nodes) expect(within(id), id).toBeLessThanOrEqual(limit)
    // As much as the top allows was asked for and could be spent, and not a credit more was.
    expect([done, within('top')]).toEqual([90, 90])
    const { budgets } = await credits.budgets({ account: 'acme' })
    expect(budgets.map(({ id, used }) => [id, used]).sort()).toEqual(nodes.map(({ id }) => [id, within(id)]).sort())
    await expectWhole(credits)
  })
})
