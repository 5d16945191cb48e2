import { isObject } from '../json/json-rpc.js'
import type { JsonObject } from './ports.js'

/**
 * Which of the upstream's tools declare an output schema, as far as their lists have passed by. A client checks results
 * only against schemas that it has listed itself, so what it holds us to is known here, and unknown means no.
 */
export class OutputSchemas {
  readonly #names = new Set<string>()

  /** Takes a page of `tools/list`. A later one tells better. */
  learn(page: JsonObject): void {
    const tools = Array.isArray(page['tools']) ? (page['tools'] as readonly unknown[]) : []
    for (const tool of tools) {
      if (!isObject(tool) || typeof tool['name'] !== 'string') continue
      if (tool['outputSchema'] === undefined) this.#names.delete(tool['name'])
      else this.#names.add(tool['name'])
    }
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }
}
