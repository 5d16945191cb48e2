import { mkdirSync } from 'node:fs'
import * as modules from 'node:module'
import { posix, win32 } from 'node:path'
import type { Machine } from './default-database.js'

/**
 * Keeps the compiled code of this process for the next start, where Node.js can (22.1 and later). It lies in the user's own
 * cache folder: Node's default is below the machine's temporary folder, at a name that others could take first, and compiled
 * code from there would be run with access to the ledger. Without a folder to write in, the start is slower and nothing else.
 */
export function keepCompiledCode(machine: Machine): void {
  const { enableCompileCache } = modules as { readonly enableCompileCache?: (folder: string) => unknown }
  if (enableCompileCache === undefined) return
  const folders = compileCacheFolders(machine)
  const folder = folders.at(-1)
  if (folder !== undefined && folders.every(isMade)) enableCompileCache(folder)
}

/**
 * The folder of compiled code, last, after those that it lies in and that may have to be made as well. `$XDG_CACHE_HOME` counts
 * everywhere, and only as an absolute path, as the XDG base directory specification asks. None where no absolute path is known,
 * as for a user without a home: it would be whatever folder we are started in, and whoever made that.
 */
export function compileCacheFolders(machine: Machine): readonly string[] {
  const { isAbsolute, join } = machine.platform === 'win32' ? win32 : posix
  const base = cacheFolder(machine)
  if (!isAbsolute(base)) return []
  return [base, join(base, 'mcp-credits'), join(base, 'mcp-credits', 'compiled')]
}

function cacheFolder({ platform, env, home }: Machine): string {
  const { isAbsolute, join } = platform === 'win32' ? win32 : posix
  const chosen = env['XDG_CACHE_HOME']
  if (chosen !== undefined && isAbsolute(chosen)) return chosen
  if (platform === 'win32') return env['LOCALAPPDATA'] || join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Caches')
  return join(home, '.cache')
}

/**
 * Makes one folder for its owner alone, and none above it: where the system has room for none, as below /proc, Node tries
 * without end to make a folder together with those above it.
 */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 })
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EEXIST'
  }
}
