import { randomBytes, randomInt } from 'node:crypto'

/** The only place that rolls dice: whoever needs chance gets a value from here, and the core gets none. */

/** A pause of one to `maxMs` milliseconds, so that processes that wait for each other do not march in step. */
export function jitterMs(maxMs: number): number {
  return randomInt(1, maxMs + 1)
}

/** A salt that nobody can guess: 128 bits as hexadecimal text. */
export function randomSalt(): string {
  return randomBytes(16).toString('hex')
}

/** An id that no other party picks by accident: 128 bits as hexadecimal text. */
export function randomId(): string {
  return randomBytes(16).toString('hex')
}

/** A secret that nobody can guess: 256 bits as text that fits into a header and a URL. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}
