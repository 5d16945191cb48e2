import { describe, expect, it } from 'vitest'
import { REQUEST_KINDS } from '../../src/budgets/approval.js'
import { FAULTS } from '../../src/decide/command.js'
import { TRANSACTION_KINDS } from '../../src/ledger/transaction.js'
import { LEVELS } from '../../src/budgets/level.js'
import { routes } from '../../src/http/routes.js'
import { instructionsFor } from '../../src/mcp/index.js'
import { fault, level } from '../../tools/fields.js'
import { CLASH_PREFIX } from '../../tools/definition.js'
import { describeTool, scopeOf, tools, type Toolset, TOOLSETS } from '../../tools/index.js'
import { ASKS } from '../../tools/request_credits.js'
import { TRANSACTION_TYPES } from '../../tools/list_transactions.js'
import { filesBelow, textOf } from '../support/files.js'

const toolsOf = (toolsets: readonly Toolset[]) => tools.filter(({ toolset }) => toolsets.includes(toolset))
const described = tools.map(describeTool)
const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

describe('the tools', () => {
  it('are those of the toolsets read and spend', () => {
    expect(toolsOf(['read']).map(({ name }) => name)).toEqual([
      'get_credit_balance', 'get_budget_status', 'estimate_cost', 'get_mcp_usage', 'list_operations', 'list_transactions', 'explain_charge', 'what_can_i_afford',
    ])
    expect(toolsOf(['spend']).map(({ name }) => name)).toEqual([
      'charge_credits', 'reserve_credits', 'extend_reservation', 'settle_reservation', 'release_reservation',
    ])
    expect(toolsOf(TOOLSETS)).toEqual(tools)
  })

  it('need the same scope of a key at every door', () => {
    expect(TOOLSETS.map((toolset) => [toolset, scopeOf({ toolset })])).toEqual([['read', 'credits:read'], ['spend', 'credits:spend'], ['ask', 'credits:spend']])
    const named = new Map(tools.map((tool) => [tool.name, scopeOf(tool)]))
    expect(routes.flatMap(({ tool, scope }) => (tool === null || scope === named.get(tool) ? [] : [tool]))).toEqual([])
    const told = filesBelow('src', 'tools').filter((path) => path.endsWith('.ts') && /toolset === '\w+' \? 'credits:/.test(textOf(path)))
    expect(told).toEqual(['tools/definition.ts'])
  })

  it('stand one in a file of its name', () => {
    const files = filesBelow('tools').map((path) => path.replace(/^tools\/|\.ts$/g, ''))
    expect(files.filter((name) => name.includes('_')).sort()).toEqual(tools.map(({ name }) => name).sort())
  })

  it('are in schema/tools.json as they are; after a change: npx vitest run test/mcp/definitions.test.ts --update', async () => {
    const listed = tools.map((tool) => ({ toolset: tool.toolset, ...describeTool(tool) }))
    await expect(`${JSON.stringify(listed, null, 2)}\n`).toMatchFileSnapshot('../../schema/tools.json')
  })

  it('cost a model at most 11 kB and a client at most 26 kB', () => {
    const read = described.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))
    expect(bytes(read)).toBeLessThanOrEqual(11_000)
    expect(bytes({ tools: described })).toBeLessThanOrEqual(26_000)
  })

  it('are described in one or two sentences', () => {
    for (const { name, description } of tools) expect(description.match(/[.](?:\s|$)/g)?.length, name).toBeLessThanOrEqual(2)
  })

  it('T42: no price, and no number at all, is written into a name, a description or a schema text', () => {
    for (const tool of described) {
      const texts = JSON.stringify(tool.inputSchema).match(/"description":"[^"]*"/g) ?? []
      expect([tool.title, tool.description, ...texts.filter((text) => !text.includes('ISO 8601'))].join(' '), tool.name).not.toMatch(/\d/)
    }
    expect(instructionsFor(TOOLSETS)).not.toMatch(/\d/)
  })

  it('AX-12: each tool that writes takes an idempotency key and tells the model to reuse it', () => {
    for (const { name, description, inputSchema } of toolsOf(['spend']).map(describeTool)) {
      expect(Object.keys(inputSchema['properties'] as object), name).toContain('idempotency_key')
      expect(description, name).toMatch(/reuse the idempotency_key/i)
    }
    for (const name of ['charge_credits', 'reserve_credits']) {
      expect(described.find((tool) => tool.name === name)?.description).toMatch(/a call without a key is a (charge|reservation) of its own/)
    }
  })

  it('reads are marked as read-only, nothing reaches beyond the ledger', () => {
    for (const { toolset, annotations } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: toolset === 'read', openWorldHint: false })
      if (toolset === 'spend') expect(annotations).toMatchObject({ destructiveHint: expect.any(Boolean), idempotentHint: expect.any(Boolean) })
    }
  })

  it('refuse fields that they do not know, at every depth, and say so in their schemas', () => {
    const open = described.flatMap(({ name, inputSchema }) => openObjects(inputSchema).map((at) => `${name}${at}`))
    expect(open.filter((path) => !/\.(args|usage|labels)$/.test(path))).toEqual([])
  })

  it('take no account: an agent acts on the one that it was started for', () => {
    expect(described.filter(({ inputSchema }) => JSON.stringify(inputSchema).includes('"account"'))).toEqual([])
  })

  it('name kinds, faults and levels as the ledger does', () => {
    expect([...TRANSACTION_TYPES]).toEqual([...TRANSACTION_KINDS])
    expect(fault.unwrap().options).toEqual([...FAULTS])
    expect([...ASKS]).toEqual([...REQUEST_KINDS])
    expect(level.options).toEqual([...LEVELS])
  })
})

describe('the instructions', () => {
  it('are short, and name only tools that are offered', () => {
    for (const toolsets of [['read', 'spend'], ['read'], ['spend']] as const) {
      for (const company of ['alone', 'upstream'] as const) {
        const text = instructionsFor(toolsets, company)
        expect(text.length).toBeLessThan(1_500)
        const named = text.match(/\b[a-z]+(?:_[a-z]+)+\b/g)?.filter((name) => tools.some((tool) => tool.name === name)) ?? []
        expect(named.filter((name) => !toolsOf(toolsets).some((tool) => tool.name === name))).toEqual([])
        expect(named).toContain(toolsets[0] === 'read' ? 'estimate_cost' : 'charge_credits')
        expect(text.includes('metered')).toBe(company === 'upstream')
        expect(text.includes(`${CLASH_PREFIX} before it`), 'the name of a tool of ours that another server has too').toBe(company === 'upstream')
      }
    }
  })
})

type Schema = { readonly [keyword: string]: unknown }

/** Where a schema lets an object have any further member. */
function openObjects(schema: Schema, at = ''): string[] {
  const members = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>).flatMap(([name, member]) => openObjects(member, `${at}.${name}`))
  const items = schema['items'] === undefined ? [] : openObjects(schema['items'] as Schema, at)
  return [...(schema['type'] === 'object' && schema['additionalProperties'] !== false ? [at] : []), ...members, ...items]
}
