import { DIMENSIONS } from '../budgets/budget.js'
import { CreditError } from '../errors.js'

/** What `k=v` words on a command line say of an operation. */
export interface AskedCall {
  readonly variant?: string
  readonly quantity?: number
  readonly args?: Readonly<Record<string, unknown>>
}

/**
 * `variant=` and `quantity=` are the call's own, everything else is an argument of the operation. A number, `true`, `false`
 * and `null` are read as JSON, as is a list or an object; any other text is a text.
 *
 * @throws CreditError `invalid_request`
 */
export function readCall(words: readonly string[]): AskedCall {
  const { variant, quantity, ...args } = readPairs(words, 'an argument')
  return {
    ...(variant === undefined ? {} : { variant }),
    ...(quantity === undefined ? {} : { quantity: readNumber(quantity, 'quantity') }),
    ...(Object.keys(args).length === 0 ? {} : { args: withValues(args, readValue) }),
  }
}

/** `--label k=v`, as often as it was given. @throws CreditError `invalid_request` */
export function readLabels(words: readonly string[] = []): Readonly<Record<string, string>> | undefined {
  return words.length === 0 ? undefined : readPairs(words, '--label')
}

/** `--scope tool=x` and `--scope label:customer=c1`, as often as it was given, with `--each`. @throws CreditError `invalid_request` */
export function readScope(words: readonly string[] = [], each?: string): Readonly<Record<string, unknown>> | undefined {
  if (words.length === 0 && each === undefined) return undefined
  const pairs = Object.entries(readPairs(words, '--scope'))
  const unknown = pairs.find(([name]) => !isLabel(name) && !(DIMENSIONS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new CreditError('invalid_request', `--scope: expected one of ${DIMENSIONS.join(', ')} or label:<name>, found ${JSON.stringify(unknown[0])}`)
  }
  const [label, another] = pairs.filter(([name]) => isLabel(name))
  if (another !== undefined) throw new CreditError('invalid_request', '--scope: a budget counts by one label at most')
  return {
    ...Object.fromEntries(pairs.filter(([name]) => !isLabel(name))),
    ...(label === undefined ? {} : { label: { name: label[0].slice('label:'.length), value: label[1] } }),
    ...(each === undefined ? {} : { each }),
  }
}

function isLabel(name: string): boolean {
  return /^label:./s.test(name)
}

/** `--usage input_tokens=5`, as often as it was given. @throws CreditError `invalid_request` */
export function readUsage(words: readonly string[] = []): Readonly<Record<string, number>> | undefined {
  if (words.length === 0) return undefined
  return withValues(readPairs(words, '--usage'), (text, name) => readNumber(text, name))
}

/** One `k=v` to look for. @throws CreditError `invalid_request` */
export function readLabel(word: string | undefined): { readonly name: string; readonly value: string } | undefined {
  if (word === undefined) return undefined
  const [name, value] = readPair(word, '--label')
  return { name, value }
}

/** @throws CreditError `invalid_request` for what is no decimal number; what the number may be is for others to say. */
export function readNumber(text: string, field: string): number {
  if (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text)
  throw new CreditError('invalid_request', `${field}: expected a number, found ${JSON.stringify(text)}`, { details: { field } })
}

/** Like {@link readNumber}, for an option that may be left out. */
export function readOptionalNumber(text: string | undefined, field: string): number | undefined {
  return text === undefined ? undefined : readNumber(text, field)
}

function readPairs(words: readonly string[], what: string): Record<string, string> {
  const pairs = words.map((word) => readPair(word, what))
  const twice = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) !== index)
  if (twice !== undefined) throw new CreditError('invalid_request', `${what}: ${JSON.stringify(twice[0])} is given twice`)
  return Object.fromEntries(pairs)
}

function readPair(word: string, what: string): readonly [string, string] {
  const at = word.indexOf('=')
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)]
  throw new CreditError('invalid_request', `${what}: expected name=value, found ${JSON.stringify(word)}`)
}

function readValue(text: string): unknown {
  if (!/^(?:-?\d|\[|\{|true$|false$|null$)/.test(text)) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    // "3pm" begins like a number and is none.
    return text
  }
}

function withValues<T>(pairs: Readonly<Record<string, string>>, read: (text: string, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(pairs).map(([name, text]) => [name, read(text, name)]))
}
