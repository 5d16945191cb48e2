import { BOOKS, type Books } from '../../src/ledger/books.js'
import { genesisHash, transactionHash } from '../../src/ledger/chain.js'
import { OPEN_RECORDS_MAX, type RecordKind } from '../../src/ledger/account-record.js'
import { isOpen } from '../../src/ledger/grant.js'
import type { Transaction } from '../../src/ledger/transaction.js'
import type { Account } from '../../src/ledger/account.js'
import type { Store } from '../../src/storage/port.js'

const PAGE = 100

/** All rows of an account, paged through in small pages. */
export async function journalOf(store: Store, account: string): Promise<Transaction[]> {
  return pages((after) => store.journal(account, after, PAGE))
}

/** The row of an account as it was written, without what is due being decided. */
export async function accountOf(store: Store, id: string): Promise<Account> {
  const found = (await store.accounts(null, 10_000)).find((account) => account.id === id)
  if (found === undefined) throw new Error(`there is no account ${id}`)
  return found
}

/**
 * Recomputes an account from its journal, grants and reservations, and names everything that does not agree with what
 * the rows say. Empty when all is right.
 */
export async function audit(store: Store, id: string): Promise<string[]> {
  const account = await accountOf(store, id)
  const journal = await journalOf(store, id)
  const grants = await pages((after) => store.grants(id, after, PAGE))
  const reservations = await pages((after) => store.reservations(id, after, PAGE))
  const open = reservations.filter((row) => row.state === 'open')
  const left = grants.reduce((sum, row) => sum + (row.state === 'effective' ? row.remaining : 0n), 0n)
  const pinned = open.flatMap((row) => row.pins).reduce((sum, pin) => sum + pin.amount, 0n)
  const problems = [...chainProblems(account, journal), ...bookProblems(account, journal)]
  const expectEqual = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) problems.push(`${what} is ${String(found)}, expected ${String(expected)}`)
  }
  expectEqual('available', account.books.available, left - account.debt)
  expectEqual('reserved', account.books.reserved, pinned)
  expectEqual('open grants', account.openGrants, grants.filter((row) => isOpen(row) || row.state === 'scheduled').length)
  expectEqual('open reservations', account.openReservations, open.length)
  expectEqual('rules', account.rules, await countOpen(store, id, 'budget') + await countOpen(store, id, 'alert'))
  expectEqual('ended twice or never', new Set(reservations.flatMap((row) => row.endedBy ?? [])).size, reservations.length - open.length)
  for (const row of grants) {
    if (row.state === 'effective' && row.remaining > 0n && row.expiresAt < account.nextDueAt) problems.push(`grant ${row.id} is due too late`)
  }
  for (const row of open) if (row.expiresAt < account.nextDueAt) problems.push(`reservation ${row.id} is due too late`)
  return problems
}

async function countOpen(store: Store, account: string, kind: RecordKind): Promise<number> {
  return (await store.records({ account, kind, isOpen: true, limit: OPEN_RECORDS_MAX[kind] + 1 })).length
}

function chainProblems(account: Account, journal: readonly Transaction[]): string[] {
  const problems: string[] = []
  let head = genesisHash(account.id, account.createdAt)
  let at = 0
  journal.forEach((row, index) => {
    const { hash, ...unhashed } = row
    if (row.sequence !== index + 1) problems.push(`row ${index + 1} has sequence ${row.sequence}`)
    if (row.at < at) problems.push(`row ${row.sequence} precedes the one before it`)
    if (transactionHash(head, unhashed) !== hash) problems.push(`row ${row.sequence} does not match its hash`)
    head = hash
    at = row.at
  })
  if (account.head !== head) problems.push('the head is not the last hash')
  if (account.sequence !== journal.length) problems.push(`sequence is ${account.sequence} with ${journal.length} rows`)
  return problems
}

function bookProblems(account: Account, journal: readonly Transaction[]): string[] {
  const problems: string[] = []
  const books = Object.fromEntries(BOOKS.map((book) => [book, 0n])) as { -readonly [Book in keyof Books]: bigint }
  for (const row of journal) {
    let sum = 0n
    for (const entry of row.entries) {
      books[entry.book] += entry.amount
      sum += entry.amount
      if (entry.balanceAfter !== books[entry.book]) problems.push(`row ${row.sequence}: ${entry.book} after it is wrong`)
    }
    if (sum !== 0n) problems.push(`row ${row.sequence} does not add up to zero`)
    if (row.balanceAfter !== books.available) problems.push(`row ${row.sequence}: the balance after it is wrong`)
  }
  for (const book of BOOKS) if (books[book] !== account.books[book]) problems.push(`${book} is ${account.books[book]}, its entries say ${books[book]}`)
  return problems
}

async function pages<Row extends { readonly sequence: number }>(page: (after: number) => Promise<readonly Row[]>): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const next = await page(rows.at(-1)?.sequence ?? 0)
    rows.push(...next)
    if (next.length < PAGE) return rows
  }
}
