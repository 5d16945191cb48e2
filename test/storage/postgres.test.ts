import { openPostgresStore } from '../../src/storage/postgres/store.js'
import { createTestDatabase } from '../support/postgres.js'
import { describeStore } from './conformance.js'

describeStore('the store on PostgreSQL', async () => {
  const { url, drop } = await createTestDatabase()
  return { open: () => openPostgresStore(url), drop, storesMax: 2 }
})
