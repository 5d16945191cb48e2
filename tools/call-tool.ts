import type { Credits } from '../src/credits.js'
import { CreditError } from '../src/errors.js'
import { inWordsOf } from '../src/facade/field-names.js'
import { readInput } from '../src/facade/read-input.js'
import { fromWire, toWire, wireName } from '../src/wire.js'
import type { Tool } from './definition.js'

/**
 * Runs a tool for any door: reads the input, calls the facade, answers with names as on the wire.
 *
 * @param open gives the ledger; asked only after the input was found valid, so that a bad call opens nothing
 * @throws CreditError `invalid_request` for an input that the schema does not allow, and whatever the facade refuses
 */
export async function callTool(tool: Tool, open: () => Promise<Credits>, args: unknown): Promise<Record<string, unknown>> {
  const input = readToolInput(tool, args)
  try {
    return toWire(await tool.handler(await open(), fromWire(input))) as Record<string, unknown>
  } catch (error) {
    throw error instanceof CreditError ? inWordsOf(error, wireName) : error
  }
}

/** Checks the arguments of a call. @throws CreditError `invalid_request` that names each field and what was expected */
export function readToolInput(tool: Tool, args: unknown): Record<string, unknown> {
  return readInput(tool.input, args ?? {})
}
