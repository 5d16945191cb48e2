/**
 * The part of the build that the compiler does not do: files that are read at run time are copied next to the compiled
 * code, at the same relative place as in the checkout, so that `new URL('../../schema/…', import.meta.url)` finds
 * them from both. The compiler overwrites in place and this removes what no longer has a source afterwards, so that a
 * process started during a build never meets an empty folder.
 */
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const output = join(root, 'dist')
const assetFolders = ['src', 'schema']
const assetExtension = /\.(sql|json|html|css|svg)$/

removeStale()
for (const folder of assetFolders) copyAssets(folder)
makeExecutable()

function removeStale() {
  for (const file of filesBelow(output)) {
    const origin = file.replace(/\.d\.ts$|\.js$/, '.ts')
    if (!existsSync(join(root, origin))) rmSync(join(output, file))
  }
}

/** @param {string} folder */
function copyAssets(folder) {
  for (const file of filesBelow(join(root, folder))) {
    if (assetExtension.test(file)) cpSync(join(root, folder, file), join(output, folder, file))
  }
}

function makeExecutable() {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const path of Object.values(bin)) chmodSync(join(root, String(path)), 0o755)
}

/**
 * @param {string} folder
 * @returns {string[]} paths relative to the folder; none if there is no such folder
 */
function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length))
}
