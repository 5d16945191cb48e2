import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * A client with nothing in it that is worth measuring: lines out, lines in, answers by id.
 *
 * @param {readonly string[]} command
 * @param {Readonly<Record<string, string>>} [env]
 */
export function startServer(command, env = {}) {
  const [file, ...args] = command
  const child = spawn(/** @type {string} */ (file), args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'ignore'] })
  /** @type {Map<number, (message: any) => void>} */
  const waiting = new Map()
  let serial = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line)
    waiting.get(message.id)?.(message)
    waiting.delete(message.id)
  })
  const write = (/** @type {object} */ message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  /** A refusal is soon answered: it must not be measured as a call. */
  const request = async (/** @type {string} */ method, /** @type {object} */ params = {}) => {
    const { result, error } = await /** @type {Promise<any>} */ (
      new Promise((resolve) => {
        serial += 1
        waiting.set(serial, resolve)
        write({ id: serial, method, params })
      })
    )
    if (result === undefined || result.isError === true) throw new Error(`${method} was refused: ${JSON.stringify(error ?? result).slice(0, 300)}`)
    return result
  }
  return {
    request,
    call: (/** @type {string} */ name) => request('tools/call', { name, arguments: {} }),
    async initialize() {
      const clientInfo = { name: 'bench', version: '1' }
      await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
      write({ method: 'notifications/initialized' })
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve)
        child.stdin.end()
      }),
  }
}
