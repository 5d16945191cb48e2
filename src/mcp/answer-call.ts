import assert from 'node:assert/strict'
import type { Tool } from '../../tools/index.js'
import { CreditError } from '../errors.js'
import { refusalResult, type RefusalResult } from '../refusal-body.js'
import type { Asker } from '../usage/ask-at-client.js'
import type { OpenCredits } from './ledger-access.js'

export type ToolAnswer =
  | { content: [{ type: 'text'; text: string }]; structuredContent: Record<string, unknown> }
  | RefusalResult
  /** Asks the person at the client for a yes; the client sends the same call again with the answer. */
  | { resultType: 'input_required'; inputRequests: Record<string, unknown>; requestState?: string }

/** Nobody can be asked: a refusal is all there is. */
const NOBODY: Asker = {}

/**
 * The result object of a `tools/call` of ours, in either era. The text is the structured content as JSON: models read
 * the one, programs the other, and both carry the same facts.
 *
 * @throws whatever is no `CreditError`: the door reports it and answers with an internal error that tells nothing of it
 */
export async function answerCall(name: string, open: OpenCredits, args: unknown, person: Asker = NOBODY): Promise<ToolAnswer> {
  try {
    const asking = await askingFor(await toolNamed(name), open, args, person)
    if (asking.kind === 'asks') return asking.result as unknown as ToolAnswer
    const output = asking.value
    return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output }
  } catch (error) {
    if (error instanceof CreditError) return refusalResult(error)
    throw error
  }
}

/** Calls a tool that is known to be there. @throws CreditError whatever its input or the facade refuses */
export async function callNamed(name: string, open: OpenCredits, args: unknown): Promise<Record<string, unknown>> {
  return call(await toolNamed(name), open, args)
}

/** What spends may want a person's yes, and the person may sit at the client. */
async function askingFor(tool: Tool, open: OpenCredits, args: unknown, person: Asker) {
  const canBeAsked = person.ask !== undefined || person.rounds !== undefined
  if (tool.toolset !== 'spend' || !canBeAsked) return { kind: 'done', value: await call(tool, open, args) } as const
  const { readToolInput, scopeOf } = await import('../../tools/index.js')
  readToolInput(tool, args)
  const credits = await open(scopeOf(tool))
  return credits.asking({ ...person, sent: args }, () => call(tool, async () => credits, args))
}

async function call(tool: Tool, open: OpenCredits, args: unknown): Promise<Record<string, unknown>> {
  const { callTool, scopeOf } = await import('../../tools/index.js')
  return callTool(tool, () => open(scopeOf(tool)), args)
}

async function toolNamed(name: string): Promise<Tool> {
  // Loaded by the first call: a start that only lists needs none of the schemas in code.
  const { tools } = await import('../../tools/index.js')
  const tool = tools.find((candidate) => candidate.name === name)
  assert(tool !== undefined, `${name} is none of our tools`)
  return tool
}
