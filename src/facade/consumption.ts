import { toolNamed } from '../catalog/tool-id.js'
import type { Actual, Subject } from '../decide/command.js'
import { CreditError } from '../errors.js'
import { parseCredits } from '../money/credits.js'
import { isPlainTool, PLAIN_TOOL } from './inputs.js'
import { readAmount } from './read-input.js'

interface AskedActual {
  readonly actual?: unknown
  readonly quantity?: number | undefined
  readonly usage?: Readonly<Record<string, number>> | undefined
}

interface AskedCall extends AskedActual {
  readonly operation?: string | undefined
  readonly tool?: string | undefined
  readonly variant?: string | undefined
  readonly args?: Readonly<Record<string, unknown>> | undefined
}

/** What was consumed, as the core takes it. @throws CreditError `invalid_amount` */
export function actualOf({ actual, quantity, usage }: AskedActual): Actual {
  return {
    actual: actual === undefined ? undefined : readAmount(parseCredits, actual, 'actual'),
    quantity,
    usage: usage === undefined ? undefined : componentsOf(usage),
  }
}

/**
 * What is to be priced, as the core takes it. A tool is named by its field or, where an operation is, as `prices` names it.
 *
 * @throws CreditError `invalid_request` for more than arguments with a tool, `invalid_amount`
 */
export function subjectOf(asked: AskedCall): Subject {
  const tool = asked.tool ?? (asked.operation === undefined ? null : toolNamed(asked.operation))
  if (tool !== null) {
    if (!isPlainTool({ ...asked, tool }) || asked.actual !== undefined) throw new CreditError('invalid_request', PLAIN_TOOL)
    return { kind: 'tool', tool, args: asked.args ?? {} }
  }
  const { actual, usage } = actualOf({ actual: asked.actual, usage: asked.usage })
  if (asked.operation === undefined) return { kind: 'quoted', actual: { actual, usage } }
  return {
    kind: 'operation',
    operation: asked.operation,
    variant: asked.variant ?? null,
    quantity: asked.quantity ?? null,
    args: asked.args ?? null,
    actual: { actual, usage },
  }
}

/** Components are named by the catalog, in snake case; the library's own camel case is taken as well. */
function componentsOf(usage: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(usage).map(([name, value]) => [snake(name), value]))
}
