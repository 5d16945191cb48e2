import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { passingOn } from '../../src/proxy/passing-on.js'
import { upstreamProcess } from '../../src/proxy/upstream-process.js'

const PROCESSES = 12

/** A process that writes its text to standard error and ends. */
function writing(text: string, diagnostics: Writable, prefix?: string) {
  const args = ['-e', `process.stderr.write(${text})`]
  return upstreamProcess({ command: process.execPath, args, env: process.env, diagnostics, ...(prefix === undefined ? {} : { prefix }) })(() => undefined)
}

/** Keeps what it is given, and takes it in a later turn, as a pipe with a reader does. */
function slow(): { readonly stream: Writable; readonly taken: Buffer[]; readonly open: () => number; readonly openMost: () => number } {
  const taken: Buffer[] = []
  let [open, most] = [0, 0]
  const stream = new Writable({ highWaterMark: 1, write: (chunk: Buffer, _encoding, done) => setImmediate(() => (taken.push(chunk), done())) })
  const write = stream.write.bind(stream) as (chunk: unknown, done: () => void) => boolean
  stream.write = ((chunk: unknown, done: () => void) => {
    most = Math.max(most, ++open)
    return write(chunk, () => (open--, done()))
  }) as typeof stream.write
  return { stream, taken, open: () => open, openMost: () => most }
}

describe('the standard error of an upstream', () => {
  it('hangs no listener on the stream that all share, while the processes run and after', async () => {
    const shared = new PassThrough()
    const listeners = () => shared.eventNames().map((name) => [name, shared.listenerCount(name)])
    const before = listeners()
    const links = Array.from({ length: PROCESSES }, (_, index) => writing(`"${index};".repeat(10)`, shared))
    expect(listeners()).toEqual(before)
    await Promise.all(links.map(({ exit }) => exit))
    expect(listeners()).toEqual(before)
    expect(shared.writableEnded).toBe(false)
  })

  it('comes whole through a slow stream, one piece at a time', async () => {
    const { stream, taken, open, openMost } = slow()
    const link = writing('"0123456789".repeat(200_000)', stream)
    const length = () => taken.reduce((sum, chunk) => sum + chunk.length, 0)
    await link.exit
    while (length() < 2_000_000) await new Promise(setImmediate)
    expect(Buffer.concat(taken).equals(Buffer.from('0123456789'.repeat(200_000)))).toBe(true)
    expect([open(), openMost()]).toEqual([0, 1])
  })
})

describe('what is passed on with a name', () => {
  async function passed(...chunks: readonly (string | Buffer)[]): Promise<string> {
    const shared = new PassThrough()
    const one = passingOn(shared, '[x] ')
    for (const chunk of chunks) one.write(chunk)
    one.end()
    await once(one, 'finish')
    return (shared.read() as Buffer | null)?.toString() ?? ''
  }

  it('has it before each line, and the last line is not lost where it has no end', async () => {
    expect(await passed('one\ntw', 'o\n\nlast words')).toBe('[x] one\n[x] two\n[x] \n[x] last words\n')
    expect(await passed()).toBe('')
    expect(await passed('one\n')).toBe('[x] one\n')
  })

  it('keeps letters whole that come in two pieces', async () => {
    const bytes = Buffer.from('Größe\n')
    expect(await passed(bytes.subarray(0, 3), bytes.subarray(3))).toBe('[x] Größe\n')
  })

  it('passes on a line without end in parts, and loses none of it', async () => {
    const shared = new PassThrough({ highWaterMark: 1024 * 1024 })
    const one = passingOn(shared, '[x] ')
    for (let count = 0; count < 10; count += 1) one.write('y'.repeat(40_000))
    one.end()
    await once(one, 'finish')
    const text = (shared.read() as Buffer).toString()
    expect(text.replaceAll(/\[x\] |\n/g, '')).toBe('y'.repeat(400_000))
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(128 * 1024)
  })

  it('does not hold up the process where the shared stream is gone', async () => {
    const shared = new PassThrough()
    shared.destroy()
    const one = passingOn(shared)
    one.end('words')
    await once(one, 'finish')
  })
})
