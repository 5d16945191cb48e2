/**
 * `node test/support/report.mjs <leg>…` sums up the legs that `run.mjs` has run and ends with the line
 * `N passed, N failed`; it fails if a test failed, if a leg did not run or if a leg held no test.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const resultsFolder = '.test-results'

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 */

/**
 * The tally of a run, from vitest's JSON report. A test file that could not even be read holds no failed test, and an
 * error outside any test fails none; each counts as one failure, and so does a run without any test.
 *
 * @param {{ numPassedTests: number, testResults: { status: string, assertionResults: { status: string }[] }[] } | null} report
 * @param {number | null} exitCode of vitest itself
 * @returns {Tally}
 */
export function tallyOf(report, exitCode) {
  if (report === null) return { passed: 0, failed: 1 }
  const failed = report.testResults.reduce((sum, file) => {
    const tests = file.assertionResults.filter(({ status }) => status === 'failed').length
    return sum + (tests === 0 && file.status === 'failed' ? 1 : tests)
  }, 0)
  const passed = report.numPassedTests
  const failedOtherwise = exitCode !== 0 || passed === 0
  return { passed, failed: failed === 0 && failedOtherwise ? 1 : failed }
}

/**
 * @param {readonly Tally[]} tallies
 * @returns {Tally}
 */
export function sumOf(tallies) {
  return tallies.reduce((sum, { passed, failed }) => ({ passed: sum.passed + passed, failed: sum.failed + failed }), {
    passed: 0,
    failed: 0,
  })
}

/**
 * Prints the line, which is the last one, and returns the exit code that says the same.
 *
 * @param {Tally} tally
 */
export function announce({ passed, failed }) {
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

/**
 * Keeps a leg's tally for the sum over the legs.
 *
 * @param {string} leg
 * @param {Tally} tally
 */
export function writeTally(leg, tally) {
  mkdirSync(resultsFolder, { recursive: true })
  writeFileSync(join(resultsFolder, `${leg}.tally.json`), JSON.stringify(tally))
}

/**
 * @param {string} leg
 * @returns {Tally} a leg that left no tally did not run to its end, which is a failure
 */
function readTally(leg) {
  try {
    return JSON.parse(readFileSync(join(resultsFolder, `${leg}.tally.json`), 'utf8'))
  } catch {
    return { passed: 0, failed: 1 }
  }
}

if (import.meta.url === pathToFileURL(String(process.argv[1])).href) {
  process.exitCode = announce(sumOf(process.argv.slice(2).map(readTally)))
}
