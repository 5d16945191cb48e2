import type { Account } from '../../src/ledger/account.js'
import { connectionPool, inWrite } from '../../src/storage/postgres/connection.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import { write } from '../../src/storage/postgres/writer.js'
import { createTestDatabase } from '../support/postgres.js'
import { describeStore } from './conformance.js'

describeStore('the store on PostgreSQL', async () => {
  const { url, drop } = await createTestDatabase()
  return {
    open: () => openPostgresStore(url),
    drop,
    write: async (change) => {
      const pool = await connectionPool(url)
      try {
        await inWrite(pool, (query) => write(query, [change], new Set([(change.account as Account).id])))
      } finally {
        await pool.end()
      }
    },
    storesMax: 2,
  }
})
