import { readFileSync } from 'node:fs'

/** The version of this package. Its `package.json` is two folders up from the sources, and three from what is built of them. */
export function packageVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    const version = versionIn(new URL(path, import.meta.url))
    if (version !== null) return version
  }
  throw new Error('the package lacks its package.json')
}

function versionIn(file: URL): string | null {
  try {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: string; readonly version?: string }
    return name === 'mcp-credits' ? (version ?? null) : null
  } catch {
    return null
  }
}
