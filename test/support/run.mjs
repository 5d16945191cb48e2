/**
 * `node test/support/run.mjs <leg> [vitest options]` runs one project of vitest.config.ts and keeps its tally for the
 * sum over the legs.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { announce, resultsFolder, tallyOf, writeTally } from './report.mjs'

const [leg, ...options] = process.argv.slice(2)
const reportFile = join(resultsFolder, `${leg}.json`)
const tallyFile = join(resultsFolder, `${leg}.tally.json`)
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

mkdirSync(resultsFolder, { recursive: true })
rmSync(reportFile, { force: true })
rmSync(tallyFile, { force: true })
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', String(leg), ...reporters, ...options], {
  stdio: 'inherit',
})
const tally = tallyOf(readReport(), status)
writeTally(String(leg), tally)
process.exitCode = announce(tally)

/** @returns {Parameters<typeof tallyOf>[0]} */
function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'))
  } catch {
    return null
  }
}
