import { describe, expect, it } from 'vitest'
import { readPointer } from '../../src/catalog/json-pointer.js'

/** The example document of RFC 6901, section 5. */
const RFC = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
}

describe('a JSON Pointer', () => {
  it.each([
    ['', RFC],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j finds what the RFC says', (pointer, expected) => {
    expect(readPointer(RFC, pointer)).toEqual(expected)
  })

  it.each([
    '/foo/2',
    '/foo/-',
    '/foo/00',
    '/foo/01',
    '/foo/length',
    '/foo/0/0',
    '/bar',
    '/toString',
    '/__proto__',
    '/foo/constructor',
  ])('%j finds nothing', (pointer) => {
    expect(readPointer(RFC, pointer)).toBeUndefined()
  })

  it('unescapes ~01 to ~1 and not to a slash', () => {
    expect(readPointer({ '~1': 'right', '/': 'wrong' }, '/~01')).toBe('right')
  })
})
