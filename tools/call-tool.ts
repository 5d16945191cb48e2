import type { Credits } from '../src/credits.js'
import { CreditError } from '../src/errors.js'
import { fromWire, toWire } from '../src/wire.js'
import type { Tool } from './definition.js'

/**
 * Runs a tool for any door: reads the input, calls the facade, answers with names as on the wire.
 *
 * @param open gives the ledger; asked only after the input was found valid, so that a bad call opens nothing
 * @throws CreditError `invalid_request` for an input that the schema does not allow, and whatever the facade refuses
 */
export async function callTool(tool: Tool, open: () => Promise<Credits>, args: unknown): Promise<Record<string, unknown>> {
  const input = readToolInput(tool, args)
  return toWire(await tool.handler(await open(), fromWire(input))) as Record<string, unknown>
}

/** Checks the arguments of a call. @throws CreditError `invalid_request` that names each field and what was expected */
export function readToolInput(tool: Tool, args: unknown): Record<string, unknown> {
  const parsed = tool.input.safeParse(args ?? {})
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, PROBLEMS_MAX).map((issue) => ({
    path: issue.path.join('.').slice(0, TEXT_MAX) || 'input',
    expected: issue.message.slice(0, TEXT_MAX),
  }))
  const message = problems.map(({ path, expected }) => `${path}: ${expected}`).join('; ')
  throw new CreditError('invalid_request', message, { details: { problems } })
}

/** A model mends a handful of fields at a time; an input of a million bad ones must not make an answer as long. */
const PROBLEMS_MAX = 10
const TEXT_MAX = 300
