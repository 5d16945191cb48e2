import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { openCredits } from '../../src/index.js'
import { jsonHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { startRest } from './rest-client.js'
import { expectWhole } from './support.js'

it('T18, T20: a file that another program keeps locked refuses what is paid once patience is over, and loses nothing', async () => {
  const home = new Home()
  onTestFinished(() => home.remove())
  await jsonHere(home, 'init', '--catalog', 'starter')
  const rest = await startRest(home)
  const charge = (key: string) => rest.tool('charge_credits', { operation: 'tool.call' }, key)
  expect(await charge('before')).toMatchObject({ status: 200, body: { charged: 1 } })

  const other = new Database(home.ledger)
  onTestFinished(() => void other.close())
  other.exec('begin immediate')
  const keys = Array.from({ length: 40 }, (_, index) => `locked-${index}`)
  const charging = Promise.all(keys.map(charge))
  // A writer keeps nobody from reading: what stands in the ledger is told meanwhile.
  expect(await rest.get('/v1/balance')).toMatchObject({ status: 200, body: { balance: 999, lifetime_used: 1 } })
  for (const { status, body } of await charging) {
    expect({ status, error: body.error }).toMatchObject({ status: 503, error: { code: 'ledger_unavailable', retryable: true, details: { outcome: 'none' } } })
    expect(JSON.stringify(body)).not.toContain('SQLITE_')
  }
  expect(await rest.get('/v1/balance')).toMatchObject({ status: 200, body: { balance: 999, lifetime_used: 1 } })

  other.exec('commit')
  for (const answer of await Promise.all(keys.map(charge))) expect(answer).toMatchObject({ status: 200, body: { charged: 1, replayed: false } })
  expect(await rest.get('/v1/balance')).toMatchObject({ body: { balance: 959, lifetime_used: 41 } })
  await rest.ended('SIGTERM')
  const credits = await openCredits({ database: home.ledger })
  onTestFinished(() => credits.close())
  await expectWhole(credits)
})
