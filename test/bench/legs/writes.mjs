import { floorForm, FLOOR } from '../forms/floor.mjs'
import { compared, loadsOf, wordsOf } from '../forms/form.mjs'
import { LEDGER, makeLedger, openLedger } from '../forms/ledger.mjs'
import { RATE_LIMITER, sqliteRateLimiter } from '../forms/rate-limiter.mjs'
import { makeFolder } from '../support/folder.mjs'
import { atLeast, figureOf } from '../support/report.mjs'

const ROUND_MS = 700

/** How many times the floor and the counter a charge has to be, by callers on one account. */
const BARS = [
  { callers: 1, floor: 0.6, counter: 1 },
  { callers: 16, floor: 2.4, counter: 3 },
  { callers: 256, floor: 5, counter: 6 },
]

/**
 * Full-semantics charges beside the floor, the least that any durable debit on this file system does, and beside a mere
 * counter on a file with the same settings.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* writes({ rounds }) {
  const folder = makeFolder()
  try {
    await makeLedger(folder.file('ledger.db'))
    const forms = [
      await openLedger(folder.file('ledger.db')),
      await floorForm(folder.file('floor.db')),
      await sqliteRateLimiter(folder.file('counter.db')),
    ]
    const table = await compared(forms, loadsOf([1, 16, 256]), { rounds, milliseconds: ROUND_MS })
    for (const form of forms) await form.close()
    const findings = BARS.flatMap(({ callers, floor, counter }) => {
      const load = wordsOf({ callers, accounts: 1 })
      const ours = figureOf(table, load, LEDGER)
      return [
        atLeast(`${load}: by the ${FLOOR}`, ours / figureOf(table, load, FLOOR), floor),
        atLeast(`${load}: by ${RATE_LIMITER}`, ours / figureOf(table, load, RATE_LIMITER), counter),
      ]
    })
    yield { name: 'writes', title: 'Charges on SQLite', unit: 'a second', ...table, findings }
  } finally {
    folder.remove()
  }
}
