import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileHere } from '../support/folder.mjs'

/**
 * A process of its own that charges by one of the forms of `fixtures/charger.mjs`. It is told a load at a time.
 *
 * @param {'ledger' | 'floor' | 'rate-limiter'} form
 * @param {string} target what the form opens: a file, or the address of a database
 * @param {Readonly<Record<string, string>>} [env]
 */
export async function startCharger(form, target, env = {}) {
  const command = [fileHere('fixtures/charger.mjs'), form, target]
  const child = spawn(process.execPath, command, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value } = await lines.next()
    if (value === undefined) throw new Error(`a process that charges by ${form} ended`)
    return JSON.parse(value)
  }
  const { name } = await next()
  return {
    name: String(name),
    /**
     * @param {import('./form.mjs').Load} load
     * @param {number} milliseconds
     * @returns {ReturnType<import('./form.mjs').Form['run']>}
     */
    run: (load, milliseconds) => {
      child.stdin.write(`${JSON.stringify({ ...load, milliseconds })}\n`)
      return next()
    },
    close: async () => {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** @typedef {Awaited<ReturnType<typeof startCharger>>} Charger */

/**
 * Several processes as one form: each has the load's callers, and the rate is that of all together.
 *
 * @param {string} name
 * @param {readonly Charger[]} chargers
 * @returns {import('./form.mjs').Form}
 */
export function processesForm(name, chargers) {
  return {
    name,
    run: async (load, milliseconds) => {
      const runs = await Promise.all(chargers.map((charger) => charger.run(load, milliseconds)))
      return { rate: runs.reduce((sum, { rate }) => sum + rate, 0), worstMs: Math.max(...runs.map(({ worstMs }) => worstMs)) }
    },
    close: async () => void (await Promise.all(chargers.map((charger) => charger.close()))),
  }
}
