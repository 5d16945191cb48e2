import { main, type Surroundings } from '../../src/cli/main.js'
import { styleFor } from '../../src/cli/output.js'
import { type Home, type Ran, withJson } from './process.js'

/**
 * Runs a command line in this process, for tables of many: the same code on the same files, without a process for each.
 * With answers it is a person at a terminal, who gives them one after the other.
 */
export async function runHere(home: Home, words: readonly string[], answers?: readonly string[]): Promise<Ran & { readonly questions: readonly string[] }> {
  const questions: string[] = []
  let stdout = ''
  let stderr = ''
  const surroundings: Surroundings = {
    machine: { platform: 'linux', env: home.env, home: home.folder },
    style: styleFor({ isTTY: false }, {}),
    streams: {
      write: (text) => {
        stdout += text
        return Promise.resolve()
      },
      note: (line) => void (stderr += `${line}\n`),
      isTerminal: false,
      isErrorTerminal: answers !== undefined,
      isInteractive: answers !== undefined,
      ask: (question) => Promise.resolve(answers?.[questions.push(question) - 1] ?? ''),
      stop: () => new AbortController().signal,
    },
  }
  const code = await main(words, surroundings)
  return { code, stdout, stderr, questions }
}

/** Runs a command line in this process that succeeds, and reads what it prints with `--json`. */
export async function jsonHere<T = Record<string, unknown>>(home: Home, ...words: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runHere(home, withJson(words))
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}
