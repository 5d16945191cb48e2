import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built command, as it runs from the package. */
export const BIN = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))

export const EVERYTHING = [process.execPath, packaged('@modelcontextprotocol/server-everything/dist/index.js'), 'stdio']
export const FILESYSTEM = [process.execPath, packaged('@modelcontextprotocol/server-filesystem/dist/index.js')]
export const MODERN = [process.execPath, fileURLToPath(new URL('../proxy/fixtures/modern-server.mjs', import.meta.url))]

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A user of the machine with an empty home folder; everything that a command writes lies below it. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'mcp-credits-cli-'))
  readonly #variables: Readonly<Record<string, string>>

  constructor(variables: Readonly<Record<string, string>> = {}) {
    this.#variables = variables
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  /** Where the ledger is that no option and no variable names. */
  get ledger(): string {
    return this.path('data', 'mcp-credits', 'ledger.db')
  }

  /** Nothing of the tester's own settings gets through. */
  get env(): Record<string, string> {
    const own = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !/^(MCP_CREDITS|XDG)_/.test(entry[0]))
    return { ...Object.fromEntries(own), HOME: this.folder, XDG_DATA_HOME: this.path('data'), ...this.#variables }
  }

  start(args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [BIN, ...args], { env: this.env, cwd: this.folder })
  }

  /** Runs one command to its end, with nothing on its standard input. */
  run(...args: readonly string[]): Promise<Ran> {
    const child = this.start(args)
    child.stdin.end()
    return ended(child)
  }

  /** Runs a command that succeeds, and reads what it prints with `--json`. */
  async json<T = Record<string, unknown>>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(...withJson(args))
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** `--json` stands before a `--`, behind which everything is an argument or another program's. */
export function withJson(words: readonly string[]): readonly string[] {
  const at = words.indexOf('--')
  return at === -1 ? [...words, '--json'] : [...words.slice(0, at), '--json', ...words.slice(at)]
}

export function ended(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

function packaged(path: string): string {
  return fileURLToPath(import.meta.resolve(path))
}
