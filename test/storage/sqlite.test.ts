import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConnection } from '../../src/storage/sqlite/connection.js'
import { prepareStatements } from '../../src/storage/sqlite/statements.js'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { writeChanges } from '../../src/storage/sqlite/write-changes.js'
import { Writer } from '../../src/storage/sqlite/writer.js'
import { describeStore } from './conformance.js'

describeStore('the store in a SQLite file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-sqlite-'))
  const file = join(folder, 'ledger.db')
  return {
    open: () => openSqliteStore(file),
    drop: () => rm(folder, { recursive: true }),
    write: async (change) => {
      const { connection } = await openConnection(file)
      try {
        new Writer(connection).synced(() => writeChanges(prepareStatements(connection), change))
      } finally {
        connection.close()
      }
    },
    storesMax: 2,
  }
})
