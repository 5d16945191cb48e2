/**
 * How long to wait before a server is started again that has ended `failures` times in a row: doubling from half a second to
 * a minute, which bounds how often anything is started in any span, and of that at least the half, so that several which
 * fell together do not come back together.
 *
 * @param jitterMs a whole number from 1 to its argument
 */
export function restartDelayMs(failures: number, jitterMs: (max: number) => number): number {
  const wholeMs = Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** Math.min(failures - 1, DOUBLINGS_MAX))
  return wholeMs / 2 + jitterMs(wholeMs / 2)
}

export const RESTART_FIRST_MS = 500
export const RESTART_MAX_MS = 60_000

/** Enough to reach the ceiling, and few enough for the power to stay a number. */
const DOUBLINGS_MAX = 20
