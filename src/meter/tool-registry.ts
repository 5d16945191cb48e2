import type { JsonObject } from '../json/json-rpc.js'
import type { Arguments } from './call-context.js'
import { isRecord } from './sdk-server.js'

/** What is known of a server's tools: by its own registry, where it is an `McpServer`, or by the lists that it has answered. */
export class ToolRegistry {
  readonly #server: object
  readonly #hasOutputSchema = new Map<string, boolean>()

  constructor(server: object) {
    this.#server = server
  }

  /** Takes a list of tools that was answered. A later one tells better. */
  learn(tools: readonly JsonObject[]): void {
    for (const tool of tools) this.#hasOutputSchema.set(String(tool['name']), tool['outputSchema'] !== undefined)
  }

  /**
   * Whether a client may hold a result against an output schema. Where nothing is known it may: another instance of this
   * server may have answered the list that the client has read.
   */
  hasOutputSchema(tool: string): boolean {
    const registered = this.#registered(tool)
    return registered === undefined ? (this.#hasOutputSchema.get(tool) ?? true) : registered['outputSchema'] !== undefined
  }

  /**
   * The arguments as the tool gets them, defaults filled in and unknown names left out: what is priced is then what is
   * done. As they were sent where there is no schema, or where they do not fit it, which the tool's own server refuses.
   */
  async parsed(tool: string, sent: Arguments): Promise<Arguments> {
    const schema = this.#registered(tool)?.['inputSchema']
    const standard = (schema as { readonly '~standard'?: unknown } | undefined)?.['~standard']
    if (!isRecord(standard) || typeof standard['validate'] !== 'function') return sent
    const read = (await standard['validate'](sent)) as { readonly value?: unknown; readonly issues?: unknown }
    return read.issues === undefined && isRecord(read.value) ? read.value : sent
  }

  #registered(tool: string): Readonly<Record<string, unknown>> | undefined {
    const tools = (this.#server as { readonly _registeredTools?: unknown })._registeredTools
    if (!isRecord(tools) || !Object.hasOwn(tools, tool)) return undefined
    const registered = tools[tool]
    return isRecord(registered) ? registered : undefined
  }
}
