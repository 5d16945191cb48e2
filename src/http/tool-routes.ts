import { callTool, isWriting, scopeOf, type Tool, tools } from '../../tools/index.js'
import type { Route } from './route.js'
import { toolExamples } from './tool-examples.js'

/** Every tool as `POST /v1/tools/<name>`: its input is the body, its output the answer, an agent's view as over MCP. */
export const toolRoutes: readonly Route[] = tools.map((tool) => ({
  ...callOf(tool),
  method: 'post',
  path: `/v1/tools/${tool.name}`,
  operation: tool.name,
  group: 'tools',
}))

/** The tools that only read, where a `GET` with parameters is handier than a body. */
const READS = {
  '/v1/balance': 'get_credit_balance',
  '/v1/budgets': 'get_budget_status',
  '/v1/usage': 'get_mcp_usage',
  '/v1/operations': 'list_operations',
  '/v1/transactions': 'list_transactions',
} as const

export const readRoutes: readonly Route[] = Object.entries(READS).map(([path, name]) => {
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) throw new Error(`there is a tool ${name}`)
  return { ...callOf(tool), method: 'get', path, operation: `read_${path.slice('/v1/'.length)}`, group: 'reads' }
})

function callOf(tool: Tool): Omit<Route, 'method' | 'path' | 'operation' | 'group'> {
  const { input, output } = toolExamples[tool.name] ?? { input: {}, output: {} }
  return {
    tool: tool.name,
    summary: tool.title,
    description: tool.description,
    scope: scopeOf(tool),
    isWrite: isWriting(tool, { quote: 'quote' in tool.input.shape }),
    isWriting: (asked) => isWriting(tool, asked),
    // What has no price can only be refused where it is asked for as well.
    isRefusedUnpaid: tool.toolset === 'spend' || tool.name === 'estimate_cost',
    input: tool.input,
    example: input,
    answer: { name: tool.name, schema: tool.output, example: output },
    run: (credits, asked) => callTool(tool, () => Promise.resolve(credits.as({ holder: 'agent' })), asked),
  }
}
