import { command } from '../definition.js'
import type { TypedHttp } from '../http-options.js'

interface Options extends TypedHttp {
  readonly upstreams?: string
  readonly toolsets?: string
  readonly notes: boolean
  readonly budget?: readonly string[]
}

export const serveCommand = command<Options>({
  name: 'serve',
  summary: 'run the MCP server on standard input and output or over HTTP; with a command, put that MCP server behind the meter',
  options: [
    { flags: '--upstreams <mcp.json>', summary: "put all servers of an MCP client's configuration behind the meter, at one address" },
    { flags: '--toolsets <names>', summary: 'offer these of our tools: read,spend,ask; all unless told. With a command read and ask are always offered, and this adds spend' },
    { flags: '--budget <credits/window>', summary: 'spend at most so many in a run, day, week, month or in total, like 500/day', isRepeatable: true },
    { flags: '--no-notes', summary: 'leave out the line about what is left once credits run low' },
    { flags: '--http [host:port]', summary: 'serve /mcp and /v1 over HTTP, on 127.0.0.1:8321 unless told; a port alone is on 127.0.0.1, 0 is any that is free' },
    { flags: '--no-auth', summary: 'with --http on this machine alone: ask for no key, for trials' },
    { flags: '--allowed-host <name>', summary: 'with --http: a further name under which this server is reached, a proxy\'s for one', isRepeatable: true },
    { flags: '--allowed-origin <origin>', summary: 'with --http: a site whose pages may call this server from a browser', isRepeatable: true },
    { flags: '--body-limit <bytes>', summary: 'with --http: the longest body that is read, like 512KiB; 4MiB unless told' },
    { flags: '--rate-limit <requests>', summary: 'with --http: so many requests a second of one caller; 300 unless told' },
    { flags: '--sessions <number>', summary: 'with --http and a server behind it: so many of it at once, half of them for one caller; 64 unless told' },
    { flags: '--log <json|off>', summary: 'with --http: a line of JSON on standard error for each request, or none; json unless told' },
    { flags: '--oauth-issuer <url>', summary: 'with --http: take tokens of this authorization server as well; see key create --subject' },
    { flags: '--oauth-audience <url>', summary: 'with --oauth-issuer: the address of /mcp that clients have, for which its tokens are made' },
  ],
  takesCommand: true,
  example: 'serve --budget 500/day -- npx -y @modelcontextprotocol/server-everything',
  run: async (invocation) => {
    const { toolsets, notes, budget, upstreams } = invocation.options
    const [{ serve }, { readServeBudgets }, { readHttpOptions }] = await Promise.all([import('../serve.js'), import('../serve-budgets.js'), import('../http-options.js')])
    return { exitCode: await serve(invocation, { upstreams, toolsets, hasNotes: notes, budgets: readServeBudgets(budget), http: readHttpOptions(invocation.options) }) }
  },
})
