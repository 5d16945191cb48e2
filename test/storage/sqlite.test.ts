import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { describeStore } from './conformance.js'

describeStore('the store in a SQLite file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-sqlite-'))
  return {
    open: () => openSqliteStore(join(folder, 'ledger.db')),
    drop: () => rm(folder, { recursive: true }),
    storesMax: 2,
  }
})
