export interface UpstreamTool {
  readonly name: string
  readonly description?: string
}

export interface UpstreamOptions {
  readonly version: string
  /** For the connection and each page. Generous, since `npx` may have to download the server first. */
  readonly timeoutMs?: number
}

/**
 * Starts another MCP server over stdio in whichever era it speaks, reads its tools and ends it. Its standard error
 * goes to ours, where it can say why it does not start.
 *
 * @param env the process's whole environment; the composition root leaves our own secrets out of it
 * @throws Error if it cannot be started, is no MCP server, does not answer in time, or lists more pages than are read
 */
export async function readUpstreamTools(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  { version, timeoutMs = TIMEOUT_MS }: UpstreamOptions,
): Promise<readonly UpstreamTool[]> {
  // Loaded here because serving, which starts far more often, needs no client.
  const [{ Client }, { StdioClientTransport }] = await Promise.all([
    import('@modelcontextprotocol/client'),
    import('@modelcontextprotocol/client/stdio'),
  ])
  const client = new Client({ name: 'mcp-credits', version }, { versionNegotiation: { mode: 'auto' }, listMaxPages: PAGES_MAX })
  try {
    await client.connect(new StdioClientTransport({ command, args: [...args], env: present(env) }), { timeout: timeoutMs })
    const { tools } = await client.listTools(undefined, { timeout: timeoutMs })
    return tools.map(({ name, description }) => (description === undefined ? { name } : { name, description }))
  } finally {
    await client.close()
  }
}

const TIMEOUT_MS = 120_000

/** A server with more than a hundred pages of tools is one whose cursor never ends. */
const PAGES_MAX = 100

function present(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
