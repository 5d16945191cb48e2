import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, totalmem } from 'node:os'
import { figureText, timesText } from './figures.mjs'
import { plotOf } from './plot.mjs'

/**
 * What a leg found: figures in rows and columns, of one unit, and what follows from them. `name` is the name of its plot.
 *
 * @typedef {{
 *   readonly name: string,
 *   readonly title: string,
 *   readonly unit: string,
 *   readonly columns: readonly string[],
 *   readonly rows: readonly Row[],
 *   readonly findings?: readonly Finding[],
 * }} Group
 * @typedef {{ readonly what: string, readonly values: readonly number[] }} Row
 * @typedef {{ readonly what: string, readonly figure: string, readonly bar?: string, readonly isMet?: boolean }} Finding
 * @typedef {{ readonly title: string, readonly absent: string }} Absence what could not be measured here, and why
 */

/**
 * @param {string} what
 * @param {number} figure
 * @param {number} bar
 * @returns {Finding}
 */
export function atLeast(what, figure, bar) {
  return { what, figure: timesText(figure), bar: `≥ ${bar}`, isMet: figure >= bar }
}

/**
 * @param {string} what
 * @param {number} figure
 * @param {number} bar
 * @returns {Finding}
 */
export function atMost(what, figure, bar) {
  return { what, figure: timesText(figure), bar: `≤ ${bar}`, isMet: figure <= bar }
}

/**
 * @param {string} what
 * @param {number} milliseconds
 * @param {number} bar
 * @returns {Finding}
 */
export function atMostMs(what, milliseconds, bar) {
  return { what, figure: `${figureText(milliseconds)} ms`, bar: `≤ ${bar} ms`, isMet: milliseconds <= bar }
}

/** The figure in a row and a column. @param {Pick<Group, 'columns' | 'rows'>} table @param {string} row @param {string} column */
export function figureOf({ columns, rows }, row, column) {
  const figure = rows.find(({ what }) => what === row)?.values[columns.indexOf(column)]
  if (figure === undefined) throw new Error(`there is no figure for ${row}, ${column}`)
  return figure
}

/** @param {Group | Absence} group */
export function print(group) {
  if ('absent' in group) return console.log(`\n${group.title}\n  not measured: ${group.absent}`)
  console.log(`\n${group.title}, ${group.unit}`)
  printAligned([['', ...group.columns], ...group.rows.map(({ what, values }) => [what, ...values.map(figureText)])])
  const verdictOf = (/** @type {Finding} */ { bar, isMet }) => (bar === undefined ? '' : `(${bar}: ${isMet === true ? 'met' : 'MISSED'})`)
  printAligned((group.findings ?? []).map((finding) => [finding.what, finding.figure, verdictOf(finding)]))
}

/** @param {readonly (readonly string[])[]} lines */
function printAligned(lines) {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  for (const line of lines) {
    const cells = line.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
    console.log(`  ${cells.join('  ').trimEnd()}`)
  }
}

const results = new URL('../results/', import.meta.url)
const page = new URL('latest.md', results)
const HEAD = `# Latest figures

Written by \`npm run bench\`; [how to read them](../README.md). Absolute figures speak of the machine that each leg names.
`

/**
 * Writes the plots of a leg and its section of the page of results; the sections of other legs stay as they are.
 *
 * @param {{ readonly leg: string, readonly machine: string, readonly groups: readonly (Group | Absence)[] }} result
 * @param {readonly string[]} order the legs as they follow each other on the page
 */
export function writeResults({ leg, machine, groups }, order) {
  mkdirSync(results, { recursive: true })
  for (const group of groups) if (!('absent' in group)) writeFileSync(new URL(`${group.name}.svg`, results), plotOf(group))
  const sections = new Map([...readPage(), [leg, `## ${leg}\n\n${machine}\n\n${groups.map(sectionOf).join('\n\n')}\n`]])
  const known = order.map((name) => sections.get(name)).filter((section) => section !== undefined)
  writeFileSync(page, [HEAD, ...known].join('\n'))
}

/** @returns {[leg: string, section: string][]} */
function readPage() {
  let text
  try {
    text = readFileSync(page, 'utf8')
  } catch {
    return []
  }
  return text.split(/\n(?=## )/).slice(1).map((section) => [/^## (.*)/.exec(section)?.[1] ?? '', `${section.trimEnd()}\n`])
}

/** What the figures depend on, and nothing that names the machine; asked before a leg, it tells whether others were at work. */
export function machine() {
  const memory = Math.round(totalmem() / 2 ** 30)
  const load = (loadavg()[0] ?? 0).toFixed(1)
  const system = `Node.js ${process.versions.node}, ${process.platform} ${process.arch}`
  return `${availableParallelism()} cores, ${memory} GiB, ${system}; load before it ${load}`
}

/** @param {Group | Absence} group */
function sectionOf(group) {
  if ('absent' in group) return `### ${group.title}\n\nNot measured: ${group.absent}`
  const { name, title, unit, columns, rows, findings = [] } = group
  const figures = tableOf([[unit, ...columns], ...rows.map(({ what, values }) => [what, ...values.map(figureText)])])
  const verdictOf = (/** @type {Finding} */ { bar, isMet }) => (bar === undefined ? '' : isMet === true ? 'met' : '**missed**')
  const follows = findings.map((finding) => [finding.what, finding.figure, finding.bar ?? '', verdictOf(finding)])
  const verdicts = findings.length === 0 ? [] : [tableOf([['', 'figure', 'bar', ''], ...follows])]
  return [`### ${title}`, figures, ...verdicts, `![${title}](${name}.svg)`].join('\n\n')
}

/** @param {readonly (readonly string[])[]} lines */
function tableOf([head = [], ...lines]) {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n')
}
