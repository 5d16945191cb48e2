import { describe, expect, it } from 'vitest'
import type { Counter, CounterKey } from '../../src/budgets/counter.js'
import type { Changes } from '../../src/decide/outcome.js'
import { type Need, NotLoaded } from '../../src/decide/view.js'
import { openAccount } from '../../src/ledger/account.js'
import type { AccountRecord, RecordKind } from '../../src/ledger/account-record.js'
import type { Grant } from '../../src/ledger/grant.js'
import type { Reservation } from '../../src/ledger/reservation.js'
import { LoadedAccount } from '../../src/storage/loaded-account.js'
import { BEGINNING, DUE_PAGE } from '../../src/storage/needs.js'
import { NEVER } from '../../src/time/instant.js'
import { catalogVersion, T0 } from './fixtures.js'
import { counter, record } from './record-conformance.js'

const CATALOGS = [catalogVersion()]

function loaded({ rules }: { readonly rules: number }): LoadedAccount {
  const account = openAccount({ id: 'a', timeZone: 'UTC', parent: null, isTest: false, debtMax: 0n, labelSalt: 's' }, T0)
  return new LoadedAccount({ ...account, rules }, CATALOGS)
}

function changes(given: Partial<Changes>): Changes {
  return { account: null, transactions: [], grants: [], reservations: [], records: [], counters: [], tallies: [], ...given }
}

/** What a question that cannot be answered yet asks for. */
function needOf(ask: () => unknown): Need {
  try {
    ask()
  } catch (error) {
    if (error instanceof NotLoaded) return error.need
    throw error
  }
  throw new Error('it was answered')
}

function addRecords(account: LoadedAccount, of: RecordKind, records: readonly AccountRecord[]): void {
  account.add({ kind: 'records', of }, { kind: 'records', records })
}

function addRecord(account: LoadedAccount, of: RecordKind, id: string, found: AccountRecord | null): void {
  account.add({ kind: 'record', of, id }, { kind: 'record', record: found })
}

function addCounters(account: LoadedAccount, keys: readonly CounterKey[], counters: readonly (Counter | null)[]): void {
  account.add({ kind: 'counters', keys }, { kind: 'counters', counters })
}

const ids = (records: readonly AccountRecord[]): readonly string[] => records.map(({ id }) => id)

describe('records of a loaded account', () => {
  it('are asked for until they are there, each kind for itself', () => {
    const account = loaded({ rules: 2 })
    const need: Need = { kind: 'records', of: 'budget' }
    expect(needOf(() => account.records('budget'))).toEqual(need)
    expect(account.lacks(need)).toBe(true)
    addRecords(account, 'budget', [record('budget', 'b2'), record('budget', 'b1')])
    expect(ids(account.records('budget'))).toEqual(['b1', 'b2'])
    expect(account.lacks(need)).toBe(false)
    expect(needOf(() => account.records('alert'))).toEqual({ kind: 'records', of: 'alert' })
    expect(needOf(() => account.records('member'))).toEqual({ kind: 'records', of: 'member' })
  })

  it('are none of budgets and alerts, and nobody is asked, where the account has no rules', () => {
    const account = loaded({ rules: 0 })
    expect([account.records('budget'), account.records('alert')]).toEqual([[], []])
    expect(needOf(() => account.records('member'))).toEqual({ kind: 'records', of: 'member' })
    expect(needOf(() => account.record('budget', 'b1'))).toEqual({ kind: 'record', of: 'budget', id: 'b1' })
  })

  it('are single ones as well, told from the list or asked for, and null where there is none', () => {
    const account = loaded({ rules: 1 })
    addRecords(account, 'budget', [record('budget', 'b1')])
    expect(account.record('budget', 'b1')).toEqual(record('budget', 'b1'))
    const need: Need = { kind: 'record', of: 'budget', id: 'b0' }
    expect(needOf(() => account.record('budget', 'b0'))).toEqual(need)
    expect(account.lacks(need)).toBe(true)
    addRecord(account, 'budget', 'b0', null)
    expect([account.record('budget', 'b0'), account.lacks(need)]).toEqual([null, false])
    expect(ids(account.records('budget'))).toEqual(['b1'])
    expect(needOf(() => account.record('alert', 'b1'))).toEqual({ kind: 'record', of: 'alert', id: 'b1' })
  })

  it('a closed one that is told by its id is not in the list of open ones', () => {
    const account = loaded({ rules: 1 })
    addRecord(account, 'budget', 'b0', record('budget', 'b0', { isOpen: false }))
    addRecords(account, 'budget', [record('budget', 'b1')])
    expect(ids(account.records('budget'))).toEqual(['b1'])
    expect(account.record('budget', 'b0')?.isOpen).toBe(false)
  })

  it('show what the batch has made, changed and closed of them', () => {
    const account = loaded({ rules: 2 })
    addRecords(account, 'budget', [record('budget', 'b1'), record('budget', 'b3')])
    expect(ids(account.records('budget'))).toEqual(['b1', 'b3'])
    const changed = record('budget', 'b3', { document: { limit: 7 } })
    const closed = record('budget', 'b1', { isOpen: false })
    account.apply(changes({ records: [changed, closed, record('budget', 'b2')] }))
    expect(account.records('budget')).toEqual([record('budget', 'b2'), changed])
    expect(account.record('budget', 'b1')).toEqual(closed)
    account.apply(changes({ records: [record('budget', 'b1')] }))
    expect(ids(account.records('budget'))).toEqual(['b1', 'b2', 'b3'])
  })

  it('what the batch has changed is newer than what is loaded later', () => {
    const account = loaded({ rules: 2 })
    const closed = record('budget', 'b1', { isOpen: false })
    const changed = record('member', 'm1', { document: { role: 'viewer' } })
    account.apply(changes({ records: [closed, record('budget', 'b3'), changed] }))
    addRecords(account, 'budget', [record('budget', 'b1'), record('budget', 'b2')])
    addRecord(account, 'member', 'm1', record('member', 'm1'))
    expect(ids(account.records('budget'))).toEqual(['b2', 'b3'])
    expect(account.record('budget', 'b1')).toEqual(closed)
    expect(account.record('member', 'm1')).toEqual(changed)
  })

  it('are written once each, as they stand at the end', () => {
    const account = loaded({ rules: 1 })
    addRecords(account, 'budget', [record('budget', 'b1'), record('budget', 'b2')])
    account.apply(changes({ records: [record('budget', 'b2', { sequence: 2 }), record('message', 'm1')] }))
    account.apply(changes({ records: [record('budget', 'b2', { sequence: 3, isOpen: false })] }))
    expect(account.changes().records).toEqual([record('budget', 'b2', { sequence: 3, isOpen: false }), record('message', 'm1')])
    expect(account.changes().counters).toEqual([])
  })
})

describe('counters of a loaded account', () => {
  const [one, two, three] = [{ budget: 'b1', subject: '' }, { budget: 'b1', subject: 'x' }, { budget: 'b2', subject: '' }] as const

  it('are asked for until they are there, and only those that are missing', () => {
    const account = loaded({ rules: 1 })
    expect(needOf(() => account.counters([one, two]))).toEqual({ kind: 'counters', keys: [one, two] })
    addCounters(account, [one, two], [counter('b1', ''), null])
    expect(account.counters([two, one, two])).toEqual([null, counter('b1', ''), null])
    expect(needOf(() => account.counters([two, three, one]))).toEqual({ kind: 'counters', keys: [three] })
    expect(account.lacks({ kind: 'counters', keys: [one, two] })).toBe(false)
    expect(account.lacks({ kind: 'counters', keys: [one, three] })).toBe(true)
    expect(account.counters([])).toEqual([])
  })

  it('show what the batch has moved, which is newer than what is loaded later', () => {
    const account = loaded({ rules: 1 })
    account.apply(changes({ counters: [counter('b1', 'x', { used: 4n })] }))
    addCounters(account, [one, two], [counter('b1', '', { used: 1n }), counter('b1', 'x', { used: 2n })])
    account.apply(changes({ counters: [counter('b1', '', { used: 9n })] }))
    expect(account.counters([one, two]).map((row) => row?.used)).toEqual([9n, 4n])
  })

  it('are written once each, as they stand at the end, and none that was only looked at', () => {
    const account = loaded({ rules: 1 })
    addCounters(account, [one, two, three], [counter('b1', ''), null, counter('b2', '')])
    account.apply(changes({ counters: [counter('b1', 'x', { used: 1n })] }))
    account.apply(changes({ counters: [counter('b1', 'x', { used: 2n }), counter('b2', '', { reserved: 3n })] }))
    expect(account.changes().counters).toEqual([counter('b1', 'x', { used: 2n }), counter('b2', '', { reserved: 3n })])
  })
})

describe('an account kept for a further batch', () => {
  it('knows its budgets, alerts and counters as they were written, and writes none of them again', () => {
    const account = loaded({ rules: 3 })
    addRecords(account, 'budget', [record('budget', 'b1'), record('budget', 'b2')])
    addRecords(account, 'alert', [record('alert', 'low')])
    addCounters(account, [{ budget: 'b1', subject: '' }], [counter('b1', '', { used: 1n })])
    account.apply(changes({
      records: [record('budget', 'b1', { isOpen: false }), record('budget', 'b2', { sequence: 2 })],
      counters: [counter('b1', '', { used: 2n })],
    }))
    const kept = account.keptFor(CATALOGS)
    expect(kept.records('budget')).toEqual([record('budget', 'b2', { sequence: 2 })])
    expect(ids(kept.records('alert'))).toEqual(['low'])
    expect(kept.counters([{ budget: 'b1', subject: '' }])).toEqual([counter('b1', '', { used: 2n })])
    expect(kept.changes()).toMatchObject({ records: [], counters: [] })
    kept.apply(changes({ counters: [counter('b1', '', { used: 3n })] }))
    expect(kept.changes().counters).toEqual([counter('b1', '', { used: 3n })])
  })

  it('forgets every other record, and those of budgets of which it knows some only', () => {
    const account = loaded({ rules: 2 })
    addRecords(account, 'member', [record('member', 'm1')])
    addRecord(account, 'key', 'k1', record('key', 'k1'))
    addRecord(account, 'budget', 'b1', record('budget', 'b1'))
    addRecords(account, 'alert', [])
    addRecord(account, 'alert', 'none', null)
    addRecord(account, 'alert', 'old', record('alert', 'old', { isOpen: false }))
    const kept = account.keptFor(CATALOGS)
    expect(needOf(() => kept.records('member'))).toEqual({ kind: 'records', of: 'member' })
    expect(needOf(() => kept.record('member', 'm1'))).toEqual({ kind: 'record', of: 'member', id: 'm1' })
    expect(needOf(() => kept.record('key', 'k1'))).toEqual({ kind: 'record', of: 'key', id: 'k1' })
    expect(needOf(() => kept.records('budget'))).toEqual({ kind: 'records', of: 'budget' })
    expect([kept.records('alert'), kept.record('alert', 'none'), kept.record('alert', 'old')?.isOpen]).toEqual([[], null, false])
  })

  it('keeps 1000 records of a kind; of more it forgets those that are not open', () => {
    const account = loaded({ rules: 1 })
    addRecords(account, 'alert', [record('alert', 'a')])
    for (let index = 1; index < 1_000; index += 1) addRecord(account, 'alert', `old${index}`, record('alert', `old${index}`, { isOpen: false }))
    const kept = account.keptFor(CATALOGS)
    expect(kept.record('alert', 'old7')?.isOpen).toBe(false)
    addRecord(kept, 'alert', 'none', null)
    const further = kept.keptFor(CATALOGS)
    expect(needOf(() => further.record('alert', 'old7'))).toEqual({ kind: 'record', of: 'alert', id: 'old7' })
    expect(ids(further.records('alert'))).toEqual(['a'])
  })

  it('keeps 2000 counters, and none where there are more', () => {
    const keys = Array.from({ length: 2_001 }, (_, index) => ({ budget: 'b1', subject: `s${index}` }))
    const account = loaded({ rules: 1 })
    addCounters(account, keys.slice(1), keys.slice(1).map(({ subject }) => counter('b1', subject)))
    const kept = account.keptFor(CATALOGS)
    expect(kept.counters(keys.slice(1))).toHaveLength(2_000)
    addCounters(kept, keys.slice(0, 1), [null])
    expect(needOf(() => kept.keptFor(CATALOGS).counters(keys))).toEqual({ kind: 'counters', keys })
    addCounters(kept, keys.slice(0, 1), [counter('b1', 's0')])
    expect(kept.counters(keys.slice(0, 1))).toEqual([counter('b1', 's0')])
  })
})

describe('reservations of an account kept for a further batch', () => {
  const needed = (sequence: number): Need => ({ kind: 'reservation', sequence })
  const usedUp = (sequence: number): Grant => ({
    id: `gr_${sequence}`, sequence, source: 'purchase', priority: 50, isPaid: true, amount: 5n, remaining: 0n, state: 'effective', effectiveAt: T0,
    expiresAt: NEVER, endsWithPlan: false,
  })

  it('are known while they are open, with the grants that they pin; what has ended or was not there is asked for', () => {
    const account = loaded({ rules: 0 })
    account.apply(changes({
      grants: [usedUp(1), usedUp(2)],
      reservations: [open(3, T0 + 1, [1]), { ...open(4, T0 + 1, [2]), state: 'settled', endedBy: 5 }],
    }))
    account.add(needed(9), { kind: 'reservation', reservation: null, grants: [] })
    const kept = account.keptFor(CATALOGS)
    expect([kept.lacks(needed(3)), kept.reservation(3), kept.grant(1)]).toEqual([false, open(3, T0 + 1, [1]), usedUp(1)])
    for (const sequence of [4, 9]) expect([kept.lacks(needed(sequence)), needOf(() => kept.reservation(sequence))]).toEqual([true, needed(sequence)])
    expect(needOf(() => kept.grant(2))).toEqual({ kind: 'grant', sequence: 2 })
    expect(kept.changes()).toMatchObject({ reservations: [], grants: [] })
  })

  it('are the 256 youngest of them', () => {
    const account = loaded({ rules: 0 })
    account.apply(changes({ reservations: Array.from({ length: 257 }, (_, index) => open(index + 1, T0 + 1)) }))
    const kept = account.keptFor(CATALOGS)
    expect([kept.lacks(needed(1)), kept.lacks(needed(2)), kept.lacks(needed(257))]).toEqual([true, false, false])
  })
})

function open(sequence: number, expiresAt: number, pinned: readonly number[] = []): Reservation {
  return {
    id: `rs_${sequence}`, sequence, state: 'open', holder: 'operator', key: null, member: null, run: null, amount: 0n, overrun: 'cap',
    pins: pinned.map((grant) => ({ grant, amount: 1n })), openedAt: T0, expiresAt, price: null, priceVersion: 1, operation: 'work', variant: null,
    tool: null, labels: null, callKey: null, callFingerprint: null, endedBy: null,
  }
}

describe('what is due in a loaded account', () => {
  const at = T0 + 1_000
  const due = open
  const add = (account: LoadedAccount, after: number, rows: readonly Reservation[], horizon: number): void => {
    const found = { reservations: rows, expiring: [], scheduled: [], horizon, isCut: horizon < at, next: NEVER }
    account.add({ kind: 'due', after, at, count: DUE_PAGE }, { kind: 'due', ...found })
  }
  const ended = (row: Reservation): Reservation => ({ ...row, state: 'expired' })
  const sequences = (account: LoadedAccount) => account.due(at).reservations.map(({ sequence }) => sequence)

  it('is asked for in pages of one size, each after the one before, and shows what is left of all', () => {
    const account = loaded({ rules: 0 })
    expect(needOf(() => account.due(at))).toEqual({ kind: 'due', after: BEGINNING, at, count: DUE_PAGE })
    const [one, two, three] = [due(1, T0 + 1), due(2, T0 + 1), due(3, T0 + 5)]
    add(account, BEGINNING, [one, two], T0 + 1)
    expect(sequences(account)).toEqual([1, 2])
    // The write was full after the first of them.
    account.apply(changes({ reservations: [ended(one)] }))
    expect(needOf(() => account.due(at))).toEqual({ kind: 'due', after: T0 + 1, at, count: DUE_PAGE })
    add(account, T0 + 1, [three], at)
    expect([sequences(account), account.due(at).isCut]).toEqual([[2, 3], false])
  })

  it('goes on after a page of which this batch has ended everything', () => {
    const account = loaded({ rules: 0 })
    const row = due(1, T0 + 1)
    account.apply(changes({ reservations: [ended(row)] }))
    add(account, BEGINNING, [row], T0 + 1)
    expect([sequences(account), account.due(at).isCut]).toEqual([[], true])
    account.apply(changes({}))
    expect(needOf(() => account.due(at))).toMatchObject({ after: T0 + 1 })
  })

  it('is asked for from the beginning again in a further batch', () => {
    const account = loaded({ rules: 0 })
    add(account, BEGINNING, [due(1, T0 + 1)], at)
    expect(needOf(() => account.keptFor(CATALOGS).due(at))).toMatchObject({ after: BEGINNING })
  })
})
