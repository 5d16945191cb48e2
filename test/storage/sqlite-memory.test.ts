import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { describeStore } from './conformance.js'

describeStore('the store in the memory of SQLite', async () => ({
  open: () => openSqliteStore(':memory:'),
  drop: async () => undefined,
  storesMax: 1,
}))
