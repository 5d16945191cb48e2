import type { SeededRandom } from '../support/seeded-random.js'
import type { CatalogDocument } from '../simulation/reference-catalog.js'

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
type Document = Record<string, Json>

export interface Anonymous {
  readonly document: Document
  /** The new name of an operation, variant, plan, pack, item or tool. */
  readonly named: (kind: Kind, name: string) => string
  /** A text with every new name put back. */
  readonly restored: (text: string) => string
}

export type Kind = 'operation' | 'variant' | 'plan' | 'pack' | 'category' | 'tool' | 'item' | 'words'

/** The same catalog with every id and name of it by chance, its structure and figures kept. */
export function anonymous(catalog: CatalogDocument, random: SeededRandom): Anonymous {
  const names = new Map<string, string>()
  const originals = new Map<string, string>()
  const named = (kind: Kind, name: string): string => {
    const key = `${kind} ${name}`
    let made = names.get(key)
    while (made === undefined || (originals.has(made) && originals.get(made) !== name)) made = beginning(kind, name) + Array.from({ length: 9 }, () => 'bcdfghjkmnpqrstvwz'[random.below(18)]).join('')
    names.set(key, made)
    originals.set(made, name)
    return made
  }
  const document = renamed(structuredClone(catalog) as unknown as Document, named)
  const pattern = () => new RegExp([...originals.keys()].join('|'), 'g')
  return { document, named, restored: (text) => text.replace(pattern(), (made) => originals.get(made) as string) }
}

/** A word keeps its article, and recurring items their order, for they are charged by it. */
function beginning(kind: Kind, name: string): string {
  if (kind === 'item') return name.slice(0, 2)
  return /^[aeiou]/i.test(name) ? 'e' : 'x'
}

type Name = Anonymous['named']

const WORDS = new Set(['name', 'plural', 'description', 'event'])

function renamed(catalog: Document, named: Name): Document {
  const { operations, plans, packs = {}, recurring_items: items = {}, tools = {}, categories = [], campaign, texts = {}, ...rest } = catalog as {
    [name: string]: Json
    operations: Record<string, Document>
    plans: Record<string, Json>
  } & { packs?: Record<string, Json>; recurring_items?: Record<string, Json>; tools?: Record<string, Json>; categories?: readonly Document[]; campaign?: Document; texts?: Record<string, string> }
  const keyed = (kind: Kind, record: Record<string, Json>, change: (value: Json, name: string) => Json = (value) => value): Record<string, Json> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [named(kind, name), inside(change(value, name), named)]))
  const withCategory = (operation: Json, id: string): Json => ({ ...(operation as Document), category: (operation as Document)['category'] ?? (id.split('.')[0] as string) })
  return {
    ...(inside(rest as Document, named) as Document),
    id: named('words', catalog['id'] as string),
    operations: keyed('operation', operations, withCategory),
    plans: keyed('plan', plans),
    ...(Object.keys(packs).length === 0 ? {} : { packs: keyed('pack', packs) }),
    ...(Object.keys(items).length === 0 ? {} : { recurring_items: keyed('item', items) }),
    ...(Object.keys(tools).length === 0 ? {} : { tools: keyed('tool', tools) }),
    ...(categories.length === 0 ? {} : { categories: categories.map((category) => ({ ...(inside(category, named) as Document), id: named('category', category['id'] as string) })) }),
    ...(campaign === undefined ? {} : { campaign: inside(campaign, named) }),
    texts: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, named('words', text)])),
  }
}

/** Renames what stands inside: texts that people read, and what names an operation, a variant, a plan or a category. */
function inside(value: Json, named: Name, field = ''): Json {
  if (Array.isArray(value)) return value.map((one: Json) => (field === 'requires_plan' ? named('plan', one as string) : inside(one, named)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => renamedMember(name, member as Json, named)))
}

function renamedMember(name: string, member: Json, named: Name): [string, Json] {
  if (typeof member === 'string') {
    if (WORDS.has(name)) return [name, named('words', member)]
    if (name === 'operation' || name === 'category') return [name, named(name, member)]
    if (name === 'variant' || name === 'default_variant') return [name, named('variant', member)]
    if (name === 'default_plan') return [name, named('plan', member)]
  }
  if (name === 'variants') return [name, Object.fromEntries(Object.entries(member as Document).map(([id, variant]) => [named('variant', id), inside(variant, named)]))]
  if (name === 'variant' && typeof member === 'object' && member !== null) return [name, found(member as Document, named)]
  return [name, inside(member, named, name)]
}

/** Where a variant is read from a call: the values of the map are variants. */
function found(member: Document, named: Name): Json {
  const { map, default: fallback, ...rest } = member
  return {
    ...rest,
    ...(map === undefined ? {} : { map: Object.fromEntries(Object.entries(map as Record<string, string>).map(([from, to]) => [from, named('variant', to)])) }),
    ...(typeof fallback === 'string' ? { default: named('variant', fallback) } : {}),
  }
}
