import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
}

/**
 * Starts a server that says on a line where it listens.
 *
 * @param {readonly string[]} command
 * @param {Readonly<Record<string, string>>} [env]
 */
export async function startHttpServer([file, ...args], env = {}) {
  const child = spawn(/** @type {string} */ (file), args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const address = (/** @type {import('node:stream').Readable} */ stream) =>
    new Promise((resolve) => createInterface({ input: stream }).on('line', (line) => {
      const url = /http:\/\/[\w.:]+\/mcp/.exec(line)?.[0]
      if (url !== undefined) resolve(url)
    }))
  const url = await Promise.race([address(child.stdout), address(child.stderr), once(child, 'exit').then(() => undefined)])
  if (typeof url !== 'string') throw new Error(`${args.join(' ')} ended before it listened`)
  return {
    url,
    pid: Number(child.pid),
    stop: async () => {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/**
 * A client of the newer era with nothing in it that is worth measuring, on connections that are kept.
 *
 * @param {string} url
 * @param {{ key?: string | undefined, sockets?: number }} [options]
 */
export function httpClient(url, { key, sockets = 64 } = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets })
  let serial = 0

  /**
   * @param {string} method
   * @param {Record<string, unknown>} params
   * @param {(response: import('node:http').IncomingMessage) => void} take
   * @param {(error: Error) => void} fail
   */
  function post(method, params, take, fail) {
    serial += 1
    const body = JSON.stringify({ jsonrpc: '2.0', id: serial, method, params: { ...params, _meta: ENVELOPE } })
    const name = typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {}
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...name,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    }
    const sent = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, take)
    sent.on('error', fail)
    sent.end(body)
    return sent
  }

  return {
    /** @param {string} name @param {Record<string, unknown>} [args] @returns {Promise<any>} the result, or a rejection for anything else */
    call: (name, args = {}) =>
      new Promise((resolve, reject) => {
        const take = (/** @type {import('node:http').IncomingMessage} */ response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => {
            const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}')
            const { result } = JSON.parse(json)
            if (response.statusCode === 200 && result !== undefined && result.isError !== true) resolve(result)
            else reject(new Error(`${response.statusCode}: ${text.slice(0, 300)}`))
          })
        }
        post('tools/call', { name, arguments: args }, take, reject)
      }),
    /** Listens to a resource until it is told to stop. @param {string} uri */
    listen: (uri) =>
      new Promise((resolve, reject) => {
        const sent = post('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } }, (response) => {
          if (response.statusCode !== 200) return reject(new Error(`subscribing was answered by ${response.statusCode}`))
          response.once('data', () => resolve(() => void sent.destroy()))
          response.resume()
        }, reject)
      }),
    close: () => agent.destroy(),
  }
}
