import { expect, it, onTestFinished } from 'vitest'
import { openCredits } from '../../src/index.js'
import { jsonHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { startRest } from './rest-client.js'
import { expectWhole } from './support.js'

const WRITERS = 25
const ROUNDS = 80

it('T20: fifty writers over two servers on one file are all served, and no lock comes to light', async () => {
  const home = new Home()
  onTestFinished(() => home.remove())
  await jsonHere(home, 'init', '--catalog', 'starter')
  await jsonHere(home, 'grant', '100000')
  const servers = await Promise.all([startRest(home), startRest(home)])
  const answers: unknown[] = []
  const told = ({ status, body }: { readonly status: number; readonly body: object }) => void answers.push(status === 200 ? 'done' : { status, body })
  await Promise.all(servers.flatMap((rest, at) => Array.from({ length: WRITERS }, async (_, writer) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      told(await rest.tool('charge_credits', { operation: 'tool.call' }, `${at}-${writer}-${round}`))
      // Every fourth time as agents do who do not know yet what a job will cost.
      if (round % 4 > 0) continue
      const held = await rest.tool('reserve_credits', { operation: 'tool.call', quantity: 2 })
      told(held)
      told(await rest.tool('settle_reservation', { reservation: held.body['reservation'], quantity: 1 }))
    }
  })))
  const writers = WRITERS * servers.length
  const [charges, jobs] = [writers * ROUNDS, (writers * ROUNDS) / 4]
  expect(answers.filter((answer) => answer !== 'done')).toEqual([])
  expect(answers).toHaveLength(charges + 2 * jobs)
  for (const rest of servers) {
    await rest.ended('SIGTERM')
    expect([rest.server.exitCode, rest.stderr()]).toEqual([0, expect.not.stringMatching(/BUSY|locked/i)])
  }
  const credits = await openCredits({ database: home.ledger })
  onTestFinished(() => credits.close())
  expect(await credits.balance({ account: 'default' })).toMatchObject({ lifetimeUsed: charges + jobs, reserved: 0 })
  await expectWhole(credits)
})
