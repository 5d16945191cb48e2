import { type Answer, envelopeOf, METHOD_NOT_FOUND } from '../json/json-rpc.js'
import { type ParamHeader, paramHeadersOf } from './param-headers.js'
import type { JsonObject, ToolDescription } from './ports.js'
import { isLastPage, shownNames, toolsOf } from './rewrite.js'
import type { Wires } from './wires.js'

/** What has to be known of the upstream's tools before one is called: its name, and what its headers have to repeat. */
type Known = ReadonlyMap<string, readonly ParamHeader[]>

/** The upstream's tools, as it lists them. */
export class ListedTools {
  readonly #wires: Wires
  #known: Promise<Known> | undefined

  constructor(wires: Wires) {
    this.#wires = wires
  }

  /** A whole list that passed by (first page and last in one) saves asking for it. */
  learn(tools: readonly ToolDescription[]): void {
    this.#known = Promise.resolve(known(tools))
  }

  /** The upstream said that its list changed. */
  forget(): void {
    this.#known = undefined
  }

  /**
   * Our tools as the client sees them, shown name to own name: which of their names the upstream uses too, decides.
   * `params` are those of the request that asks.
   */
  async shown(ours: readonly string[], params: JsonObject | undefined): Promise<ReadonlyMap<string, string>> {
    return shownNames(ours, await this.#listed(params))
  }

  /** The arguments of a tool that a call over HTTP repeats in its headers. */
  async headersOf(name: string, params: JsonObject | undefined): Promise<readonly ParamHeader[]> {
    return (await this.#listed(params)).get(name) ?? []
  }

  #listed(params: JsonObject | undefined): Promise<Known> {
    this.#known ??= this.#read(params)
    return this.#known
  }

  async #read(params: JsonObject | undefined): Promise<Known> {
    const tools: ToolDescription[] = []
    let cursor: unknown
    for (let page = 0; page < this.#wires.limits.listPagesMax; page += 1) {
      const asked = { ...envelopeOf(params), ...(cursor === undefined ? {} : { cursor }) }
      const answer: Answer = await this.#wires.askUpstream('tools/list', asked)
      if ('error' in answer) {
        // Without tools there are no names to clash with; after any other error the next call asks again.
        if (answer.error.code !== METHOD_NOT_FOUND) this.forget()
        return known(tools)
      }
      tools.push(...toolsOf(answer.result))
      if (isLastPage(answer.result)) return known(tools)
      cursor = answer.result['nextCursor']
    }
    const pages = this.#wires.limits.listPagesMax
    this.#wires.report(`the upstream lists more than ${pages} pages of tools; later names are not compared with ours`)
    return known(tools)
  }
}

function known(tools: readonly ToolDescription[]): Known {
  return new Map(tools.map(tool => [tool.name, paramHeadersOf(tool)]))
}
