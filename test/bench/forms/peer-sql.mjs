import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { formOf } from './form.mjs'

const MARK = /^-- name: charge\s*$/m

/**
 * Another ledger, by a file of its SQL: what makes its schema with its accounts, then a line `-- name: charge` and the one
 * statement to run for each charge, in which $1 is the number of the account, 0 to 999.
 *
 * @param {string} path
 * @param {import('pg').Pool} pool
 */
export async function peerForm(path, pool) {
  const [schema = '', charge] = readFileSync(path, 'utf8').split(MARK)
  if (charge === undefined) throw new Error(`${path} has no line "-- name: charge" before the statement of a charge`)
  await pool.query(schema)
  const text = charge.trim().replace(/;$/, '')
  return formOf(basename(path, '.sql'), (account) => pool.query({ name: 'peer-charge', text, values: [account] }), () => undefined)
}
