/**
 * What is compared is measured in turn, round after round, so that a machine that changes its pace changes it for all of
 * it. What is told is the median over the rounds, and what is compared are ratios within one run.
 */

/**
 * Measures every cell of a table, one after the other, round after round.
 *
 * @template Row, Column
 * @param {{
 *   readonly rows: readonly (readonly [what: string, row: Row])[],
 *   readonly columns: readonly (readonly [what: string, column: Column])[],
 *   readonly rounds: number,
 *   readonly figure: (row: Row, column: Column) => Promise<number>,
 * }} asked
 * @returns {Promise<Pick<import('./report.mjs').Group, 'columns' | 'rows'>>} the median of each cell
 */
export async function interleaved({ rows, columns, rounds, figure }) {
  /** @type {readonly number[][][]} */
  const figures = rows.map(() => columns.map(() => []))
  for (let round = 0; round < rounds; round += 1) {
    for (const [y, [, row]] of rows.entries()) {
      for (const [x, [, column]] of columns.entries()) figures[y]?.[x]?.push(await figure(row, column))
    }
  }
  return {
    columns: columns.map(([what]) => what),
    rows: rows.map(([what], y) => ({ what, values: (figures[y] ?? []).map(median) })),
  }
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2
}

/** @param {readonly number[]} values */
export function p95(values) {
  return at([...values].sort((a, b) => a - b), Math.floor(values.length * 0.95))
}

/**
 * @param {readonly number[]} values
 * @param {number} index
 */
function at(values, index) {
  return /** @type {number} */ (values[index])
}

/**
 * Runs `work` from `callers` at once until the time is over.
 *
 * @param {number} callers
 * @param {number} milliseconds
 * @param {() => Promise<unknown>} work
 * @returns {Promise<{ rate: number, worstMs: number }>} how many were done a second, and how long the slowest took
 */
export async function pace(callers, milliseconds, work) {
  const started = performance.now()
  const until = started + milliseconds
  let done = 0
  let worstMs = 0
  const one = async () => {
    for (let now = performance.now(); now < until; ) {
      await work()
      const then = performance.now()
      worstMs = Math.max(worstMs, then - now)
      now = then
      done += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, one))
  return { rate: (done * 1000) / (performance.now() - started), worstMs }
}

/**
 * @param {number} times
 * @param {() => Promise<unknown>} work
 * @returns {Promise<readonly number[]>} the time of each, in milliseconds
 */
export async function timesMs(times, work) {
  const values = []
  for (let time = 0; time < times; time += 1) {
    const started = performance.now()
    await work()
    values.push(performance.now() - started)
  }
  return values
}

/**
 * @param {number} times
 * @param {() => Promise<unknown>} work
 * @returns {Promise<number>} the median time of one, in milliseconds
 */
export async function medianMs(times, work) {
  return median(await timesMs(times, work))
}
