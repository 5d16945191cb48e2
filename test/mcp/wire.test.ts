import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CreditError, type ErrorCode, ERRORS } from '../../src/errors.js'
import { refusalBody, refusalResult } from '../../src/refusal-body.js'
import { fromWire, toWire } from '../../src/wire.js'

describe('names on the wire', () => {
  it('are snake case there and camel case in the library, at every depth', () => {
    expect(toWire({ lastTransaction: { balanceAfter: 1 }, grants: [{ expiresAt: null }] })).toEqual({
      last_transaction: { balance_after: 1 },
      grants: [{ expires_at: null }],
    })
    expect(fromWire({ ttl_seconds: 1, calls: [{ some_name: 'a_b' }] })).toEqual({ ttlSeconds: 1, calls: [{ someName: 'a_b' }] })
  })

  it('what is the data of somebody else keeps its names both ways', () => {
    const data = { customer_id: 'a', customerId: 'b', deepData: { x_y: 1 }, __proto_x: 1 }
    for (const name of ['labels', 'args', 'usage', 'entitlements', 'scope', 'before', 'after']) {
      expect(toWire({ [name]: data })).toEqual({ [name]: data })
      expect(fromWire({ [name]: data })).toEqual({ [name]: data })
    }
    expect(fromWire({ calls: [{ args: data }] })).toEqual({ calls: [{ args: data }] })
  })

  it('a member called __proto__ stays a member', () => {
    const sneaky = JSON.parse('{"__proto__":{"is_admin":true}}') as object
    expect(Object.keys(fromWire(sneaky) as object)).toHaveLength(1)
    expect((fromWire(sneaky) as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  it('there and back is the same, for any names of words', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/)
    const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('_')).filter((text) => !/_[0-9]/.test(text))
    const value = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, fc.integer(), fc.string(), fc.constant(null), fc.array(tie('value')), fc.dictionary(name, tie('value'))),
    })).value
    fc.assert(
      fc.property(value, (sent) => {
        expect(toWire(fromWire(sent))).toEqual(sent)
      }),
    )
  })
})

describe('the body of a refusal', () => {
  const codes = Object.keys(ERRORS) as ErrorCode[]

  it('has all its members, in snake case, whatever was told', () => {
    expect(refusalBody(new CreditError('unknown_plan', 'No.'))).toEqual({
      error: {
        code: 'unknown_plan', message: 'No.', retryable: false, details: {}, advice: [], affordable: null, cheaper: [], top_up_url: null, approval: null,
      },
    })
    const error = new CreditError('out_of_credits', 'Out.', {
      details: { limitedBy: { type: 'balance', resetsAt: null }, labels: { camelCase: 'x' } },
      advice: ['Add some.'],
      affordable: { units: 12 },
      topUpUrl: 'https://example.com',
    })
    expect(refusalBody(error).error).toMatchObject({
      details: { limited_by: { type: 'balance', resets_at: null }, labels: { camelCase: 'x' } },
      affordable: { units: 12 },
      top_up_url: 'https://example.com',
    })
  })

  it('T41: as a tool result it says the same in the text and in _meta, for every error', () => {
    const facts = fc.record({
      details: fc.dictionary(fc.string(), fc.jsonValue()),
      advice: fc.array(fc.string()),
      affordable: fc.option(fc.record({ units: fc.nat() })),
      topUpUrl: fc.option(fc.string()),
      retryable: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.string(), facts, (code, message, told) => {
        const result = JSON.parse(JSON.stringify(refusalResult(new CreditError(code, message, told)))) as ReturnType<typeof refusalResult>
        expect(JSON.parse(result.content[0].text)).toEqual(result._meta['io.github.mcp-credits/refusal'])
        expect(result).not.toHaveProperty('structuredContent')
        expect(result.isError).toBe(true)
      }),
    )
  })

  it('T40: a refusal for want of money is never worth a blind retry', () => {
    const money = codes.filter((code) => ERRORS[code].status === 402)
    expect(money.length).toBeGreaterThan(0)
    for (const code of money) expect(refusalBody(new CreditError(code, '')).error.retryable, code).toBe(false)
  })
})
