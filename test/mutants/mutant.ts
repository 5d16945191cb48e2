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
