import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/**
 * Takes what one process writes for people and passes it on to a stream that many share: it hangs no listener on that
 * stream, and hands it nothing more until it has taken what it was given, so that a slow reader slows the process and does
 * not fill our memory. The stream stays open when the process ends.
 *
 * @param prefix stands before each line; then only whole lines are passed on, and what is left at the end as one
 */
export function passingOn(stream: Writable, prefix?: string): Writable {
  // A reader that is gone is no reason to hold up the process.
  const pass = (text: string | Buffer, done: () => void): void => void stream.write(text, () => done())
  if (prefix === undefined) return new Writable({ write: (chunk: Buffer, _encoding, done) => pass(chunk, done) })
  const decoder = new StringDecoder()
  let rest = ''
  const passLines = (lines: readonly string[], done: () => void): void =>
    lines.length === 0 ? done() : pass(lines.map((line) => `${prefix}${line}\n`).join(''), done)
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const lines = (rest + decoder.write(chunk)).split('\n')
      rest = (lines.at(-1) ?? '').length > REST_MAX ? '' : lines.pop() ?? ''
      passLines(lines, done)
    },
    final: (done) => {
      rest += decoder.end()
      passLines(rest === '' ? [] : [rest], done)
    }
  })
}

/** What is held of a line that does not end, in characters: a longer one is passed on in parts. */
const REST_MAX = 64 * 1024
