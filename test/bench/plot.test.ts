import { describe, expect, it } from 'vitest'
import { plotOf } from './support/plot.mjs'

const group = {
  name: 'charges',
  title: 'Charges & debits',
  unit: 'a second',
  columns: ['ours', 'a "raw" <one>'],
  rows: [
    { what: '1 caller', values: [500, 1_000] },
    { what: '256 callers', values: [2_000, 0] },
  ],
}

describe('a plot', () => {
  it('has a bar for each figure, as long as its part of the largest', () => {
    const widths = [...plotOf(group).matchAll(/<rect x="\d+" y="\d+" width="(\d+)" height="11"/g)].map(([, width]) => Number(width))
    expect(widths).toEqual([130, 260, 520, 0])
  })

  it('writes each figure beside its bar, and each row and column once', () => {
    const words = [...plotOf(group).matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
    expect(words.sort()).toEqual(
      ['Charges &amp; debits', 'a second', 'ours', 'a &quot;raw&quot; &lt;one>', '1 caller', '256 callers', '500', '1,000', '2,000', '0'].sort(),
    )
  })

  it('is the same text for the same figures', () => {
    expect(plotOf(group)).toBe(plotOf(structuredClone(group)))
  })

  it('of nothing but zeros has bars of no length', () => {
    const zeros = { ...group, rows: [{ what: '1 caller', values: [0, 0] }] }
    expect(plotOf(zeros)).not.toContain('NaN')
  })

  it('can be read on a dark page', () => {
    expect(plotOf(group)).toContain('prefers-color-scheme: dark')
  })
})
