import type { Readable, Writable } from 'node:stream'
import { isJSONRPCNotification, type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { ResourceWatch } from './resource-watch.js'
import { isResource } from './resources.js'
import { buildServer, type CreditsServerOptions } from './server.js'
import { StdioTransport } from './stdio-transport.js'

export interface ServedConnection {
  /** Resolves when the connection has ended, by the client, {@link close} or {@link finish}. */
  readonly closed: Promise<void>
  readonly close: () => Promise<void>
  /** Reads nothing more, and ends the connection once what was asked is answered or has had its time. */
  readonly finish: () => void
}

/** Serves our tools and resources over two streams, in the era in which the client opens. */
export function serveCreditsOnStdio(
  options: CreditsServerOptions,
  { input, output }: { readonly input: Readable; readonly output: Writable },
): ServedConnection {
  let watch: ResourceWatch | undefined
  let ended: () => void = () => undefined
  const closed = new Promise<void>((resolve) => (ended = resolve))
  const transport = new StdioTransport(input, output, {
    sending: async (message) => {
      const subscription = acknowledged(message)
      if (subscription !== null) await watch?.listen(subscription.id, subscription.uris)
    },
    received: (message) => {
      if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') watch?.leave(message.params?.['requestId'])
    },
  })
  const handle = serveStdio(
    () => {
      const built = buildServer(options)
      watch = built.watch
      return built.server
    },
    { transport, onerror: (error) => options.report(error.message) },
  )
  const forward = transport.onclose
  transport.onclose = () => {
    watch?.close()
    forward?.()
    ended()
  }
  return { closed, close: () => handle.close(), finish: () => transport.finish() }
}

/**
 * The resources of a subscription of the modern era, read from the SDK's own acknowledgement: the SDK keeps these
 * subscriptions to itself, and the acknowledgement names what it will deliver.
 */
function acknowledged(message: JSONRPCMessage): { readonly id: unknown; readonly uris: readonly string[] } | null {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/subscriptions/acknowledged') return null
  const { _meta, notifications } = message.params as { _meta?: Record<string, unknown>; notifications?: { resourceSubscriptions?: readonly string[] } }
  const uris = (notifications?.resourceSubscriptions ?? []).filter(isResource)
  return uris.length === 0 ? null : { id: _meta?.[SUBSCRIPTION_ID_META_KEY], uris }
}
