import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the checkout, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Files below the folders, as paths from the checkout with forward slashes, in order; none for a folder that is not there. */
export function filesBelow(...folders: readonly string[]): string[] {
  return folders
    .filter((folder) => existsSync(ROOT + folder))
    .flatMap((folder) =>
      readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
    )
    .sort()
}

export function textOf(path: string): string {
  return readFileSync(ROOT + path, 'utf8')
}

/** Code without its comments, line for line: `//` inside an address (`http://…`) or a regular expression is none. */
export function withoutComments(code: string): string {
  return code
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/.*$/gm, '$1')
}
