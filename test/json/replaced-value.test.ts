import fc from 'fast-check'
import { expect, it } from 'vitest'
import { withReplacedValue } from '../../src/json/replaced-value.js'

it.each([
  ['{"id":1}', ['id'], '"a"', '{"id":"a"}'],
  ['{"jsonrpc":"2.0", "id" : "x\\"}" , "result":{"id":2}}', ['id'], '7', '{"jsonrpc":"2.0", "id" : 7 , "result":{"id":2}}'],
  ['{"result":{"id":2,"text":"]}"},"id":null}', ['id'], '7', '{"result":{"id":2,"text":"]}"},"id":7}'],
  ['{"params":{"_meta":{"progressToken":12345678901234567890}},"n":1e400}', ['params', '_meta', 'progressToken'], '3', '{"params":{"_meta":{"progressToken":3}},"n":1e400}'],
  ['{"i\\u0064":[1,{"a":[]}],"b":true}', ['id'], 'null', '{"i\\u0064":null,"b":true}'],
  ['{}', ['id'], '1', '{}'],
  ['[{"id":1}]', ['id'], '2', '[{"id":1}]'],
  ['{"params":5}', ['params', '_meta'], '2', '{"params":5}'],
])('%s', (text, path, value, expected) => {
  expect(withReplacedValue(text, path, value)).toBe(expected)
})

it('replaces in any object what parsing and writing again would replace, and nothing else', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (others, name, value, space) => {
      const object = Object.fromEntries([...Object.entries(others), [name, value]])
      const replaced = withReplacedValue(JSON.stringify(object, null, space), [name], '{"new":1}')
      expect(replaced).toBe(JSON.stringify({ ...object, [name]: '\u0000' }, null, space).replace('"\\u0000"', '{"new":1}'))
    }),
    { numRuns: 300 },
  )
})
