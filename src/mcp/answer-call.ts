import assert from 'node:assert/strict'
import { CreditError } from '../errors.js'
import { refusalResult, type RefusalResult } from '../refusal-body.js'
import type { OpenCredits } from './ledger-access.js'

export type ToolAnswer = { content: [{ type: 'text'; text: string }]; structuredContent: Record<string, unknown> } | RefusalResult

/**
 * The result object of a `tools/call` of ours, in either era. The text is the structured content as JSON: models read
 * the one, programs the other, and both carry the same facts.
 *
 * @throws whatever is no `CreditError`: the door reports it and answers with an internal error that tells nothing of it
 */
export async function answerCall(name: string, open: OpenCredits, args: unknown): Promise<ToolAnswer> {
  try {
    const output = await callNamed(name, open, args)
    return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output }
  } catch (error) {
    if (error instanceof CreditError) return refusalResult(error)
    throw error
  }
}

/** Calls a tool that is known to be there. @throws CreditError whatever its input or the facade refuses */
export async function callNamed(name: string, open: OpenCredits, args: unknown): Promise<Record<string, unknown>> {
  // Loaded by the first call: a start that only lists needs none of the schemas in code.
  const { callTool, tools } = await import('../../tools/index.js')
  const tool = tools.find((candidate) => candidate.name === name)
  assert(tool !== undefined, `${name} is none of our tools`)
  return callTool(tool, () => open(tool.toolset === 'read' ? 'credits:read' : 'credits:spend'), args)
}
