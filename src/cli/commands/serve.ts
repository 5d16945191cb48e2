import { command } from '../definition.js'

interface Options {
  readonly toolsets?: string
  readonly notes: boolean
  readonly budget?: readonly string[]
}

export const serveCommand = command<Options>({
  name: 'serve',
  summary: 'run the MCP server on standard input and output; with a command, put that MCP server behind the meter',
  options: [
    { flags: '--toolsets <names>', summary: 'offer these of our tools: read,spend; all unless told. With a command read is always offered, and this adds spend' },
    { flags: '--budget <credits/window>', summary: 'spend at most so many in a run, day, week, month or in total, like 500/day', isRepeatable: true },
    { flags: '--no-notes', summary: 'leave out the line about what is left once credits run low' },
  ],
  takesCommand: true,
  example: 'serve --budget 500/day -- npx -y @modelcontextprotocol/server-everything',
  run: async (invocation) => {
    const { toolsets, notes, budget } = invocation.options
    const [{ serve }, { readServeBudgets }] = await Promise.all([import('../serve.js'), import('../serve-budgets.js')])
    return { exitCode: await serve(invocation, { toolsets, hasNotes: notes, budgets: readServeBudgets(budget) }) }
  },
})
