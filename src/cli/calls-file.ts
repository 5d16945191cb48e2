import { readFile, stat } from 'node:fs/promises'
import { CreditError } from '../errors.js'

/** Far beyond a hundred calls with their arguments, and short enough to be read at once. */
const BYTES_MAX = 10_000_000

/**
 * The calls of a plan as a JSON file lists them, each as `{ "operation": …, "variant": …, "quantity": …, "args": … }`. What
 * a call may say is for the library to check.
 *
 * @throws CreditError `invalid_request`
 */
export async function readCallsFile(file: string): Promise<readonly unknown[]> {
  const calls = parsed(file, await textOf(file))
  if (Array.isArray(calls)) return calls as unknown[]
  throw refused(file, `expected a list of calls, as [{ "operation": "blog.post" }]`)
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size <= BYTES_MAX) return await readFile(file, 'utf8')
  } catch (error) {
    throw refused(file, 'it is not there, or cannot be read', error)
  }
  throw refused(file, `expected at most ${BYTES_MAX} bytes`)
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown
  } catch (error) {
    throw refused(file, 'expected JSON', error)
  }
}

function refused(file: string, why: string, cause?: unknown): CreditError {
  return new CreditError('invalid_request', `--calls: ${JSON.stringify(file)} cannot be used: ${why}`, { details: { field: '--calls' }, cause })
}
