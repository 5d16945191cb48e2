import { afterEach, describe, expect, it } from 'vitest'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

const homes: Home[] = []
afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

/** A ledger of `starter`, where one unit of the operation `tool.call` costs one credit. */
async function newHome(): Promise<Home> {
  const home = new Home()
  homes.push(home)
  await jsonHere(home, 'init', '--catalog', 'starter')
  return home
}

const squeezed = (text: string) => text.replaceAll(/ +/g, ' ')
const spend = (home: Home, amount: number, ...more: readonly string[]) => runHere(home, ['charge', 'tool.call', `quantity=${amount}`, '--json', ...more])
const errorOf = ({ stdout }: { readonly stdout: string }) => (JSON.parse(stdout) as { error: Record<string, unknown> }).error

describe('guard and approve', () => {
  it('AX-04, AX-05: a costly charge ends with 5, is approved by exactly the command that the refusal names, and is then made once', async () => {
    const home = await newHome()
    const { stdout } = await runHere(home, ['guard', 'set', 'approval', '--above', '50'])
    expect(stdout).toBe('approval: an operator or the person at the client is asked about each call that may cost more than 50 credits; waits 1h for a yes, which is good for 1d\n')
    const refused = await spend(home, 60)
    expect(refused.code).toBe(5)
    expect(refused.stderr).toContain('tool.call costs up to 60 credits; a person has to approve more than 50, and 1000 are available')
    const { code, approval } = errorOf(refused) as { code: string; approval: { id: string; how: string; status: string } }
    expect({ code, status: approval.status }).toEqual({ code: 'approval_required', status: 'pending' })
    const listed = await runHere(home, ['approvals'])
    expect(squeezed(listed.stdout)).toMatch(new RegExp(`^Approval Asks for Quantity Labels Key Because Status Answered by Asked \\(UTC\\) Until \\(UTC\\)\\n${approval.id} tool.call for at most 60 credits 60 pending \\d{4}-`))
    const messages = await runHere(home, ['messages'])
    expect(messages.stdout).toContain(`An agent asks for approval of tool.call for at most 60 credits (npx mcp-credits approve ${approval.id}, until `)
    const words = approval.how.replace('npx mcp-credits ', '').split(' ')
    expect((await runHere(home, words)).stdout).toMatch(/^tool\.call for at most 60 credits: approved once, until \d{4}-/)
    expect((await runHere(home, ['messages'])).stdout).toContain('tool.call for at most 60 credits (approved)')
    expect((await runHere(home, ['approvals'])).stdout).toBe('Nothing waits for an answer.\n')
    const spent = await spend(home, 60)
    expect(spent.code).toBe(0)
    const { transaction } = JSON.parse(spent.stdout) as { readonly transaction: string }
    expect((await runHere(home, ['explain', transaction])).stdout).toMatch(new RegExp(`Approval +${approval.id}, answered by the operator\n`))
    expect(squeezed((await runHere(home, ['approvals', '--all'])).stdout)).toContain(' used operator ')
    expect((await spend(home, 60)).code).toBe(5)
    expect(await jsonHere(home, 'approvals', '--all')).toMatchObject([{ id: approval.id, status: 'pending', credits: 60 }])
    expect((await runHere(home, ['deny', approval.id])).stdout).toMatch(/^tool\.call for at most 60 credits: denied, until \d{4}-/)
    expect(errorOf(await spend(home, 60))).toMatchObject({ approval: { status: 'denied' } })
    expect((await runHere(home, ['doctor'])).code).toBe(0)
  })

  it('AX-04: two questions can be told apart, and the guard that asks wants its sum', async () => {
    const home = await newHome()
    expect((await runHere(home, ['guard', 'set', 'approval'])).stderr).toContain('--above: expected a number of credits')
    await runHere(home, ['guard', 'set', 'approval', '--above', '50'])
    const { id, key } = await jsonHere<{ id: string; key: string }>(home, 'key', 'create', '--name', 'writer')
    await runHere(home, ['charge', 'tool.call', 'quantity=60', '--label', 'customer_id=acme', '--key', key])
    await runHere(home, ['charge', 'tool.call', 'quantity=61'])
    const asked = await jsonHere<readonly { quantity: number }[]>(home, 'approvals')
    expect([...asked].sort((one, other) => one.quantity - other.quantity)).toMatchObject([
      { quantity: 60, labels: { customer_id: 'acme' }, key: id, key_name: 'writer' },
      { quantity: 61, labels: null, key: null, key_name: null },
    ])
    expect(squeezed((await runHere(home, ['approvals'])).stdout)).toContain(`at most 60 credits 60 customer_id=acme writer (${id}) pending`)
  })

  it('AX-15: a loop ends with 4, and an operator lets it go', async () => {
    const home = await newHome()
    const { stdout } = await runHere(home, ['guard', 'set', 'runaway', '--identical', '2', '--within', '10m', '--burn', '500/2h'])
    expect(stdout).toBe('runaway: after 2 identical calls within 10m the next is stopped; more than 500 credits of one key within 2h are stopped\n')
    for (const code of [0, 0, 4, 4]) expect((await spend(home, 5)).code).toBe(code)
    expect(errorOf(await spend(home, 5))).toMatchObject({ code: 'runaway_stopped', details: { saved: 15, identical: { calls: 2, limit: 2, within_seconds: 600 }, burned: null } })
    expect((await runHere(home, ['guard', 'reset', 'runaway'])).stdout).toBe('runaway lets go, and counts anew\n')
    expect((await spend(home, 5)).code).toBe(0)
    expect(squeezed((await runHere(home, ['guard', 'list'])).stdout)).toMatch(/^Guard Does\nrunaway after 2 identical calls/)
    expect((await runHere(home, ['guard', 'remove', 'runaway'])).stdout).toBe('runaway is removed\n')
    expect(await jsonHere(home, 'guard', 'list')).toEqual([])
    expect((await runHere(home, ['guard', 'list'])).stdout).toBe('There are no guards.\n')
  })

  it.each([
    [['guard', 'set', 'approval'], 'credits'],
    [['guard', 'set', 'runaway', '--burn', '500'], '--burn: expected credits and a duration like 100/1h, found "500"'],
    [['guard', 'set', 'runaway', '--identical', '3', '--above', '5'], '--above: goes with the other guard'],
    [['guard', 'set', 'budget', '--above', '5'], '<id>: expected one of approval, runaway, found "budget"'],
    [['guard', 'remove', 'approval'], 'has no guard "approval"'],
    [['approve', 'ap_0000000000000000'], 'has no approval "ap_0000000000000000"'],
  ])('%j is refused with what was wrong', async (words, why) => {
    const home = await newHome()
    const { code, stderr } = await runHere(home, words)
    expect(code).toBe(2)
    expect(stderr).toContain(why)
  })
})
