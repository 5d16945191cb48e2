import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const FIXTURE = fileURLToPath(new URL('fixtures/charger.mjs', import.meta.url))

export interface Work {
  readonly ledger: string
  readonly account: string
  readonly prefix: string
  readonly count: number
  readonly atOnce: number
}

/** A process of its own that charges an account, from the build in `dist`. */
export interface Charger {
  /** Lets it begin; resolves with all its lines once it has ended. */
  run(): Promise<readonly string[]>
  /** Lets it begin and kills it once it has printed that many answers; resolves with the whole lines that came. */
  runAndKillAfter(answers: number): Promise<readonly string[]>
}

/** Starts a charger and waits until it has opened the ledger. `wrapper` may start it by another program. */
export async function startCharger(work: Work, wrapper: readonly string[] = []): Promise<Charger> {
  const { ledger, account, prefix, count, atOnce } = work
  const [program, ...rest] = [...wrapper, process.execPath, FIXTURE, ledger, account, prefix, String(count), String(atOnce)]
  const child = spawn(program as string, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined)
  const lines: string[] = []
  const input = createInterface({ input: child.stdout })
  const ended = once(input, 'close')
  let onLine = (): void => undefined
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a charger ended before it was ready (${code}); was the build made?`)))
    input.on('line', (line) => {
      if (line === 'ready') return resolve()
      lines.push(line)
      onLine()
    })
  })
  await ready
  return {
    run: async () => {
      child.stdin.write('go\n')
      await Promise.all([ended, exited(child)])
      return lines
    },
    runAndKillAfter: async (answers) => {
      onLine = () => void (lines.length >= answers && child.kill('SIGKILL'))
      child.stdin.write('go\n')
      await Promise.all([ended, exited(child)])
      return lines
    },
  }
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** How often each line was printed, keys left out. */
export function tally(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    const name = line.startsWith('ack ') ? 'ack' : line
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

export function acknowledged(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => (line.startsWith('ack ') ? [line.slice(4)] : []))
}
