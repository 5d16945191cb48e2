import { command } from '../definition.js'

interface Options {
  readonly toolsets?: string
  readonly notes: boolean
}

export const serveCommand = command<Options>({
  name: 'serve',
  summary: 'run the MCP server on standard input and output; with a command, put that MCP server behind the meter',
  options: [
    { flags: '--toolsets <names>', summary: 'offer these of our tools: read,spend; all unless told. With a command read is always offered, and this adds spend' },
    { flags: '--no-notes', summary: 'leave out the line about what is left once credits run low' },
  ],
  takesCommand: true,
  example: 'serve -- npx -y @modelcontextprotocol/server-everything',
  run: async (invocation) => {
    const { serve } = await import('../serve.js')
    return { exitCode: await serve(invocation, { toolsets: invocation.options.toolsets, hasNotes: invocation.options.notes }) }
  },
})
