import { expect, it } from 'vitest'
import { BatchAnswers } from '../../src/json/batch-answers.js'
import { type ClientLine, readClientLine } from '../../src/json/json-rpc.js'

const passedOn = { batchMembersMax: 2, isPassedOn: true }

function refusal(line: ClientLine): string | undefined {
  const [message] = line.kind === 'single' ? [line.message] : line.members.map((member) => member.message)
  return message?.kind === 'invalid' ? message.error.message : undefined
}

it('a number that no double holds is refused where a call is written again, and left to the tool where it is not', () => {
  const line = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":12345678901234567890}}}'
  expect(refusal(readClientLine(line, passedOn))).toBe('Invalid request: the number 12345678901234567890 cannot be passed on exactly; send it as a string')
  expect(readClientLine(line, { ...passedOn, isPassedOn: false })).toMatchObject({ kind: 'single', message: { kind: 'request', id: 1 } })
})

const LONG_S = '\u017f'

it.each([
  ['{"jsonrpc":"2.0","id":9,"error":null,"Method":"tools/call","Params":{"name":"x"}}', 'Method', 'method'],
  ['{"jsonrpc":"2.0","id":9,"result":{},"PARAMS":{}}', 'PARAMS', 'params'],
  ['{"jsonrpc":"2.0","ID":9,"method":"a"}', 'ID', 'id'],
  ['{"JsonRpc":"2.0","id":9,"method":"a"}', 'JsonRpc', 'jsonrpc'],
  ['{"jsonrpc":"2.0","id":9,"method":"a","Result":1}', 'Result', 'result'],
  ['{"jsonrpc":"2.0","id":9,"method":"a","errOr":1}', 'errOr', 'error'],
  [`{"jsonrpc":"2.0","id":9,"method":"a","param${LONG_S}":{}}`, `param${LONG_S}`, 'params'],
  ['{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a","Name":"b"}}', 'Name', null],
  ['{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a","Arguments":{}}}', 'Arguments', 'arguments'],
  ['{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a","_META":{}}}', '_META', '_meta'],
  ['{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a","tas\u212a":{}}}', 'tas\u212a', 'task'],
  ['{"jsonrpc":"2.0","id":9,"method":"tasks/result","params":{"taskid":"a"}}', 'taskid', 'taskId']
])('%s is refused: another reader could take a name in another case for the known one', (line, written, known) => {
  const reason = known === null ? `the member "${written}" stands twice in one object` : `the member "${written}" must be written "${known}"`
  expect(refusal(readClientLine(line, passedOn))).toBe(`Invalid request: ${reason}`)
  expect(refusal(readClientLine(`[${line}]`, passedOn))).toBe(`Invalid request: ${reason}`)
})

it('a method that is tools/call in another case is refused', () => {
  const line = '{"jsonrpc":"2.0","id":9,"method":"Tools/Call","params":{"name":"a"}}'
  expect(refusal(readClientLine(line, passedOn))).toBe('Invalid request: the method "Tools/Call" must be written "tools/call"')
})

it.each([
  '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a","arguments":{"Name":1,"METHOD":2},"_meta":{"Task":1}}}',
  '{"jsonrpc":"2.0","id":9,"method":"other","params":{"Name":1,"Arguments":2}}',
  '{"jsonrpc":"2.0","id":9,"method":"ping","extra":1}',
  '{"jsonrpc":"2.0","id":9,"result":{"Method":"tools/call","Content":{}}}'
])('%s is read: deeper, and where they decide nothing, names are the sender\'s own', (line) => {
  expect(refusal(readClientLine(line, passedOn))).toBeUndefined()
})

it('a batch has at least one member and no more than allowed, and none at all where the version has none', () => {
  const member = '{"jsonrpc":"2.0","method":"a"}'
  expect(readClientLine(`[${member},${member}]`, passedOn)).toMatchObject({ kind: 'batch', members: [{ value: { method: 'a' } }, {}] })
  expect(refusal(readClientLine('[]', passedOn))).toBe('Invalid request: a batch must have a member')
  expect(refusal(readClientLine(`[${member},${member},${member}]`, passedOn))).toBe('Invalid request: a batch may have at most 2 members')
  expect(refusal(readClientLine(`[${member}]`, { ...passedOn, batchMembersMax: 0 }))).toContain('has no batches')
})

it('a request of the modern era in a batch is refused: its version has none', () => {
  const request = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'a', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }
  expect(readClientLine(JSON.stringify([request]), passedOn)).toMatchObject({
    kind: 'batch',
    members: [{ message: { kind: 'invalid', id: 7, error: { code: -32600, message: expect.stringContaining('has no batches') } } }],
  })
})

it('the answers to a batch leave together with the last, and not at all if none is expected any more', () => {
  const answers = new BatchAnswers(3)
  expect(answers.add('{"id":1}\n')).toBeUndefined()
  expect(answers.add(null)).toBeUndefined()
  expect(answers.add('{"id":2}')).toBe('[{"id":1},{"id":2}]')
  expect(new BatchAnswers(1).add(null)).toBeUndefined()
})
