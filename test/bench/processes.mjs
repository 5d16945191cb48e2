import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openCredits } from '../../dist/src/index.js'
import { printTable } from './measure.mjs'

const PROCESSES = 4
const CALLERS = 16
const MILLISECONDS = 5_000
const WAIT_MAX_MS = 1_000
const charger = fileURLToPath(new URL('./fixtures/charger.mjs', import.meta.url))

/** Four processes that charge one account as fast as they can: what they make, and the longest that any call waits. */
export async function benchProcesses() {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const database = join(folder, 'ledger.db')
  const credits = await openCredits({ database, catalog: 'starter' })
  await credits.createAccount({ id: 'a', plan: 'none' })
  await credits.grant({ account: 'a', credits: 1_000_000_000 })
  const chargers = await Promise.all(Array.from({ length: PROCESSES }, () => startCharger(database)))
  const results = await Promise.all(chargers.map((one) => one.run()))
  const { ok, transactions } = await credits.verify({ account: 'a' })
  await credits.close()
  rmSync(folder, { recursive: true })
  const made = results.map((result) => result.made)
  const worst = Math.max(...results.map((result) => result.worst))
  const total = made.reduce((sum, one) => sum + one, 0)
  printTable(`${PROCESSES} processes, ${CALLERS} callers each, one account`, [
    { what: 'charges a second', figure: `${Math.round((total * 1000) / MILLISECONDS)}/s` },
    { what: 'fewest and most of a process', figure: `${Math.min(...made)}, ${Math.max(...made)}` },
    { what: 'longest wait of a call, ms', figure: worst.toFixed(0), bar: `≤ ${WAIT_MAX_MS}`, isMet: worst <= WAIT_MAX_MS },
    { what: 'the ledger adds up', figure: String(ok && transactions === total + 1) },
  ])
}

/** @param {string} database */
async function startCharger(database) {
  const child = spawn(process.execPath, [charger, database, String(CALLERS), String(MILLISECONDS)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return {
    /** @returns {Promise<{ made: number, worst: number }>} */
    async run() {
      child.stdin.end('go\n')
      const { value } = await lines.next()
      return JSON.parse(value)
    },
  }
}
