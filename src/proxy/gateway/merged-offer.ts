/* What several servers say of themselves, said as one: pure functions. */
import { type Era, isObject, type JsonObject } from '../../json/json-rpc.js'
import { type Identity, SERVER_INFO } from './gateway-ports.js'

/** A server that has told what it offers, or (`result` left out) one that has not yet. */
export interface Told {
  readonly server: string
  readonly result?: JsonObject
}

interface Answering {
  /** The version of the protocol in which the client is answered. */
  readonly version: string
  readonly identity: Identity
}

/** The result of `initialize`, from those of all servers. One server alone speaks for itself. */
export function mergedInitialize(told: readonly Told[], { version, identity }: Answering): JsonObject {
  return { serverInfo: identity, ...onlyOf(told), ...offerOf(told), protocolVersion: version }
}

/** The result of `server/discover`, from those of all servers. */
export function mergedDiscover(told: readonly Told[], { version, identity }: Answering): JsonObject {
  return {
    resultType: 'complete',
    _meta: { [SERVER_INFO]: identity },
    ...onlyOf(told),
    ...mergedCaching(told.map(({ result }) => result)),
    ...offerOf(told),
    supportedVersions: [version]
  }
}

function onlyOf(told: readonly Told[]): JsonObject {
  const [only, ...others] = told
  return others.length === 0 ? only?.result ?? {} : {}
}

function offerOf(told: readonly Told[]): JsonObject {
  const instructions = mergedInstructions(told)
  return { capabilities: mergedCapabilities(told), ...(instructions === undefined ? {} : { instructions }) }
}

/**
 * What any of the servers can do. Lists change when a server comes back with other entries, so whoever has a list says when
 * it changes; and a server that has not told yet may have any of the lists.
 */
export function mergedCapabilities(told: readonly Told[]): JsonObject {
  const known = told.flatMap(({ result }) => (isObject(result?.['capabilities']) ? [result['capabilities']] : []))
  const isPartial = told.some(({ result }) => result === undefined)
  const merged = known.reduce(merge, isPartial ? Object.fromEntries(LISTS.map(list => [list, {}])) : {})
  const lists = LISTS.filter(list => isObject(merged[list])).map(list => [list, { ...(merged[list] as JsonObject), listChanged: true }])
  return { ...merged, ...Object.fromEntries(lists) }
}

const LISTS = ['tools', 'prompts', 'resources'] as const

function merge(one: JsonObject, other: JsonObject): JsonObject {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...names].map(name => [name, eitherOf(own(one, name), own(other, name))]))
}

function eitherOf(one: unknown, other: unknown): unknown {
  if (isObject(one) && isObject(other)) return merge(one, other)
  return one === undefined || one === false ? other : one
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Each server's instructions under its name, in order; those of one server alone stand by themselves. */
export function mergedInstructions(told: readonly Told[]): string | undefined {
  const texts = told.map(({ server, result }) => ({ server, text: instructionsOf(result, told.length) }))
  if (told.length === 1) return texts[0]?.text
  const sections = texts.flatMap(({ server, text }) => (text === undefined ? [] : [`## ${server}\n\n${text}`]))
  return sections.length === 0 ? undefined : sections.join('\n\n')
}

function instructionsOf(result: JsonObject | undefined, servers: number): string | undefined {
  if (result === undefined) return servers === 1 ? undefined : 'This server is not available yet; its tools are listed once it is.'
  const text = result['instructions']
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined
}

/** How long, and by whom, what was put together of several results may be kept: as the strictest of them says. */
export function mergedCaching(results: readonly (JsonObject | undefined)[]): JsonObject {
  const ttls = results.map(result => (typeof result?.['ttlMs'] === 'number' ? result['ttlMs'] : 0))
  const isPublic = results.length > 0 && results.every(result => result?.['cacheScope'] === 'public')
  return { ttlMs: ttls.length === 0 ? 0 : Math.min(...ttls), cacheScope: isPublic ? 'public' : 'private' }
}

/**
 * A list put together of several servers' results. `frames` are those results without their entries: one server's alone is
 * kept, so that whatever else stands in it passes.
 */
export function mergedList(member: string, entries: readonly JsonObject[], parts: {
  readonly frames: readonly (JsonObject | undefined)[]
  readonly era: Era
  readonly identity: Identity
}): JsonObject {
  const { frames, era, identity } = parts
  const [only] = frames
  if (frames.length === 1 && only !== undefined) return { ...only, [member]: entries }
  if (era === 'legacy') return { [member]: entries }
  return { [member]: entries, resultType: 'complete', ...mergedCaching(frames), _meta: { [SERVER_INFO]: identity } }
}

/**
 * The newest version that all of them speak: each answers the asked one, or the newest of its own that is older. One that
 * answers what was never a version decides for itself alone.
 */
export function commonVersion(told: readonly Told[], asked: string): string {
  const versions = told.map(({ result }) => result?.['protocolVersion']).filter(version => typeof version === 'string')
  if (told.length === 1) return versions[0] ?? asked
  return versions.filter(version => LEGACY_VERSIONS.has(version)).toSorted()[0] ?? asked
}

const LEGACY_VERSIONS: ReadonlySet<string> = new Set(['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])
