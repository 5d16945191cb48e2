import { describe, expect, it } from 'vitest'
import { addressOf } from '../../src/storage/postgres/address.js'

const ADDRESS = 'postgres://user:hidden@primary.example:5432/ledger'

describe('the address of a database', () => {
  it('says where it is, with ten connections and no replica unless told', () => {
    expect(addressOf(ADDRESS)).toEqual({ location: 'postgres://primary.example:5432/ledger', connections: 10, replica: null })
  })

  it('takes a number of connections and the place of a replica, which has the same users and databases', () => {
    expect(addressOf(`${ADDRESS}?connections=40&replica=other.example`)).toMatchObject({
      connections: 40,
      replica: expect.stringContaining('postgres://user:hidden@other.example/ledger') as string,
    })
    expect(addressOf(`${ADDRESS}?replica=10.0.0.7:6432`).replica).toContain('postgres://user:hidden@10.0.0.7:6432/ledger')
    expect(addressOf(`${ADDRESS}?replica=[::1]:6432`).replica).toContain('@[::1]:6432/ledger')
    // The driver heeds these before the place in the address.
    expect(addressOf(`${ADDRESS}?host=primary.example&port=5432&replica=other.example`).replica).not.toContain('primary.example')
  })

  it.each(['1', '0', '-3', '2.5', '1e3', '1001', 'many', ''])('refuses %j connections, and names what was expected', (connections) => {
    expect(() => addressOf(`${ADDRESS}?connections=${connections}`)).toThrow(/connections=.*expected a whole number from 2 to 1000/)
  })

  it.each(['', 'a b', 'postgres://other/ledger', 'other:port', 'other:70000', 'user@other'])('refuses %j as a replica', (replica) => {
    expect(() => addressOf(`${ADDRESS}?replica=${encodeURIComponent(replica)}`)).toThrow(/expected replica=host or replica=host:port/)
  })

  it('tells nobody a password in what it refuses', () => {
    for (const wrong of ['postgres://user:hidden@:bad', `${ADDRESS}?connections=x`, `${ADDRESS}?replica=a%20b`]) {
      expect(() => addressOf(wrong)).toThrow(expect.objectContaining({ name: 'LedgerUnavailable', message: expect.not.stringContaining('hidden') as string }))
    }
  })
})
