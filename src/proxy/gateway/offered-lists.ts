import { type Era, INVALID_PARAMS, isObject, type JsonObject } from '../../json/json-rpc.js'
import type { GatewayLimits, Identity, Timers } from './gateway-ports.js'
import { mergedList } from './merged-offer.js'
import { readPages } from './paged-list.js'
import { type Origin, type ShownNames, shownNames } from './shown-names.js'
import type { SupervisedServer } from './supervised-server.js'
import { couldMatch } from './uri-match.js'

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

interface ListForm {
  readonly method: string
  readonly capability: string
  /** What makes an entry one, and the same as another. */
  readonly key: string
  /** What tells that it changed. */
  readonly changed: string
}

export const LISTS: Readonly<Record<ListKind, ListForm>> = {
  tools: { method: 'tools/list', capability: 'tools', key: 'name', changed: 'notifications/tools/list_changed' },
  prompts: { method: 'prompts/list', capability: 'prompts', key: 'name', changed: 'notifications/prompts/list_changed' },
  resources: { method: 'resources/list', capability: 'resources', key: 'uri', changed: 'notifications/resources/list_changed' },
  resourceTemplates: {
    method: 'resources/templates/list',
    capability: 'resources',
    key: 'uriTemplate',
    changed: 'notifications/resources/list_changed'
  }
}

export const LIST_KINDS = Object.keys(LISTS) as readonly ListKind[]

/** What one server listed last. It is kept while the server is down, so that names and routes stay what they were. */
interface Listed {
  /** Which reading it is of: one that began earlier, and took longer, does not count. */
  readonly reading: number
  readonly entries: readonly JsonObject[]
  /** The result of its first page without the entries. */
  readonly frame: JsonObject
}

export interface ListParts {
  readonly timers: Timers
  readonly limits: GatewayLimits
  readonly report: (text: string) => void
}

/** What all servers list, and so whose a name or a URI is. */
export class OfferedLists {
  readonly #servers: readonly SupervisedServer[]
  readonly #parts: ListParts
  readonly #listed = new Map<SupervisedServer, Partial<Record<ListKind, Listed>>>()
  readonly #reading = new Map<SupervisedServer, Partial<Record<ListKind, Promise<void>>>>()
  readonly #shown = new Map<ListKind, ShownNames>()
  #readings = 0

  constructor(servers: readonly SupervisedServer[], parts: ListParts) {
    this.#servers = servers
    this.#parts = parts
  }

  /** Asks every server that is there for its list. `envelope` is what the era wants in each request's params. */
  async refresh(kind: ListKind, envelope: JsonObject): Promise<void> {
    await Promise.all(this.#servers.map(server => this.#refreshOne(server, kind, envelope)))
  }

  /** What is being read may be from before a change. */
  changed(server: SupervisedServer): void {
    this.#reading.delete(server)
  }

  /** It is out of the game, and what it had with it. */
  drop(server: SupervisedServer): void {
    this.#listed.delete(server)
    this.#shown.clear()
  }

  isKnown(kind: ListKind): boolean {
    return this.#servers.some(server => this.#of(server, kind) !== undefined)
  }

  /** Whether any server says that it has such a list. */
  isOffered(kind: ListKind): boolean {
    return this.#servers.some(server => server.hasCapability(LISTS[kind].capability))
  }

  /** All entries as clients see them, in the servers' order. */
  entries(kind: ListKind): readonly JsonObject[] {
    if (kind === 'tools' || kind === 'prompts') return this.#named(kind)
    const seen = new Set<unknown>()
    const isFirst = (entry: JsonObject): boolean => !seen.has(entry[LISTS[kind].key]) && seen.add(entry[LISTS[kind].key]) !== undefined
    return this.#servers.flatMap(server => this.#of(server, kind)?.entries ?? []).filter(isFirst)
  }

  result(kind: ListKind, { era, identity }: { readonly era: Era; readonly identity: Identity }): JsonObject {
    // Nothing is to be kept for long while a server is away whose entries may be other ones when it is back.
    const listing = this.#servers.filter(server => !server.isReady || server.hasCapability(LISTS[kind].capability))
    const frames = listing.map(server => (server.isReady ? this.#of(server, kind)?.frame : undefined))
    return mergedList(kind, this.entries(kind), { frames, era, identity })
  }

  /** Whose tool or prompt is shown by this name. */
  origin(kind: 'tools' | 'prompts', name: string): { readonly server: SupervisedServer; readonly name: string } | undefined {
    const origin: Origin | undefined = this.#names(kind).origins.get(name)
    const server = origin === undefined ? undefined : this.#servers[origin.server]
    return origin === undefined || server === undefined ? undefined : { server, name: origin.name }
  }

  /** Under which names something is shown that several servers call by this one. */
  clash(kind: 'tools' | 'prompts', name: string): readonly string[] {
    return this.#names(kind).clashes.get(name) ?? []
  }

  /**
   * Whom to ask about a URI, the likeliest first: who lists it, who lists a template that it may be of, everyone else with
   * resources. What a server hands out in a result stands in no list.
   */
  candidates(uri: string): readonly SupervisedServer[] {
    const lists = (server: SupervisedServer): boolean =>
      this.#of(server, 'resources')?.entries.some(entry => entry['uri'] === uri) === true ||
      this.#of(server, 'resourceTemplates')?.entries.some(entry => entry['uriTemplate'] === uri) === true
    const listing = this.#servers.filter(lists)
    if (listing.length > 0) return listing
    const matches = (server: SupervisedServer): boolean =>
      this.#of(server, 'resourceTemplates')?.entries.some(({ uriTemplate }) => couldMatch(String(uriTemplate), uri)) === true
    const matching = this.#servers.filter(matches)
    const others = this.#servers.filter(server => !matching.includes(server) && server.hasCapability('resources'))
    return [...matching, ...others]
  }

  #refreshOne(server: SupervisedServer, kind: ListKind, envelope: JsonObject): Promise<void> {
    if (!server.isReady || !server.hasCapability(LISTS[kind].capability)) return Promise.resolve()
    const reading = this.#reading.get(server) ?? {}
    this.#reading.set(server, reading)
    const under = reading[kind]
    if (under !== undefined) return under
    const number = (this.#readings += 1)
    const read = this.#read(server, kind, envelope).then(listed => {
      if (reading[kind] === read) delete reading[kind]
      if (listed !== undefined && number > (this.#of(server, kind)?.reading ?? 0)) this.#keep(server, kind, { ...listed, reading: number })
    })
    reading[kind] = read
    return read
  }

  async #read(server: SupervisedServer, kind: ListKind, envelope: JsonObject): Promise<Omit<Listed, 'reading'> | undefined> {
    const { method, key } = LISTS[kind]
    const { entries, frame, fault, isCut } = await readPages(server, { method, member: kind, params: envelope }, this.#parts)
    if (fault !== undefined) {
      // Without the rest of it the names could be others; what it listed before holds on.
      this.#parts.report(`${server.name} ${fault} when it was asked for ${method}`)
      return undefined
    }
    if (isCut) this.#parts.report(`${server.name} lists more than is read of ${method}; the rest is left out`)
    return { entries: readEntries(entries, key), frame }
  }

  #keep(server: SupervisedServer, kind: ListKind, listed: Listed): void {
    this.#listed.set(server, { ...this.#listed.get(server), [kind]: listed })
    this.#shown.delete(kind)
  }

  #of(server: SupervisedServer, kind: ListKind): Listed | undefined {
    return this.#listed.get(server)?.[kind]
  }

  #names(kind: 'tools' | 'prompts'): ShownNames {
    const known = this.#shown.get(kind)
    if (known !== undefined) return known
    const names = (server: SupervisedServer) => (this.#of(server, kind)?.entries ?? []).map(entry => String(entry['name']))
    const shown = shownNames(this.#servers.map(server => ({ server: server.name, names: names(server) })))
    this.#shown.set(kind, shown)
    return shown
  }

  #named(kind: 'tools' | 'prompts'): readonly JsonObject[] {
    const byName = this.#servers.map(server => new Map(this.#of(server, kind)?.entries.map(entry => [entry['name'], entry])))
    return [...this.#names(kind).origins].flatMap(([shown, origin]) => {
      const entry = byName[origin.server]?.get(origin.name)
      return entry === undefined ? [] : [{ ...entry, name: shown }]
    })
  }
}

/** What has no name cannot be asked for. */
function readEntries(listed: readonly unknown[], key: string): readonly JsonObject[] {
  return listed.filter((entry): entry is JsonObject => isObject(entry) && typeof entry[key] === 'string')
}

/** Codes by which servers say that they know no such resource, prompt, task or completion: another one may. */
export const NOT_FOUND_CODES: ReadonlySet<number> = new Set([-32002, INVALID_PARAMS])
