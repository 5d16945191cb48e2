import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { Settings } from './settings.js'
import { shellWord } from './words.js'

/** The ledger of one command: opened when it is first asked for, and once. */
export class Opening {
  readonly #settings: Settings
  readonly #mustExist: boolean
  #opened: Promise<Credits> | null = null

  /** @param mustExist whether a file that somebody has named is to be there; the default one may always be made */
  constructor(settings: Settings, { mustExist }: { readonly mustExist: boolean }) {
    this.#settings = settings
    this.#mustExist = mustExist
  }

  /** @throws CreditError `invalid_request`, `catalog_invalid`, `schema_too_new`, `ledger_unavailable`; after which it can be tried again */
  open(catalog?: string | object): Promise<Credits> {
    this.#opened ??= openFor(this.#settings, this.#mustExist, catalog).catch((error: unknown) => {
      this.#opened = null
      throw error
    })
    return this.#opened
  }

  async close(): Promise<void> {
    const credits = await this.#opened
    await credits?.close()
  }
}

async function openFor(settings: Settings, mustExist: boolean, catalog: string | object | undefined): Promise<Credits> {
  const { database, account, isMadeWhenMissing } = settings
  if (mustExist) seeThatItExists(settings)
  if (settings.isDefaultDatabase) await makeFolder(dirname(database))
  // The ledger with its driver is loaded here and not at the top: help and the start of a server do without it.
  const { openCredits } = await import('../credits.js')
  const credits = await openCredits({
    database,
    ...(catalog === undefined ? {} : { catalog }),
    ...(isMadeWhenMissing ? { defaultAccount: { id: account } } : {}),
  })
  return credits.as({ account, holder: 'operator' })
}

/** @throws CreditError `invalid_request` for a file that is not there */
function seeThatItExists({ database, isDefaultDatabase }: Settings): void {
  const isElsewhere = /^(?::memory:$|[a-z][a-z\d+.-]+:\/\/)/i.test(database)
  if (isDefaultDatabase || isElsewhere || existsSync(database)) return
  throw new CreditError('invalid_request', `no ledger at ${database}`, { advice: [`Make one there: npx mcp-credits init --db ${shellWord(database)}`] })
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
