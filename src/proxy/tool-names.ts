import { type Answer, envelopeOf, METHOD_NOT_FOUND } from '../json/json-rpc.js'
import type { JsonObject } from './ports.js'
import { isLastPage, shownNames, toolNames } from './rewrite.js'
import type { Wires } from './wires.js'

/** Which of our tools' names the upstream uses too, and so by which names the client sees ours. */
export class ToolNames {
  readonly #wires: Wires
  #upstream: Promise<ReadonlySet<string>> | undefined

  constructor(wires: Wires) {
    this.#wires = wires
  }

  /** A whole list that passed by (first page and last in one) saves asking for it. */
  learn(names: readonly string[]): void {
    this.#upstream = Promise.resolve(new Set(names))
  }

  /** The upstream said that its list changed. */
  forget(): void {
    this.#upstream = undefined
  }

  /** Our tools as the client sees them: shown name to own name. `params` are those of the request that asks. */
  async shown(ours: readonly string[], params: JsonObject | undefined): Promise<ReadonlyMap<string, string>> {
    this.#upstream ??= this.#read(params)
    return shownNames(ours, await this.#upstream)
  }

  async #read(params: JsonObject | undefined): Promise<ReadonlySet<string>> {
    const names = new Set<string>()
    let cursor: unknown
    for (let page = 0; page < this.#wires.limits.listPagesMax; page += 1) {
      const asked = { ...envelopeOf(params), ...(cursor === undefined ? {} : { cursor }) }
      const answer: Answer = await this.#wires.askUpstream('tools/list', asked)
      if ('error' in answer) {
        // Without tools there are no names to clash with; after any other error the next call asks again.
        if (answer.error.code !== METHOD_NOT_FOUND) this.forget()
        return names
      }
      for (const name of toolNames(answer.result)) names.add(name)
      if (isLastPage(answer.result)) return names
      cursor = answer.result['nextCursor']
    }
    const pages = this.#wires.limits.listPagesMax
    this.#wires.report(`the upstream lists more than ${pages} pages of tools; later names are not compared with ours`)
    return names
  }
}
