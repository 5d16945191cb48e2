import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Acting, Credits } from '../../src/index.js'

const FIXTURE = fileURLToPath(new URL('fixtures/caller.mjs', import.meta.url))

type Method = Exclude<keyof Credits, 'as' | 'close' | 'meter' | 'location' | 'schema'>

export interface Call {
  readonly input?: object
  readonly acting?: Partial<Acting>
  readonly at: number
}

export interface Hammering extends Call {
  readonly lanes: number
  readonly refusals: number
}

/** A process of its own that calls the library from the build in `dist`. */
export interface Caller {
  /** The result, or the code of the refusal. */
  call(method: Method, call: Call): Promise<unknown>
  /** Makes a charge over and over, until told to rest; resolves once so many in a row were refused. */
  hammer(hammering: Hammering): Promise<unknown>
  /** Ends that; resolves with what came of each charge. */
  rest(at: number): Promise<readonly string[]>
  /** As a machine that loses its power. */
  kill(): Promise<void>
}

export async function startCaller(database: string): Promise<Caller> {
  const child = spawn(process.execPath, [FIXTURE, database], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined)
  const exit = once(child, 'exit')
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  onTestFinished(async () => {
    child.stdin.end()
    if (!isOver()) await exit
  })
  const waiting = new Map<number, (answer: { readonly result?: unknown; readonly code?: string }) => void>()
  const ready = new Promise<void>((resolve, reject) => {
    void exit.then(([code]) => reject(new Error(`a caller ended before it was ready (${code}); was the build made?`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') return resolve()
      const { id, ...answer } = JSON.parse(line) as { readonly id: number }
      waiting.get(id)?.(answer)
    })
  })
  await ready
  let calls = 0
  const ask = (method: string, call: object): Promise<unknown> =>
    new Promise((resolve) => {
      const id = (calls += 1)
      waiting.set(id, ({ result, code }) => resolve(code ?? result))
      child.stdin.write(`${JSON.stringify({ id, method, ...call })}\n`)
    })
  return {
    call: (method, call) => ask(method, call),
    hammer: (hammering) => ask('hammer', hammering),
    rest: (at) => ask('rest', { at }) as Promise<readonly string[]>,
    kill: async () => {
      child.kill('SIGKILL')
      if (!isOver()) await exit
    },
  }
}
