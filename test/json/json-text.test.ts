import { describe, expect, it } from 'vitest'
import { DEPTH_MAX, inspectJson } from '../../src/json/json-text.js'

describe('members that stand twice in one object', () => {
  it.each([
    ['{"a":1,"b":2,"a":3}', 0, 'a'],
    ['{"a":{"b":1,"c":[{"d":1},{"d":1,"d":2}]}}', 0, 'd'],
    ['{"a":"x\\"y","b\\"":1,"b\\"":2}', 0, 'b"'],
    ['{"a\\\\":1,"a\\\\":2}', 0, 'a\\'],
    ['{"\\u0061":1,"a":2}', 0, 'a'],
    ['{"a":1,"A":2}', 1, 'A'],
    ['{"params":1,"param\u017f":2}', 1, 'param\u017f'],
    ['{"__proto__":1,"__proto__":2}', 0, '__proto__']
  ])('%s (%i levels folded) shows %s', (text, foldedDepth, name) => {
    expect(JSON.parse(text)).toBeDefined()
    expect(inspectJson(text, foldedDepth).duplicateMember).toBe(name)
  })

  it.each([
    ['{"a":1,"A":2}', 0],
    ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', 2],
    ['{"x":{"a":1,"A":2}}', 1],
    ['{"a":"{\\"b\\":1,\\"b\\":2}"}', 2],
    ['{"a":"b","b":"a"}', 2],
    ['[{"a":1},{"a":1}]', 3],
    ['["a","a"]', 2],
    ['{"a":["b","b"],"b":{}}', 2],
    ['{}', 2]
  ])('%s (%i levels folded) shows none', (text, foldedDepth) => {
    expect(inspectJson(text, foldedDepth)).toEqual({ isTooDeep: false })
  })
})

describe('numbers that would be written differently', () => {
  it.each(['12345678901234567890', '-12345678901234567890', '9007199254740993', '1e309', '-1E+400'])('%s', number => {
    expect(inspectJson(`{"a":[0,${number}]}`, 2).inexactNumber).toBe(number)
  })

  it.each(['0', '-0.5', '9007199254740991', '1152921504606846976', '10000000000000000000000', '1e21', '0.1', '3.14159265358979323846'])(
    '%s keeps its value',
    number => {
      expect(inspectJson(`{"a":${number}}`, 2).inexactNumber).toBeUndefined()
    }
  )

  it('digits in a text are no number', () => {
    expect(inspectJson('{"a":"12345678901234567890","12345678901234567891":1}', 2)).toEqual({ isTooDeep: false })
  })
})

it('nesting is bounded', () => {
  expect(inspectJson('['.repeat(DEPTH_MAX) + ']'.repeat(DEPTH_MAX), 2).isTooDeep).toBe(false)
  expect(inspectJson('['.repeat(DEPTH_MAX + 1) + ']'.repeat(DEPTH_MAX + 1), 2).isTooDeep).toBe(true)
})
