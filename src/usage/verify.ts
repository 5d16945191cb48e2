import { CreditError } from '../errors.js'
import { budgetOf } from '../budgets/budget.js'
import type { CounterKey } from '../budgets/counter.js'
import type { Account } from '../ledger/account.js'
import { type AccountRecord, RECORD_KINDS } from '../ledger/account-record.js'
import type { Transaction } from '../ledger/transaction.js'
import { type AccountMoment, isOfReservation, type RelatedRows, WholeAudit } from './account-audit.js'
import type { Ledger } from './ledger.js'
import type { VerifyResult } from './results.js'

export interface VerifyAsked {
  /** Null for every account of the ledger. */
  readonly account: string | null
  /** A head printed earlier: everything up to it must still be what it was. */
  readonly since: string | null
}

type Problem = VerifyResult['problems'][number]

/** A ledger that is broken through and through says so in its first rows; nobody reads a million of them. */
const PROBLEMS_MAX = 100

const PAGE = 1_000

/**
 * Recomputes accounts from their journals, in pages: sequence, chain, entries, sums, grants, reservations, refunds,
 * budgets and what else an account has. Every write that was committed before an account's turn is in it, also while
 * others go on writing. Asked for the whole ledger it also finds rows of accounts that are not there.
 *
 * @throws CreditError `unknown_account`, `ledger_unavailable`
 */
export async function verify(ledger: Ledger, asked: VerifyAsked): Promise<VerifyResult> {
  const since = asked.since?.trim().toLowerCase() ?? null
  const problems: Problem[] = []
  const heads: string[] = []
  let transactions = 0
  let isSinceFound = since === null
  for await (const account of accountsAsked(ledger, asked.account)) {
    const audited = await auditOrTell(ledger, account, since)
    problems.push(...audited.problems)
    heads.push(audited.head)
    transactions += audited.transactions
    isSinceFound ||= audited.isSinceFound
    if (problems.length >= PROBLEMS_MAX) break
  }
  if (asked.account === null) problems.push(...(await orphanProblems(ledger)))
  if (!isSinceFound && problems.length < PROBLEMS_MAX) {
    const message = 'no chain contains this head any more: what came before it was rewritten or cut'
    problems.push({ account: asked.account ?? '*', row: since ?? '', invariant: 'chain', message })
  }
  return {
    ok: problems.length === 0,
    problems: problems.slice(0, PROBLEMS_MAX),
    head: heads.length === 1 ? (heads[0] as string) : null,
    accounts: heads.length,
    transactions,
  }
}

async function* accountsAsked(ledger: Ledger, account: string | null): AsyncGenerator<string> {
  if (account !== null) return yield await ledger.read(account, (draft) => draft.account.id)
  for (let after: string | null = null; ; ) {
    const page: readonly Account[] = await ledger.query((store) => store.accounts(after, PAGE))
    for (const { id } of page) yield id
    after = page.at(-1)?.id ?? null
    if (after === null || page.length < PAGE) return
  }
}

interface Audited {
  readonly problems: readonly Problem[]
  readonly head: string
  readonly transactions: number
  readonly isSinceFound: boolean
}

/** A statement prints the head of what is due by then as well, which the next write makes just so. */
async function isHeadToCome(ledger: Ledger, id: string, since: string | null): Promise<boolean> {
  return ledger.read(id, (_, due) => due.some(({ hash }) => hash === since))
}

/** Rows that cannot even be read, or contradict each other so that no rule holds, are what is looked for, and no reason to stop. */
async function auditOrTell(ledger: Ledger, id: string, since: string | null): Promise<Audited> {
  try {
    return await auditAccount(ledger, id, since)
  } catch (error) {
    if (error instanceof CreditError) throw error
    const message = `a row of the account cannot be read: ${error instanceof Error ? error.message : String(error)}`
    return { problems: [{ account: id, row: id, invariant: 'rows', message }], head: '', transactions: 0, isSinceFound: false }
  }
}

async function auditAccount(ledger: Ledger, id: string, since: string | null): Promise<Audited> {
  const moment = await momentOf(ledger, id)
  const { account } = moment
  const audit = new WholeAudit(moment, await recordsOf(ledger, id))
  const grants = new RowsBySequence((after) => ledger.query((store) => store.grants(id, after, PAGE)))
  const reservations = new RowsBySequence((after) => ledger.query((store) => store.reservations(id, after, PAGE)))
  let isSinceFound = since === null || audit.head === since
  let sequence = 0
  while (sequence < account.sequence && audit.findings.length < PROBLEMS_MAX) {
    const page = await ledger.query((store) => store.journal(id, sequence, Math.min(PAGE, account.sequence - sequence)))
    for (const transaction of page) {
      audit.add(transaction, {
        grant: await grants.at(transaction.sequence),
        reservation: await reservations.at(transaction.sequence),
        ...(await refundedBy(ledger, transaction)),
      })
      isSinceFound ||= audit.head === since
    }
    if (page.length === 0) break
    sequence = page.at(-1)?.sequence ?? account.sequence
  }
  if (audit.findings.length < PROBLEMS_MAX) audit.finish(await absentCounters(ledger, moment, audit.missingCounters))
  const strays = [...grants.strays, ...reservations.strays].map((row) => ({
    row,
    invariant: 'rows' as const,
    message: 'no transaction of the journal made this row',
  }))
  return {
    problems: [...audit.findings, ...strays].map((finding) => ({ account: id, ...finding })),
    head: audit.head,
    transactions: sequence,
    isSinceFound: isSinceFound || (await isHeadToCome(ledger, id, since)),
  }
}

/** The account's row with what it counts, as it stands, at one moment, nothing due decided. */
async function momentOf(ledger: Ledger, id: string): Promise<AccountMoment> {
  const keys = await counterKeys(ledger, id)
  const moment = await ledger.query((store) =>
    store.read(id, BEFORE_ANYTHING_DUE, ({ view, account }) => ({
      account: view.account ?? account,
      openGrants: view.openGrants(ALL),
      // From the rows themselves, whatever the account says that it has of them.
      open: { budget: view.records('budget'), alert: view.records('alert'), purchase: view.records('purchase'), item: view.records('item') },
      counters: keys.length === 0 ? [] : view.counters(keys).filter((counter) => counter !== null),
      catalogs: view.catalogs,
    })),
  )
  if (moment !== null) return moment
  throw new CreditError('unknown_account', `There is no account ${JSON.stringify(id)}`)
}

/** A read as of the account's last transaction: all that was due by then was decided in the write that made it. */
const BEFORE_ANYTHING_DUE = 0

const ALL = Number.MAX_SAFE_INTEGER

async function counterKeys(ledger: Ledger, account: string): Promise<readonly CounterKey[]> {
  const open = await ledger.query((store) => store.records({ account, kind: 'budget', isOpen: true, limit: ALL }))
  const keys: CounterKey[] = []
  for (const { id } of open) {
    const counters = await ledger.query((store) => store.counters(account, id, ALL))
    for (const { budget, subject } of counters) keys.push({ budget, subject })
  }
  return keys
}

/** Counters are listed before the account is read; what came in between is there when it is looked for. */
async function absentCounters(ledger: Ledger, { account, open }: AccountMoment, keys: readonly CounterKey[]): Promise<readonly CounterKey[]> {
  if (keys.length === 0) return []
  const origins = new Map(open.budget.map((record) => [record.id, budgetOf(record).origin]))
  const found = await ledger.query((store) => store.read(account.id, BEFORE_ANYTHING_DUE, ({ view }) => view.counters(keys)))
  return keys.filter(({ budget }, index) => {
    const counter = found?.[index] ?? null
    return counter === null || counter.origin < (origins.get(budget) ?? 0)
  })
}

/** Every record but messages, which the journal does not tell of. */
async function recordsOf(ledger: Ledger, account: string): Promise<readonly AccountRecord[]> {
  const records: AccountRecord[] = []
  for (const kind of RECORD_KINDS) {
    if (kind === 'message') continue
    let before: AccountRecord | undefined
    for (;;) {
      const last = before
      const page = await ledger.query((store) => store.records({ account, kind, ...(last === undefined ? {} : { before: last }), limit: PAGE }))
      records.push(...page)
      before = page.at(-1)
      if (page.length < PAGE) break
    }
  }
  return records
}

async function refundedBy(ledger: Ledger, { account, kind, refersTo }: Transaction): Promise<Pick<RelatedRows, 'refunded' | 'refundedReserve'>> {
  const refunded = kind === 'refund' && refersTo !== null ? await transactionOf(ledger, account, refersTo) : null
  return { refunded, refundedReserve: isOfReservation(refunded) ? await transactionOf(ledger, account, refunded.refersTo) : null }
}

async function transactionOf(ledger: Ledger, account: string, sequence: number): Promise<Transaction | null> {
  const [found] = await ledger.query((store) => store.journal(account, sequence - 1, 1))
  return found?.sequence === sequence ? found : null
}

/** Rows that belong to nobody: no journal is there to tell of them. */
async function orphanProblems(ledger: Ledger): Promise<readonly Problem[]> {
  const orphans = await ledger.query((store) => store.orphans(PROBLEMS_MAX))
  return orphans.map(({ account, table }) => ({ account, row: account, invariant: 'rows', message: `there are ${table} of it, and there is no such account` }))
}

interface Row {
  readonly id: string
  readonly sequence: number
}

/** Walks through rows beside the journal: both are in the order of sequence, so one page of each is enough. */
class RowsBySequence<T extends Row> {
  readonly #load: (after: number) => Promise<readonly T[]>
  #page: readonly T[] = []
  #next = 0
  #isLast = false
  /** Rows that were passed over because the journal has no transaction of their sequence. */
  readonly strays: string[] = []

  constructor(load: (after: number) => Promise<readonly T[]>) {
    this.#load = load
  }

  /** The row of this sequence, null if there is none. Asked for in ascending order. */
  async at(sequence: number): Promise<T | null> {
    for (;;) {
      const row = this.#page[this.#next]
      if (row === undefined) {
        if (this.#isLast) return null
        await this.#loadNext()
        continue
      }
      if (row.sequence > sequence) return null
      this.#next += 1
      if (row.sequence === sequence) return row
      if (this.strays.length < PROBLEMS_MAX) this.strays.push(row.id)
    }
  }

  async #loadNext(): Promise<void> {
    const after = this.#page.at(-1)?.sequence ?? 0
    this.#page = await this.#load(after)
    this.#next = 0
    this.#isLast = this.#page.length < PAGE
  }
}
