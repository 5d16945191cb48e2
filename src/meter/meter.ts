import { listedPrices } from './listed-prices.js'
import { meteredCalls } from './metered-calls.js'
import { type MeterOptions, readMeterOptions } from './options.js'
import { type Around, type ContextOf, type Handler, interceptRequests, type MeterableServer, servedServer } from './sdk-server.js'
import { TaskBook } from './task-book.js'
import { ToolRegistry } from './tool-registry.js'

/**
 * Meters the tools of an MCP server from inside: each call is priced, reserved, run and settled, by the rules that hold for
 * every other door. Takes an `McpServer` or a low-level `Server` of either SDK, before or after its tools are registered,
 * and returns it. Its handlers, capabilities and notifications stay as they are; results gain a receipt, the list of tools
 * its prices, and a call that may not be paid is answered by a result that says why and what to do.
 *
 * ```ts
 * meter(server, { credits, account: 'acme', price: { generate_image: 'image.generate' } })
 * ```
 *
 * @throws CreditError `invalid_request` for options that are none, for what is no server, and for one that is metered already
 */
export function meter<S extends MeterableServer>(server: S, options: MeterOptions<ContextOf<S>>): S {
  readMeterOptions(options)
  const served = servedServer(server)
  const handlers: { inner: (method: string) => Handler | undefined } = { inner: () => undefined }
  const tasks = new TaskBook(served, (method) => handlers.inner(method))
  const parts = {
    server: served,
    options: options as unknown as MeterOptions,
    registry: new ToolRegistry(server),
    tasks,
    report: quietly(options.report),
  }
  const around = new Map<string, Around>([['tools/call', meteredCalls(parts)], ['tools/list', listedPrices(parts)], ...tasks.around()])
  handlers.inner = interceptRequests(served, around)
  return server
}

/** A report that fails may not cost a call its settlement. */
function quietly(report: ((line: string) => void) | undefined): (line: string) => void {
  return (line) => {
    try {
      report?.(line)
    } catch {
      // There is nobody left to be told.
    }
  }
}
