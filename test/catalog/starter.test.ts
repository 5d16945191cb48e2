import { describe, expect, it } from 'vitest'
import { TOOL_OPERATION } from '../../src/catalog/catalog.js'
import { priceToolCall } from '../../src/catalog/map-tool.js'
import { toUsd } from '../../src/money/fiat.js'
import { bundled, credits, priced, pricedOf } from './support.js'

const catalog = bundled('starter')

describe('the starter catalog', () => {
  it('values a credit at a cent', () => {
    expect(catalog.unit.creditUsd === null ? null : toUsd(catalog.unit.creditUsd)).toBe(0.01)
  })

  it('has one plan, free, with 1,000 credits a month that do not roll over, for every new account', () => {
    expect(Object.keys(catalog.plans)).toEqual(['free'])
    expect(catalog.plans['free']).toMatchObject({
      monthlyCredits: credits('1000'),
      price: { millionths: 0 },
      rollover: { kind: 'none' },
    })
    expect(catalog.defaultPlan).toBe('free')
  })

  it('AX-14: charges 1 credit for a call of a tool that it has never heard of, as the operation of tool calls', () => {
    const call = priced(priceToolCall(catalog, { tool: 'anything', args: { a: 1 } }))
    expect(call).toMatchObject({
      operation: TOOL_OPERATION,
      variant: null,
      quantity: 1,
      minimum: credits('1'),
      maximum: credits('1'),
      exact: true,
    })
  })

  it('prices tool calls also when they are asked for by their operation, as many as there are', () => {
    expect(pricedOf(catalog, { operation: 'tool.call', quantity: 5 }).maximum).toBe(credits('5'))
  })

  it('is low at 100 credits and critical at 10', () => {
    expect(catalog.thresholds.map(({ level, when, limit }) => [level, when, limit])).toEqual([
      ['low', 'at_or_below', { kind: 'absolute', credits: credits('100') }],
      ['critical', 'at_or_below', { kind: 'absolute', credits: credits('10') }],
    ])
  })
})
