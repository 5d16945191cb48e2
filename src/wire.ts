/**
 * Names are camel case in the library and snake case on the wire. This is the one place that knows how they correspond,
 * also as types, so that a tool's input is checked against the facade by the compiler.
 */

/**
 * Members whose value is somebody else's data: names of labels and arguments, components of a catalog's prices, the
 * catalog's own words. They pass as they are; what stands in them is nobody's to rename.
 */
const FOREIGN = ['labels', 'args', 'usage', 'entitlements', 'scope', 'before', 'after', 'document', 'catalog'] as const
type Foreign = (typeof FOREIGN)[number]

export type CamelCase<Text extends string> = Text extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Text

export type CamelNames<Value> = Value extends readonly (infer Item)[]
  ? CamelNames<Item>[]
  : Value extends object
    ? { [Name in keyof Value as Name extends string ? CamelCase<Name> : Name]: Name extends Foreign ? Value[Name] : CamelNames<Value[Name]> }
    : Value

/** A value from the wire as the library takes it. Foreign data inside it keeps its names. */
export function fromWire<Value>(value: Value): CamelNames<Value> {
  return renamed(value, toCamel) as CamelNames<Value>
}

/** A value of the library as it goes on the wire. Foreign data inside it keeps its names. */
export function toWire(value: unknown): unknown {
  return renamed(value, wireName)
}

const foreign: ReadonlySet<string> = new Set(FOREIGN)

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [rename(name), foreign.has(name) ? member : renamed(member, rename)]))
}

function toCamel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** A name of the library as it is on the wire. */
export function wireName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
