import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { DoorScope } from '../keys/key.js'
import type { AuthenticatedResult } from '../usage/results.js'
import type { OpenRequest } from './definition.js'
import type { Settings } from './settings.js'
import { shellWord } from './shell-word.js'

/** The ledger of one command: opened when it is first asked for, and once. */
export class Opening {
  readonly #settings: Settings
  readonly #mustExist: boolean
  #opened: Promise<Credits> | null = null
  #isAsked = false
  #lastKey: AuthenticatedResult | null = null

  /** @param mustExist whether a ledger that somebody has named is to be there; the default one may always be made */
  constructor(settings: Settings, { mustExist }: { readonly mustExist: boolean }) {
    this.#settings = settings
    this.#mustExist = mustExist
  }

  /**
   * The ledger for the operator or, with a key in the settings, for that key, which is looked at each time: whoever asks
   * again is refused once it is revoked.
   *
   * @throws CreditError `invalid_request`, `catalog_invalid`, `schema_too_new`, `ledger_unavailable`, after which it can be
   * tried again; `unauthenticated`, `forbidden`, `unknown_account` for a key
   */
  async open({ catalog, scope = null }: OpenRequest): Promise<Credits> {
    this.#isAsked = true
    this.#opened ??= openFor(this.#settings, this.#mustExist, catalog).catch((error: unknown) => {
      this.#opened = null
      throw error
    })
    const credits = await this.#opened
    const { key: secret, account, run } = this.#settings
    return secret === null ? credits.as({ account, run, holder: 'operator' }) : this.#openByKey(credits, secret, scope)
  }

  /** The ledger that was asked for; null before one was, and for a command that opens others. */
  get asked(): string | null {
    return this.#isAsked ? this.#settings.database : null
  }

  async close(): Promise<void> {
    const credits = await this.#opened
    await credits?.close()
  }

  /** While the ledger is away the key counts for what it was last. */
  async #openByKey(credits: Credits, secret: string, scope: DoorScope | null): Promise<Credits> {
    const { account, isDefaultAccount, run } = this.#settings
    const party = await credits.withKey(secret, { scope, account: isDefaultAccount ? null : account, run, lastKnown: this.#lastKey })
    this.#lastKey = party.known
    return party.credits
  }
}

async function openFor(settings: Settings, mustExist: boolean, catalog: string | object | undefined): Promise<Credits> {
  const { database, account, isMadeWhenMissing, key } = settings
  if (mustExist) await seeThatItExists(settings)
  if (settings.isDefaultDatabase) await makeFolder(dirname(database))
  // The ledger with its driver is loaded here and not at the top: help and the start of a server do without it.
  const { openCredits } = await import('../credits.js')
  return openCredits({
    database,
    ...(catalog === undefined ? {} : { catalog }),
    // A key's account is there already.
    ...(isMadeWhenMissing && key === null ? { defaultAccount: { id: account } } : {}),
  })
}

/** @throws CreditError `invalid_request` for a file that is not there, and for a database without a ledger, whose address is not told */
async function seeThatItExists({ database, isDefaultDatabase }: Settings): Promise<void> {
  if (isDefaultDatabase || existsSync(database)) return
  const { findLedger } = await import('../facade/open-ledger.js')
  const { location, isThere } = await findLedger(database)
  if (isThere) return
  const named = location === database ? shellWord(database) : '<that address>'
  throw new CreditError('invalid_request', `no ledger at ${location}`, { advice: [`Make one there: npx mcp-credits init --db ${named}`] })
}

/** For its owner alone, as the XDG specification asks of folders that it has made. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new CreditError('ledger_unavailable', `The folder ${folder} cannot be made`, {
      advice: ['Name another ledger by --db or MCP_CREDITS_DB.'],
      cause,
    })
  }
}
