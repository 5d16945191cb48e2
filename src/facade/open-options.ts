import { z } from 'zod'
import type { Clock } from '../clock.js'
import { DATABASE_EXPECTED, isAddress, noDatabaseWords } from '../database-text.js'
import { CreditError } from '../errors.js'
import { isName, isStorable } from '../ledger/storable-text.js'
import { LedgerUnavailable } from '../storage/port.js'
import { addressOf } from '../storage/postgres/address.js'
import { type Instant, NEVER } from '../time/instant.js'
import { foundWords } from './problem-words.js'
import { readInput } from './read-input.js'

/** What a ledger is opened with. Strict: a misspelt option would otherwise open another ledger than the one meant. */
const schema = z.strictObject({
  database: z.unknown().optional(),
  catalog: z.unknown().optional(),
  clock: z.unknown().optional(),
  defaultAccount: z.unknown().optional(),
})

const accountSchema = z.strictObject({ id: name(), plan: name().optional(), timeZone: z.string().min(1).max(64).optional() })

function name() {
  return z.string().refine(isName, 'expected a text of 1 to 255 characters')
}

export interface CheckedOptions {
  readonly database: string
  readonly catalog: string | object | undefined
  readonly clock: Clock | undefined
  readonly defaultAccount: z.output<typeof accountSchema> | undefined
}

/** Checks what `openCredits` was given. @throws CreditError `invalid_request` that names the option and what was expected */
export function readOpenOptions(options: unknown): CheckedOptions {
  const { database, catalog, clock, defaultAccount } = readInput(schema, options)
  if (catalog !== undefined && !isCatalogSource(catalog)) refuse('catalog', 'the name of a bundled catalog, a file or a document', foundWords(catalog))
  if (clock !== undefined && !isClock(clock)) refuse('clock', '{ now(): number }', foundWords(clock))
  return {
    database: readDatabase(database, 'database'),
    catalog: catalog as string | object | undefined,
    clock: clock === undefined ? undefined : checkedClock(clock as Clock),
    defaultAccount: defaultAccount === undefined ? undefined : readInput(accountSchema, defaultAccount, 'defaultAccount'),
  }
}

const copySchema = z.strictObject({ from: z.unknown(), to: z.unknown(), onProgress: z.unknown().optional() })

/** Checks what `copyLedger` was given. @throws CreditError `invalid_request` that names the option and what was expected */
export function readCopyOptions<Progress>(options: { readonly onProgress?: Progress }): { readonly from: string; readonly to: string; readonly onProgress?: Progress } {
  const { from, to, onProgress } = readInput(copySchema, options)
  if (onProgress !== undefined && typeof onProgress !== 'function') refuse('onProgress', 'a function', foundWords(onProgress))
  const named = { from: readDatabase(from, 'from'), to: readDatabase(to, 'to') }
  return onProgress === undefined ? named : { ...named, onProgress: onProgress as Progress }
}

/** @throws CreditError `invalid_request` that names the option, and never an address: it may hold a password */
export function readDatabase(database: unknown, option: string): string {
  if (typeof database !== 'string' || database === '') return refuse(option, DATABASE_EXPECTED, foundWords(database))
  const words = isStorable(database) ? noDatabaseWords(database) : 'a text with characters that no address and no name of a file has'
  if (words !== null) return refuse(option, DATABASE_EXPECTED, words)
  if (isAddress(database)) seeThatItCanBeRead(database, option)
  return database
}

function seeThatItCanBeRead(address: string, option: string): void {
  try {
    addressOf(address)
  } catch (cause) {
    if (!(cause instanceof LedgerUnavailable)) throw cause
    throw new CreditError('invalid_request', `${option}: ${cause.message}`, { details: { field: option }, cause })
  }
}

function isCatalogSource(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null)
}

function isClock(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Clock>).now === 'function'
}

/** A clock by somebody else, whose every answer is checked: one that is no instant would be refused by the database, in its own words. */
function checkedClock(clock: Clock): Clock {
  return {
    now: (): Instant => {
      const now: unknown = clock.now()
      const isInstant = typeof now === 'number' && Number.isInteger(now) && now >= 0 && now < NEVER
      return isInstant ? now : refuse('clock', 'now() to give whole epoch milliseconds', foundWords(now))
    },
  }
}

function refuse(field: string, expected: string, found: string): never {
  throw new CreditError('invalid_request', `${field}: expected ${expected}, found ${found}`, { details: { field } })
}
