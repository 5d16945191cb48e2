/**
 * The environment of a server that we start: ours without what is ours alone. A key or a database's address with its
 * password is no business of somebody else's program.
 */
export function upstreamEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^MCP_CREDITS_/i.test(name)))
}
