import { figureText } from './figures.mjs'

const WIDTH = 860
const LABELS_END = 250
const BARS_END = 770
const BAR = 13
const GAP = 14
const TOP = 58

/** About as wide as a letter is: nobody measures text here. */
const LETTER = 7

/** Told apart by those who see colours otherwise as well, on white and on black. */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c8c8c']

const STYLE = `text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.figure, .unit { fill: #57606a }
line { stroke: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .figure, .unit { fill: #9da7b3 } }`

/**
 * A group of figures as bars: a cluster a row, a bar a column, in the row's order. The same figures give the same text.
 *
 * @param {import('./report.mjs').Group} group
 */
export function plotOf({ title, unit, columns, rows }) {
  const cluster = columns.length * BAR + GAP
  const height = TOP + rows.length * cluster
  const most = Math.max(...rows.flatMap(({ values }) => values))
  const bars = rows.flatMap(({ what, values }, row) => {
    const top = TOP + row * cluster
    const label = text({ x: LABELS_END - 8, y: top + (columns.length * BAR) / 2 + 4, anchor: 'end' }, what)
    return [label, ...values.map((value, column) => bar({ top: top + column * BAR, colour: colourOf(column), value, most }))]
  })
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escaped(title)}">
<style>${STYLE}</style>
${text({ x: 8, y: 18, kind: 'title' }, title)}
${text({ x: WIDTH - 8, y: 18, anchor: 'end', kind: 'unit' }, unit)}
${columns.length > 1 ? legend(columns) : ''}
${bars.join('\n')}
<line x1="${LABELS_END}" y1="${TOP - 4}" x2="${LABELS_END}" y2="${height - GAP + 4}"/>
</svg>
`
}

/** @param {number} column */
function colourOf(column) {
  return /** @type {string} */ (COLOURS[column % COLOURS.length])
}

/** @param {{ top: number, colour: string, value: number, most: number }} bar */
function bar({ top, colour, value, most }) {
  const width = most === 0 ? 0 : Math.round(((BARS_END - LABELS_END) * value) / most)
  return `<rect x="${LABELS_END}" y="${top}" width="${width}" height="${BAR - 2}" fill="${colour}"/>
${text({ x: LABELS_END + width + 5, y: top + BAR - 3, kind: 'figure' }, figureText(value))}`
}

/** @param {readonly string[]} columns */
function legend(columns) {
  return columns
    .map((column, index) => {
      const x = 8 + columns.slice(0, index).reduce((sum, { length }) => sum + length * LETTER + 30, 0)
      return `<rect x="${x}" y="30" width="10" height="10" fill="${colourOf(index)}"/>${text({ x: x + 15, y: 39 }, column)}`
    })
    .join('\n')
}

/**
 * @param {{ x: number, y: number, anchor?: 'end', kind?: string }} place
 * @param {string} words
 */
function text({ x, y, anchor, kind }, words) {
  const attributes = `${anchor === undefined ? '' : ` text-anchor="${anchor}"`}${kind === undefined ? '' : ` class="${kind}"`}`
  return `<text x="${x}" y="${y}"${attributes}>${escaped(words)}</text>`
}

/** @param {string} words */
function escaped(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
