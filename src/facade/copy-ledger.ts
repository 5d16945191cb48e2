import { systemClock } from '../clock.js'
import { CreditError } from '../errors.js'
import { copyRows, type OnRows } from '../storage/copy/copy-rows.js'
import { fromLedger, isSameDatabase, toLedger } from '../storage/copy/copy-sides.js'
import { CopyRefused } from '../storage/copy/sides.js'
import { openStore } from '../storage/open-store.js'
import { Ledger, reachable } from '../usage/ledger.js'
import type { VerifyResult } from '../usage/results.js'
import { sumUsage } from '../usage/roll-up.js'
import { verify } from '../usage/verify.js'
import { lastingly } from './lasting-trouble.js'
import { readCopyOptions } from './open-options.js'

export interface CopyOptions {
  /** The ledger to copy: a file, or a `postgres://` address. */
  readonly from: string
  /** An empty database, or one that holds the beginning of this very copy. A file is made where there is none. */
  readonly to: string
  /** Told now and then what is being done. */
  readonly onProgress?: (progress: CopyProgress) => void
}

export interface CopyProgress {
  readonly step: 'copying' | 'summing' | 'checking'
  /** The table that is being copied; null while none is. */
  readonly table: string | null
  readonly done: number
  readonly total: number
}

export interface CopyResult {
  /** In words for people, without secrets. */
  readonly from: string
  readonly to: string
  /** Whether the copy is whole: every row is there and the ledger adds up. One that is not stays closed to everybody. */
  readonly ok: boolean
  /** Whether rows were there that an earlier run had copied. */
  readonly continued: boolean
  readonly accounts: number
  readonly transactions: number
  /** Rows that this run has written. */
  readonly rows: number
  /** Rows that an earlier run had copied and the source has changed since: they were taken along. */
  readonly changed: number
  readonly problems: VerifyResult['problems']
}

/**
 * Copies a ledger to another database with every row as it is: the same ids, keys and hashes. Nobody may write to the
 * source meanwhile, which is left as it is, and nobody can open the target until it is whole: all rows compared, its
 * usage summed up, and checked as {@link verify} does. A copy that was cut is continued by asking for it again.
 *
 * @throws CreditError `invalid_request` for what cannot be copied or continued, `schema_too_new`, `ledger_unavailable`
 */
export async function copyLedger(options: CopyOptions): Promise<CopyResult> {
  const { from, to, onProgress = () => undefined } = readCopyOptions(options)
  return refusing(() => copied({ source: from, target: to, onProgress }))
}

interface Copying {
  readonly source: string
  readonly target: string
  readonly onProgress: (progress: CopyProgress) => void
}

async function copied({ source, target, onProgress }: Copying): Promise<CopyResult> {
  const isSame = await isSameDatabase(source, target)
  if (isSame) throw new CopyRefused('A ledger cannot be copied to itself', ['Name another database by --to.'])
  const onRows: OnRows = (table, done, total) => onProgress({ step: 'copying', table, done, total })
  return fromLedger(source, (held) =>
    toLedger(target, async (filled) => {
      const { isContinued, accounts, transactions, written, changed } = await copyRows(held, filled, onRows)
      const { ok, problems } = await checked(target, { transactions, onProgress })
      if (ok) {
        // A connection holds the source: had it been lost since the rows were read, somebody could have written there.
        await held.journalEnds(null, 1)
        await filled.finish()
      }
      const places = { from: held.location, to: filled.location }
      return { ...places, ok, continued: isContinued, accounts, transactions, rows: written, changed, problems }
    }),
  )
}

async function checked(
  database: string,
  { transactions, onProgress }: Pick<Copying, 'onProgress'> & { readonly transactions: number },
): Promise<VerifyResult> {
  const store = await openStore(database, { unfinishedCopy: 'opened' })
  try {
    const ledger = new Ledger({ store, clock: systemClock, defaultAccount: null })
    const tell = (step: CopyProgress['step']) => onProgress({ step, table: null, done: 0, total: transactions })
    tell('summing')
    await sumUsage(ledger)
    tell('checking')
    return await verify(ledger, { account: null, since: null })
  } finally {
    await store.close()
  }
}

function refusing<T>(work: () => Promise<T>): Promise<T> {
  return lastingly(() =>
    reachable(async () => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof CopyRefused)) throw error
        throw new CreditError('invalid_request', error.message, { advice: error.advice, cause: error })
      }
    }),
  )
}
