import { interleaved, pace } from '../support/measure.mjs'

/** Accounts that every form has, numbered from 0: the first of them is the hot one. */
export const ACCOUNTS = 1_000

/** Comes before the first round and is not counted: a server has long been compiled when it is busy. */
const WARM_UP = { callers: 16, accounts: ACCOUNTS }

/**
 * A way of taking a credit off an account that lasts. `run` answers how many it takes a second under a load, and the longest wait.
 *
 * @typedef {{ readonly callers: number, readonly accounts: number }} Load
 * @typedef {{
 *   readonly name: string,
 *   readonly run: (load: Load, milliseconds: number) => Promise<{ readonly rate: number, readonly worstMs: number }>,
 *   readonly close: () => Promise<void>,
 * }} Form
 */

/**
 * A form that runs in this process.
 *
 * @param {string} name
 * @param {(account: number) => Promise<unknown>} debit
 * @param {() => unknown} close
 * @returns {Form}
 */
export function formOf(name, debit, close) {
  return {
    name,
    run: ({ callers, accounts }, milliseconds) => pace(callers, milliseconds, () => debit(Math.floor(Math.random() * accounts))),
    close: async () => void (await close()),
  }
}

/** One account that everybody charges, and a thousand of which each call takes one. @param {readonly number[]} callers */
export function loadsOf(callers) {
  return [1, ACCOUNTS].flatMap((accounts) => callers.map((count) => ({ callers: count, accounts })))
}

/** @param {Load} load */
export function wordsOf({ callers, accounts }) {
  const place = accounts === 1 ? 'one account' : `${accounts.toLocaleString('en-US')} accounts`
  return `${callers} caller${callers === 1 ? '' : 's'}, ${place}`
}

/**
 * Every form under every load, in turn.
 *
 * @param {readonly Form[]} forms
 * @param {readonly Load[]} loads
 * @param {{ readonly rounds: number, readonly milliseconds: number }} length
 * @returns {Promise<Pick<import('../support/report.mjs').Group, 'columns' | 'rows'>>}
 */
export async function compared(forms, loads, { rounds, milliseconds }) {
  for (const form of forms) await form.run(WARM_UP, milliseconds)
  return interleaved({
    rows: loads.map((load) => [wordsOf(load), load]),
    columns: forms.map((form) => [form.name, form]),
    rounds,
    figure: async (load, form) => (await form.run(load, milliseconds)).rate,
  })
}
