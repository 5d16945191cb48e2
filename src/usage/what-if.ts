import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Catalog } from '../catalog/catalog.js'
import type { CatalogVersion } from '../catalog/version.js'
import type { Account } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import { formatInstant, type Instant } from '../time/instant.js'
import { totalCredits } from './exact-figures.js'
import type { Ledger } from './ledger.js'
import { priceAnew, type SpentRow } from './price-anew.js'
import type { WhatIfResult } from './results.js'

export interface WhatIfAsked {
  /** Null for every live account of the ledger. */
  readonly accounts: readonly string[] | null
  readonly since: Instant
  /** Exclusive. */
  readonly until: Instant
}

/** Rows that are read at a time; others have their turn in between. */
const PAGE = 1_000

/**
 * History priced anew by a draft catalog (AX-22): every charge and settlement of the window, by operation and account,
 * with what it cost and what it would have cost. Refunds are left out of both. What the draft cannot price is named with
 * its count, in no sum, and never counted as 0 (T32). Reads the journal page by page and writes nothing.
 *
 * @throws CreditError `unknown_account`; `invalid_request` for totals that no number tells exactly
 */
export async function whatIf(ledger: Ledger, catalog: Catalog, asked: WhatIfAsked): Promise<WhatIfResult> {
  const versions = await ledger.catalogs()
  const comparison = new Comparison()
  for await (const account of accountsAsked(ledger, asked.accounts)) {
    for await (const row of spentRows(ledger, account, asked)) comparison.add(row, catalog, versions)
  }
  return comparison.result(asked)
}

async function* accountsAsked(ledger: Ledger, accounts: readonly string[] | null): AsyncGenerator<string> {
  if (accounts !== null) {
    for (const account of new Set(accounts)) yield await ledger.read(account, (draft) => draft.account.id)
    return
  }
  for (let after: string | null = null; ; ) {
    const page: readonly Account[] = await ledger.query((store) => store.accounts(after, PAGE))
    for (const { id, isTest } of page) if (!isTest) yield id
    if (page.length < PAGE) return
    after = page.at(-1)?.id ?? null
  }
}

/** Charges and settlements in the order of time, each settlement with the reservation that it ends. */
async function* spentRows(ledger: Ledger, account: string, { since, until }: WhatIfAsked): AsyncGenerator<SpentRow> {
  const { first, last } = await ledger.query((store) => store.sequences(account, { since, until }))
  const reserves = new Map<number, Transaction>()
  for (let after = first - 1; after < last; ) {
    const page = await ledger.query((store) => store.journal(account, after, Math.min(PAGE, last - after)))
    for (const transaction of page) {
      const { kind, sequence, refersTo } = transaction
      if (kind === 'reserve') reserves.set(sequence, transaction)
      if (kind === 'charge') yield { transaction, reserve: null }
      if (kind === 'settle' && refersTo !== null) yield { transaction, reserve: reserves.get(refersTo) ?? (await rowAt(ledger, account, refersTo)) }
      // A reservation that timed out may still be settled late, but is then read again: what is kept stays small.
      if ((kind === 'settle' || kind === 'release') && refersTo !== null) reserves.delete(refersTo)
    }
    if (page.length === 0) return
    after = page.at(-1)?.sequence ?? last
    await nextTurn()
  }
}

async function rowAt(ledger: Ledger, account: string, sequence: number): Promise<Transaction | null> {
  const [found] = await ledger.query((store) => store.journal(account, sequence - 1, 1))
  return found ?? null
}

interface Line {
  readonly account: string
  readonly operation: string
  calls: number
  now: MicroCredits
  then: MicroCredits
}

interface UnpricedLine extends Line {
  readonly variant: string | null
  readonly tool: string | null
  readonly reason: string
}

/** What rows cost and would have cost, summed by account and operation. */
class Comparison {
  readonly #lines = new Map<string, Line>()
  readonly #unpriced = new Map<string, UnpricedLine>()

  add({ transaction, reserve }: SpentRow, catalog: Catalog, versions: readonly CatalogVersion[]): void {
    const { account, variant, tool, credits } = transaction
    const operation = transaction.operation ?? ''
    const anew = priceAnew(catalog, { transaction, reserve }, versions)
    const empty = { account, operation, calls: 0, now: 0n, then: 0n }
    const line =
      anew.kind === 'amount'
        ? entryOf(this.#lines, [account, operation], empty)
        : entryOf(this.#unpriced, [account, operation, variant, tool, anew.reason], { ...empty, variant, tool, reason: anew.reason })
    line.calls += 1
    line.now += credits
    if (anew.kind === 'amount') line.then += anew.amount
  }

  result({ since, until }: WhatIfAsked): WhatIfResult {
    const lines = [...this.#lines.values()].sort(byAccount)
    const [now, then] = [sum(lines, (line) => line.now), sum(lines, (line) => line.then)]
    return {
      period: { since: formatInstant(since), until: formatInstant(until) },
      rows: lines.map((line) => ({ account: line.account, operation: line.operation, calls: line.calls, ...difference(line.now, line.then) })),
      unpriced: [...this.#unpriced.values()].sort(byAccount).map((line) => ({
        account: line.account,
        operation: line.operation,
        variant: line.variant,
        tool: line.tool,
        calls: line.calls,
        creditsNow: totalCredits(line.now),
        reason: line.reason,
      })),
      totalCalls: lines.reduce((calls, line) => calls + line.calls, 0),
      ...difference(now, then),
    }
  }
}

function entryOf<T>(entries: Map<string, T>, key: readonly unknown[], empty: T): T {
  const name = JSON.stringify(key)
  const found = entries.get(name) ?? empty
  entries.set(name, found)
  return found
}

/** Account by account, in each what costs most first. */
function byAccount(a: Line, b: Line): number {
  if (a.account !== b.account) return a.account < b.account ? -1 : 1
  if (a.now !== b.now) return a.now > b.now ? -1 : 1
  return a.operation < b.operation ? -1 : 1
}

function sum(lines: readonly Line[], amountOf: (line: Line) => MicroCredits): MicroCredits {
  return lines.reduce((total, line) => total + amountOf(line), 0n)
}

function difference(now: MicroCredits, then: MicroCredits) {
  return { creditsNow: totalCredits(now), creditsThen: totalCredits(then), difference: totalCredits(then - now) }
}
