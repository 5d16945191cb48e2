import { describe, expect, it } from 'vitest'
import { sumOf, tallyOf } from './report.mjs'

const file = (status: string, ...tests: readonly string[]) => ({
  status,
  assertionResults: tests.map((result) => ({ status: result })),
})

describe('the line at the end of a test run', () => {
  it('counts tests', () => {
    const report = { numPassedTests: 3, testResults: [file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')] }
    expect(tallyOf(report, 1)).toEqual({ passed: 3, failed: 1 })
  })

  it('counts a test file that cannot be read as one failure', () => {
    expect(tallyOf({ numPassedTests: 1, testResults: [file('passed', 'passed'), file('failed')] }, 1)).toEqual({ passed: 1, failed: 1 })
  })

  it('counts an error outside any test as one failure', () => {
    expect(tallyOf({ numPassedTests: 1, testResults: [file('passed', 'passed')] }, 1)).toEqual({ passed: 1, failed: 1 })
  })

  it('counts a run without tests, and one without a report, as one failure', () => {
    expect(tallyOf({ numPassedTests: 0, testResults: [] }, 0)).toEqual({ passed: 0, failed: 1 })
    expect(tallyOf(null, null)).toEqual({ passed: 0, failed: 1 })
  })

  it('adds up legs', () => {
    expect(sumOf([{ passed: 2, failed: 1 }, { passed: 3, failed: 0 }])).toEqual({ passed: 5, failed: 1 })
  })
})
