import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { resultsFolder } from './report.mjs'

/**
 * Installs the packages of a folder's own lock file outside the checkout's dependencies, once: they are large, and nobody
 * but the script that asks needs them.
 *
 * @param {string} folder with a package.json and a package-lock.json
 * @param {string} name of the place where they are installed
 * @param {readonly string[]} [more] packages to be added without a lock
 * @returns {string} the folder that holds their `node_modules`
 */
export function installTools(folder, name, more = []) {
  const place = resolve(resultsFolder, name)
  if (existsSync(join(place, 'node_modules'))) return place
  mkdirSync(place, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(folder, file), join(place, file))
  run(['ci'], place)
  if (more.length > 0) run(['install', '--no-save', ...more], place)
  return place
}

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function run(args, cwd) {
  const { status } = spawnSync('npm', [...args, '--no-audit', '--no-fund'], { cwd, stdio: 'inherit' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed in ${cwd}`)
}
