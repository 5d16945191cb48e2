import { expect, it, vi } from 'vitest'
import { openStore } from '../../src/storage/open-store.js'

vi.mock('pg', () => {
  throw new Error("Cannot find package 'pg'")
})

it('without the driver, which is optional, the refusal says how to install it', async () => {
  await expect(openStore('postgres://localhost/ledger')).rejects.toMatchObject({
    name: 'LedgerUnavailable',
    outcome: 'none',
    message: expect.stringContaining('npm install pg'),
  })
})
