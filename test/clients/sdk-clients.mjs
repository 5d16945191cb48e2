import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const INFO = { name: 'clients', version: '1' }

/** @type {Record<string, any>} */
const NEGOTIATIONS = { 'as it comes': undefined, 'that probes': { mode: 'auto' }, 'of 2026-07-28': { mode: { pin: '2026-07-28' } } }

/**
 * The clients of both SDKs, over stdio and over HTTP.
 *
 * @param {{ stdio: readonly string[], url: string, key: string }} server
 * @returns {readonly { name: string, connect(): Promise<any> }[]}
 */
export function sdkClients({ stdio: [command = '', ...args], url, key }) {
  const started = { command, args }
  const requestInit = { headers: { Authorization: `Bearer ${key}` } }
  const old = (/** @type {() => any} */ transport) => () => connected(new OldClient(INFO), transport())
  const modern = (/** @type {any} */ versionNegotiation, /** @type {() => any} */ transport) => () =>
    connected(new Client(INFO, versionNegotiation === undefined ? {} : { versionNegotiation }), transport())
  return [
    { name: 'the client of SDK 1 over stdio', connect: old(() => new OldStdio(started)) },
    { name: 'the client of SDK 1 over HTTP', connect: old(() => new OldHttp(new URL(url), { requestInit })) },
    ...Object.entries(NEGOTIATIONS).flatMap(([how, negotiation]) => [
      { name: `the client of SDK 2 ${how} over stdio`, connect: modern(negotiation, () => new StdioClientTransport(started)) },
      { name: `the client of SDK 2 ${how} over HTTP`, connect: modern(negotiation, () => new StreamableHTTPClientTransport(new URL(url), { requestInit })) },
    ]),
  ]
}

/**
 * @param {any} client
 * @param {any} transport
 */
async function connected(client, transport) {
  await client.connect(transport)
  return client
}
