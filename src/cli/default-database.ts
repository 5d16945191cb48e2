import { posix, win32 } from 'node:path'

/** What the place of a user's data depends on. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}

/**
 * The ledger's file when nobody names one: in the user's data folder, so that every server that a user's clients start
 * shares one ledger. `$XDG_DATA_HOME` counts everywhere, and only as an absolute path, as the XDG base directory
 * specification asks.
 */
export function defaultDatabase(machine: Machine): string {
  const { join } = machine.platform === 'win32' ? win32 : posix
  return join(dataFolder(machine), 'mcp-credits', 'ledger.db')
}

function dataFolder({ platform, env, home }: Machine): string {
  const { isAbsolute, join } = platform === 'win32' ? win32 : posix
  const chosen = env['XDG_DATA_HOME']
  if (chosen !== undefined && isAbsolute(chosen)) return chosen
  if (platform === 'win32') return env['LOCALAPPDATA'] || join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  return join(home, '.local', 'share')
}
