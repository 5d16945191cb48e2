import { execFile, type ExecFileException } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ROOT } from '../support/files.js'
import type { Mutant } from './mutant.js'

export interface Verdict {
  readonly passed: number
  readonly failed: readonly string[]
}

/**
 * Runs the mutant's tests over a copy of the checkout with its one line changed.
 *
 * @throws when `find` does not stand exactly once in the file, when the changed copy does not compile or cannot be
 * read by its tests, when there are no such tests, and when they do not end: none of that shows that a test knows the rule.
 */
export async function tryMutant(mutant: Mutant): Promise<Verdict> {
  return inCopy(async (copy) => {
    const path = join(copy, mutant.file)
    await writeFile(path, changed(await readFile(path, 'utf8'), mutant))
    return runTests(copy, mutant)
  })
}

/** Runs test files over an unchanged copy: a test that is red there proves nothing about a mutant. */
export async function tryUnchanged(subject: Pick<Mutant, 'tests' | 'built'>): Promise<Verdict> {
  return inCopy((copy) => runTests(copy, subject))
}

/** @throws when the text to find does not stand exactly once */
export function changed(text: string, { name, file, find, replace }: Mutant): string {
  const count = text.split(find).length - 1
  if (count !== 1) throw new Error(`${name}: the text to find stands ${count} times in ${file}, expected once: ${find}`)
  return text.replace(find, () => replace)
}

const LEFT_OUT = new Set(['node_modules', '.git', 'dist', '.test-results', 'coverage'])

async function inCopy<T>(use: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), 'mcp-credits-mutant-'))
  try {
    await cp(ROOT, copy, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) })
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    return await use(copy)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

const REPORT = 'mutant-report.json'

async function runTests(copy: string, { tests, built }: Pick<Mutant, 'tests' | 'built'>): Promise<Verdict> {
  if (built) await run(copy, 'npm', ['run', 'build'], 'must succeed')
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const options = ['--project=fast', '--project=slow', '--no-cache', '--reporter=json', `--outputFile=${REPORT}`]
  const output = await run(copy, process.execPath, [vitest, 'run', ...tests, ...options])
  const report = JSON.parse(await readFile(join(copy, REPORT), 'utf8').catch(() => 'null')) as Report | null
  if (report === null) throw new Error(`the tests left no report: ${output}`)
  const absent = tests.filter((test) => !report.testResults.some(({ name }) => name.includes(test)))
  if (absent.length > 0) throw new Error(`no test file of this name: ${absent.join(', ')}`)
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  const reasons = broken.map(({ name, message }) => `${name}: ${message}`)
  if (reasons.length > 0) throw new Error(`tests cannot be read: ${reasons.join('\n')}`)
  const results = report.testResults.flatMap((file) => file.assertionResults)
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed: results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  }
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** Longer than the slowest test file takes, short enough that an endless loop in a mutant is noticed. */
const RUN_TIMEOUT_MS = 150_000

/** Resolves with what the command printed. Red tests end vitest with 1, which only a command that must succeed may not. */
function run(cwd: string, command: string, args: readonly string[], status?: 'must succeed'): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: plainEnvironment(), timeout: RUN_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 }
    execFile(command, args, options, (error: ExecFileException | null, stdout, stderr) => {
      const output = stdout + stderr
      const ranToItsEnd = error === null || (!error.killed && typeof error.code === 'number' && status !== 'must succeed')
      if (ranToItsEnd) resolve(output)
      else reject(new Error(`${command} ${error.killed ? 'did not end in time' : 'failed'}: ${output}`, { cause: error }))
    })
  })
}

/** The inner run must not take itself for a worker of the outer one. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^(?:TEST|NODE_ENV)$/.test(name)))
}
