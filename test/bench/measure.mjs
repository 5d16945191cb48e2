/**
 * Legs are run in turn, round after round, so that a machine that changes its pace changes it for all of them. What is
 * said of a leg is its median over the rounds, and what is compared are ratios within one run.
 */

/**
 * @typedef {{ readonly name: string, readonly run: () => Promise<number> }} Leg
 * A leg's `run` answers one figure: a rate a second, or milliseconds.
 */

/**
 * @param {readonly Leg[]} legs
 * @param {number} rounds
 * @returns {Promise<ReadonlyMap<string, number>>} the median of each leg
 */
export async function interleaved(legs, rounds) {
  /** @type {Map<string, number[]>} */
  const figures = new Map(legs.map((leg) => [leg.name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const leg of legs) figures.get(leg.name)?.push(await leg.run())
  }
  return new Map([...figures].map(([name, values]) => [name, median(values)]))
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? /** @type {number} */ (sorted[middle]) : (at(sorted, middle - 1) + at(sorted, middle)) / 2
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
 * @param {(caller: number) => Promise<unknown>} work
 * @returns {Promise<number>} how many were done a second
 */
export async function ratePerSecond(callers, milliseconds, work) {
  const started = performance.now()
  const until = started + milliseconds
  let done = 0
  const one = async (/** @type {number} */ caller) => {
    while (performance.now() < until) {
      await work(caller)
      done += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)))
  return (done * 1000) / (performance.now() - started)
}

/**
 * @param {number} times
 * @param {() => Promise<unknown>} work
 * @returns {Promise<number>} the median time of one, in milliseconds
 */
export async function medianMs(times, work) {
  const values = []
  for (let time = 0; time < times; time += 1) {
    const started = performance.now()
    await work()
    values.push(performance.now() - started)
  }
  return median(values)
}

/** @typedef {{ readonly what: string, readonly figure: string, readonly bar?: string, readonly isMet?: boolean }} Row */

/**
 * @param {string} title
 * @param {readonly Row[]} rows
 */
export function printTable(title, rows) {
  const width = Math.max(...rows.map((row) => row.what.length))
  console.log(`\n${title}`)
  for (const { what, figure, bar, isMet } of rows) {
    const verdict = bar === undefined ? '' : `   bar ${bar}: ${isMet === true ? 'met' : 'missed'}`
    console.log(`  ${what.padEnd(width)}  ${figure.padStart(14)}${verdict}`)
  }
}
