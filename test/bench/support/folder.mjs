import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A new folder that anybody may enter: a PostgreSQL server, which does not run as root, reads our libraries in one. */
export function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  chmodSync(path, 0o755)
  return { path, file: (/** @type {string} */ name) => join(path, name), remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The path of a file of the benchmarks, or of the project. @param {string} path relative to `test/bench` */
export function fileHere(path) {
  return fileURLToPath(new URL(`../${path}`, import.meta.url))
}
