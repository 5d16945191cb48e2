import { printable, type Style } from './output.js'

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string
  /** Numbers are compared by their right ends. */
  readonly isNumber?: true
}

/** The lines of a table without rules: a head, then the rows, two blanks between columns. */
export function tableLines<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style): readonly string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => printable(cell(row))))
  const widths = columns.map(({ head }, index) => Math.max(width(head), ...cells.map((line) => width(line[index] ?? ''))))
  const lineOf = (texts: readonly string[]): string =>
    texts.map((text, index) => padded(text, widths[index] ?? 0, columns[index]?.isNumber === true)).join('  ').trimEnd()
  return [style.dim(lineOf(columns.map(({ head }) => head))), ...cells.map(lineOf)]
}

/** The lines of a card: names on the left, facts on the right. A fact that is null has no line. */
export function cardLines(facts: readonly (readonly [name: string, fact: string | null])[], style: Style): readonly string[] {
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null)
  const widest = Math.max(...shown.map(([name]) => width(name)))
  return shown.map(([name, fact]) => `${style.dim(padded(name, widest, false))}  ${fact}`)
}

function padded(text: string, columns: number, isNumber: boolean): string {
  const blanks = ' '.repeat(Math.max(0, columns - width(text)))
  return isNumber ? blanks + text : text + blanks
}

const NO_COLUMN = /\p{M}/u
const TWO_COLUMNS = /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

/** Columns of a terminal that a text takes, near enough for a table: combining marks none, East Asian signs two. */
function width(text: string): number {
  let columns = 0
  for (const character of text) columns += NO_COLUMN.test(character) ? 0 : TWO_COLUMNS.test(character) ? 2 : 1
  return columns
}
