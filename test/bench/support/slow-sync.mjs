import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { fileHere } from './folder.mjs'

/** Why syncs cannot be made slower on this machine; null where they can. */
export function whyNoSlowSync() {
  if (process.platform !== 'linux') return 'the library that makes syncs slower is preloaded in the way of Linux'
  return spawnSync('cc', ['--version']).error === undefined ? null : 'no C compiler (cc) is installed'
}

/**
 * Compiles the library that makes each sync of a program slower.
 *
 * @param {ReturnType<typeof import('./folder.mjs').makeFolder>} folder
 * @returns {string} what is to be preloaded
 */
export function compileSlowSync(folder) {
  const library = folder.file('slow-sync.so')
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, fileHere('fixtures/slow-sync.c'), '-ldl'])
  chmodSync(library, 0o755)
  return library
}
