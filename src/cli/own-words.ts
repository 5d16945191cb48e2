import { isAddress } from '../database-text.js'
import { CreditError } from '../errors.js'
import { inWordsOf } from '../facade/field-names.js'

/**
 * A refusal as the command line says it: fields of the library are the options that they were typed as, and a ledger
 * file that cannot be used is named. The address of a database is not: it may hold a password.
 *
 * @param database the ledger that the command was at; null for none, or for others than the settings name
 * @param own what the command calls a field, where that is another word than most commands have for it
 */
export function inOwnWords(error: CreditError, database: string | null, own: Readonly<Record<string, string>> = {}): CreditError {
  return namingTheFile(ofWholeOptions(inWordsOf(error, (field) => own[field] ?? OPTION_OF.get(field) ?? field)), database)
}

/** An option that may be repeated is one of a list to the library; nobody has typed the number. */
function ofWholeOptions(error: CreditError): CreditError {
  const message = error.message.replaceAll(/(?<=^|; )(--[a-z-]+)\.\d+(?=:)/g, '$1')
  return message === error.message ? error : new CreditError(error.code, message, { ...error, cause: error.cause ?? error })
}

const OPTION_OF: ReadonlyMap<string, string> = new Map([
  ['effectiveAt', '--from'],
  ['expiresAt', '--expires'],
  ['since', '--since'],
  ['until', '--until'],
  ['groupBy', '--by'],
  ['timeZone', '--tz'],
  ['label', '--label'],
  ['labels', '--label'],
  ['usage', '--usage'],
  ['ttlSeconds', '--ttl'],
  ['idempotencyKey', '--idempotency-key'],
  ['debtLimit', '--debt-limit'],
  ['parent', '--parent'],
  ['plan', '--plan'],
  ['priority', '--priority'],
  ['source', '--source'],
  ['reason', '--reason'],
  ['fault', '--fault'],
  ['overrun', '--overrun'],
  ['quoteId', '--quote'],
  ['quoteTtlSeconds', '--ttl'],
  ['calls', '--calls'],
  ['type', '--type'],
  ['limit', '--limit'],
  ['cursor', '--cursor'],
  ['category', '--category'],
  ['search', '--search'],
  ['database', '--db'],
  ['window', '--window'],
  ['scope', '--scope'],
  ['enforcement', '--alert'],
  ['environment', '--environment'],
  ['member', '--member'],
  ['role', '--role'],
  ['name', '--name'],
])

function namingTheFile(error: CreditError, database: string | null): CreditError {
  const { code, message } = error
  if (code !== 'ledger_unavailable' || database === null || isAddress(database) || message.includes(database)) return error
  return new CreditError(code, `${message}: ${database}`, { ...error, cause: error.cause ?? error })
}
