const PREFIX = 'tool:'

/** A tool's id among what has a price: `tool:` and its name, so that it is never taken for an operation's. */
export function toolId(tool: string): string {
  return `${PREFIX}${tool}`
}

/** The tool that such an id names; null for an id of anything else. */
export function toolNamed(id: string): string | null {
  return id.startsWith(PREFIX) && id.length > PREFIX.length ? id.slice(PREFIX.length) : null
}
