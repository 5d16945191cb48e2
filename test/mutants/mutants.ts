/**
 * A rule turned wrong by one line, and the test files of which at least one must turn red. `find` stands exactly once
 * in the file. `built` where those tests start processes: the wrong copy is then compiled first.
 */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly tests: readonly string[]
  readonly built?: true
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a price is rounded down',
    file: 'src/money/rate.ts',
    find: '(numerator + denominator - 1n) / denominator',
    replace: 'numerator / denominator',
    tests: ['test/money/rate.test.ts'],
  },
  {
    name: 'a quantity is priced by its whole part',
    file: 'src/money/rate.ts',
    find: "BigInt((match[2] ?? '').padEnd(6, '0'))",
    replace: '0n',
    tests: ['test/money/rate.test.ts'],
  },
  {
    name: 'a negative amount is credits to spend',
    file: 'src/money/credits.ts',
    find: 'if (amount < 0n) throw',
    replace: 'if (amount < -AMOUNT_MAX) throw',
    tests: ['test/money/credits.test.ts'],
  },
  {
    name: 'an amount may be one micro-credit above the largest',
    file: 'src/money/credits.ts',
    find: 'if (magnitude > AMOUNT_MAX)',
    replace: 'if (magnitude > AMOUNT_MAX + 1n)',
    tests: ['test/money/credits.test.ts'],
  },
]
