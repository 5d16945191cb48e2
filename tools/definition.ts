import type { z } from 'zod'
import type { Credits } from '../src/credits.js'
import type { CamelNames } from '../src/wire.js'

/** Which tools belong together: `read` changes nothing, `spend` moves credits, `ask` hands on a part of what one may spend or asks a person for more. */
export const TOOLSETS = ['read', 'spend', 'ask'] as const
export type Toolset = (typeof TOOLSETS)[number]

/** What a host may conclude before it asks its user. Nothing here reaches beyond the ledger, so `openWorldHint` is false. */
export type ToolHints = {
  readonly readOnlyHint: boolean
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  readonly openWorldHint: false
}

/** What stands before the name of a tool of ours where another server beside it has one of that name. */
export const CLASH_PREFIX = 'credits_'

/** One MCP tool: its words, its schemas with names as on the wire, and the facade call that it is. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly toolset: Toolset
  /** When to use it, in a sentence or two. Never a price: prices come from the catalog. */
  readonly description: string
  readonly input: Input
  readonly output: z.ZodObject
  readonly annotations: ToolHints
  /** @throws CreditError whatever the facade refuses */
  handler(credits: Credits, input: CamelNames<z.output<Input>>): Promise<object>
}

/** Ties a handler's input to its schema, and forgets the schema's type, so that all tools stand in one list. */
export function defineTool<Input extends z.ZodObject>(tool: Tool<Input>): Tool {
  return tool as unknown as Tool
}

/**
 * Whether a call with this input writes. Only of such a call a key that is named beside its input is the key: in an input
 * that asks, `idempotency_key` is what is asked about.
 */
export function isWriting({ toolset }: Pick<Tool, 'toolset'>, input: Readonly<Record<string, unknown>>): boolean {
  return toolset !== 'read' || input['quote'] === true
}

/** The scope that a key needs for a tool. To hand credits on and to ask for more is part of spending them. */
export function scopeOf({ toolset }: Pick<Tool, 'toolset'>): 'credits:read' | 'credits:spend' {
  return toolset === 'read' ? 'credits:read' : 'credits:spend'
}

export const READS: ToolHints = { readOnlyHint: true, openWorldHint: false }
