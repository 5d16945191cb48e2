import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { entriesFromText, entriesText, genesisHash, labelsDigest, transactionHash } from '../../src/ledger/chain.js'
import { formatId, sequenceOfId, type Transaction } from '../../src/ledger/transaction.js'

const ROW: Omit<Transaction, 'hash'> = {
  account: 'acme',
  sequence: 7,
  kind: 'charge',
  at: 1_768_471_200_000,
  credits: 2_500_000n,
  balanceAfter: 7_500_000n,
  operation: 'blog.post',
  variant: null,
  quantity: 2.5,
  tool: null,
  key: null,
  member: null,
  labels: { customer: 'c1' },
  labelsDigest: 'd',
  idempotencyKey: 'k',
  fingerprint: '1:f',
  refersTo: null,
  priceVersion: 1,
  detail: { level: 'low' },
  entries: [
    { book: 'available', grant: 1, amount: -2_500_000n, balanceAfter: 7_500_000n },
    { book: 'spent', grant: 1, amount: 2_500_000n, balanceAfter: 2_500_000n },
  ],
}

describe('the chain', () => {
  it('has one form, whose bytes never change', () => {
    const text =
      '[1,"acme",7,"charge",1768471200000,"2500000","7500000","blog.post",null,2.5,null,null,null,"d","k","1:f",null,1,' +
      '{"level":"low"},"[[\\"available\\",1,-2500000,7500000],[\\"spent\\",1,2500000,2500000]]"]'
    const genesis = createHash('sha256').update('["genesis",1,"acme",1768471200000]').digest('hex')
    expect(genesisHash('acme', 1_768_471_200_000)).toBe(genesis)
    expect(transactionHash(genesis, ROW)).toBe(createHash('sha256').update(`${genesis}\n${text}`).digest('hex'))
  })

  it('changes with every column but the labels, which enter as their digest', () => {
    const changed: Partial<Transaction>[] = [
      { account: 'b' }, { sequence: 8 }, { kind: 'settle' }, { at: 1 }, { credits: 1n }, { balanceAfter: 1n }, { operation: 'x' },
      { variant: 'x' }, { quantity: 3 }, { tool: 'x' }, { key: 'x' }, { member: 'x' }, { labelsDigest: 'x' }, { idempotencyKey: 'x' },
      { fingerprint: 'x' }, { refersTo: 1 }, { priceVersion: 2 }, { detail: {} }, { entries: [] },
    ]
    const hashes = changed.map((change) => transactionHash('h', { ...ROW, ...change }))
    expect(new Set([transactionHash('h', ROW), transactionHash('i', ROW), ...hashes]).size).toBe(changed.length + 2)
    expect(transactionHash('h', { ...ROW, labels: null })).toBe(transactionHash('h', ROW))
  })

  it('takes labels in any order for the same, and differs with the salt', () => {
    expect(labelsDigest('s', { a: '1', b: '2' })).toBe(labelsDigest('s', { b: '2', a: '1' }))
    expect(new Set([labelsDigest('s', { a: '1' }), labelsDigest('t', { a: '1' }), labelsDigest('s', { a: '2' }), labelsDigest('s', { b: '1' })]).size).toBe(4)
  })

  it('keeps entries as a text that reads back, up to the largest amount', () => {
    const entries = [...ROW.entries, { book: 'issued', grant: null, amount: -2_000_000_000_000_000n, balanceAfter: 1_999_999_999_999_999n } as const]
    expect(entriesFromText(entriesText(entries))).toEqual(entries)
    expect(entriesFromText(entriesText([]))).toEqual([])
  })
})

describe('ids', () => {
  it('name a kind and a sequence, and nothing else is one', () => {
    const id = formatId('tx', 12, 'abcdef0123456789')
    expect(id).toBe('tx_12_abcdef0123')
    expect(sequenceOfId('tx', id)).toBe(12)
    for (const other of ['rs_12_abcdef0123', 'tx_0_abcdef0123', 'tx_012_abcdef0123', 'tx_12_ABCDEF0123', 'tx_12_abcdef012', 'tx_-1_abcdef0123', ` ${id}`, `${id}\n`, '']) {
      expect(sequenceOfId('tx', other)).toBeNull()
    }
  })
})
