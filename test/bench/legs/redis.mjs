import { spawnSync } from 'node:child_process'
import { compared, loadsOf } from '../forms/form.mjs'
import { makeLedger, openLedger } from '../forms/ledger.mjs'
import { redisForm } from '../forms/redis.mjs'
import { makeFolder } from '../support/folder.mjs'

const ROUND_MS = 700
const TITLE = 'Charges on SQLite beside a debit in Redis'

/**
 * A charge on SQLite beside a scripted debit in a Redis that syncs before it answers, on the same disk.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* redis({ rounds }) {
  if (spawnSync('redis-server', ['--version']).error !== undefined) return yield { title: TITLE, absent: 'no redis-server is installed' }
  const folder = makeFolder()
  try {
    await makeLedger(folder.file('ledger.db'))
    const forms = [await openLedger(folder.file('ledger.db')), await redisForm(folder.path)]
    const table = await compared(forms, loadsOf([1, 16, 256]), { rounds, milliseconds: ROUND_MS })
    for (const form of forms) await form.close()
    yield { name: 'redis', title: TITLE, unit: 'a second', ...table }
  } finally {
    folder.remove()
  }
}
