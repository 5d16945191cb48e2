import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { Settings } from './settings.js'

/** The ledger of one command: opened when it is first asked for, and once. */
export class Opening {
  readonly #settings: Settings
  #opened: Promise<Credits> | null = null

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** @throws CreditError `catalog_invalid`, `schema_too_new`, `ledger_unavailable`; after which it can be tried again */
  open(catalog?: string | object): Promise<Credits> {
    this.#opened ??= openFor(this.#settings, catalog).catch((error: unknown) => {
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

async function openFor(settings: Settings, catalog: string | object | undefined): Promise<Credits> {
  const { database, account, isMadeWhenMissing } = settings
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
