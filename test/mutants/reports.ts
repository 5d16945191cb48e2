import type { Mutant } from './mutant.js'

/** What was spent, summed up. */
export const REPORTS: readonly Mutant[] = [
  {
    name: 'a refund adds to what was spent once it is rolled up',
    file: 'src/storage/rollups.ts',
    find: 't.variant, t.labels, 0, -r.credits',
    replace: 't.variant, t.labels, 0, r.credits',
    tests: ['test/storage/rollups.test.ts'],
  },
  {
    name: 'a row is rolled up twice',
    file: 'src/storage/rollups.ts',
    find: 'where account = ${account} and sequence > ${after} and',
    replace: 'where account = ${account} and sequence >= ${after} and',
    tests: ['test/storage/rollups.test.ts'],
  },
  {
    name: 'what has no label is left out of a report',
    file: 'src/storage/rollups.ts',
    find: 'calls === 0 ? sums : [...sums, { key: null',
    replace: 'calls >= 0 ? sums : [...sums, { key: null',
    tests: ['test/storage/rollups.test.ts'],
  },
  {
    name: 'a refund of what is rolled up is forgotten until it is rolled up',
    file: 'src/storage/usage-sums.ts',
    find: '    ...(yield* journal.refundsSince(mark, whole)),\n',
    replace: '',
    tests: ['test/storage/rollups.test.ts'],
  },
  {
    name: 'a group keeps only its last sum',
    file: 'src/usage/grouping.ts',
    find: 'credits: credits + sum.credits',
    replace: 'credits: sum.credits',
    tests: ['test/usage/report.test.ts'],
  },
  {
    name: 'what is due is left out of a report',
    file: 'src/usage/report.ts',
    find: 'const sums = [...stored, ...due',
    replace: 'const sums = [...stored, ...due.slice(due.length)',
    tests: ['test/usage/roll-up.test.ts'],
  },
  {
    name: 'a statement leaves out what was settled',
    file: 'src/usage/statement.ts',
    find: "if (kind !== 'charge' && kind !== 'settle') continue",
    replace: "if (kind !== 'charge') continue",
    tests: ['test/usage/statement.test.ts'],
  },
  {
    name: "a statement's opening is what was available alone",
    file: 'src/usage/account-month.ts',
    find: 'return (row?.balanceAfter ?? 0n) + (await this.reserved(sequence))',
    replace: 'return row?.balanceAfter ?? 0n',
    tests: ['test/usage/statement.test.ts'],
  },
]
