import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineSplitter } from '../../src/json/line-framing.js'

function split(chunks: readonly Buffer[], bytesMax: number): (string | null)[] {
  const splitter = new LineSplitter(bytesMax)
  const lines = [...chunks.flatMap(chunk => splitter.push(chunk)), ...splitter.end()]
  return lines.map(line => (line.kind === 'line' ? line.bytes.toString() : null))
}

/** fast-check prints the seed of a failing run. */
it('lines do not depend on how the bytes were cut, not even inside a character', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }).map(text => text.replaceAll('\n', ' '))), fc.array(fc.nat(200)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
      const ends = [...new Set(cuts.map(cut => Math.min(cut, bytes.length)))].sort((one, other) => one - other)
      const chunks = [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
      expect(split(chunks, 1_000_000)).toEqual(Buffer.from(lines.join('\n')).toString().split('\n').slice(0, lines.length))
    })
  )
})

it('a line over the limit is reported once and the next ones are read', () => {
  expect(split([Buffer.from('ab\nabcd'), Buffer.from('efg'), Buffer.from('h\nabc\n')], 3)).toEqual(['ab', null, 'abc'])
})

it('a last line without its end is a line', () => {
  expect(split([Buffer.from('a\nb')], 3)).toEqual(['a', 'b'])
  expect(split([Buffer.from('a\n')], 3)).toEqual(['a'])
  expect(split([Buffer.from('abcd')], 3)).toEqual([null])
})
