import { type Difference, difference } from './catalog/difference.js'
import { type Clock, systemClock } from './clock.js'
import type { Actor, Command, CommandOf } from './decide/command.js'
import type { Done } from './decide/outcome.js'
import { CreditError } from './errors.js'
import { readCatalog } from './facade/catalog-source.js'
import { applyCatalog, type AppliedCatalog, setPrice } from './facade/change-catalog.js'
import { actualOf, subjectOf } from './facade/consumption.js'
import { type Input, inputs } from './facade/inputs.js'
import { openLedger } from './facade/open-ledger.js'
import { readOpenOptions } from './facade/open-options.js'
import { fingerprintOf, readAmount, readInput, readInstant, readTimeZone } from './facade/read-input.js'
import { toolPrices, type ToolPrice } from './facade/tool-prices.js'
import { PRIORITY_ALLOWANCE, PRIORITY_DEFAULT } from './ledger/grant.js'
import type { Holder } from './ledger/reservation.js'
import { RESERVATION_DEFAULT_MS } from './ledger/reservation.js'
import { parseCredits, parsePositiveCredits, parseSignedCredits } from './money/credits.js'
import { formatInstant } from './time/instant.js'
import { randomSalt } from './random.js'
import { afford } from './usage/afford.js'
import { readBalance } from './usage/balance.js'
import { estimate } from './usage/estimate.js'
import { explain } from './usage/explain.js'
import { history } from './usage/history.js'
import { Ledger } from './usage/ledger.js'
import { meteredCall, type MeteredCall, type MeteredAnswer } from './usage/metered-call.js'
import { listOperations } from './usage/operations.js'
import { usageReport } from './usage/report.js'
import type * as results from './usage/results.js'
import { verify } from './usage/verify.js'
import {
  accountResult,
  chargeResult,
  extendResult,
  grantResult,
  refundResult,
  releaseResult,
  reserveResult,
  settleResult,
  writeResult,
} from './usage/write-results.js'

export interface OpenOptions {
  /** A file, `:memory:`, or a `postgres://` address. */
  readonly database: string
  /** A bundled catalog's name, a file (JSON or YAML), or the document itself. Left out: the ledger's own, `starter` in a new one. */
  readonly catalog?: string | object
  readonly clock?: Clock
  /** An account that the first call makes if it is not there. */
  readonly defaultAccount?: { readonly id: string; readonly plan?: string; readonly timeZone?: string }
}

/**
 * Opens a ledger, making it where there is none, and its catalog.
 *
 * @throws CreditError `invalid_request` for options that are none, `catalog_invalid` (also when the ledger has another
 * catalog in force), `schema_too_new`, `ledger_unavailable`
 */
export async function openCredits(options: OpenOptions): Promise<Credits> {
  const { database, catalog: source, clock = systemClock, defaultAccount: made } = readOpenOptions(options)
  const catalog = source === undefined ? null : await readCatalog(source)
  const store = await openLedger(database, catalog, clock)
  const defaultAccount =
    made === undefined ? null : { id: made.id, plan: made.plan ?? null, timeZone: made.timeZone ?? 'UTC', labelSalt: randomSalt }
  return new Credits(new Ledger({ store, clock, defaultAccount }), { account: null, key: null, member: null, holder: 'operator' })
}

/** On whose behalf a {@link Credits} acts. */
export interface Acting {
  /** The account of calls that name none. */
  readonly account?: string | null
  readonly holder?: Holder
  readonly key?: string | null
  readonly member?: string | null
}

type Party = Required<Acting>

/**
 * The one thing that every door calls. Amounts are credits as numbers of at most six decimals; every write takes an
 * `idempotencyKey` and answers the same again for the same key and input; a refusal rejects with a `CreditError`.
 */
export class Credits {
  readonly #ledger: Ledger
  readonly #party: Party

  /** Made by {@link openCredits}. */
  constructor(ledger: Ledger, party: Party) {
    this.#ledger = ledger
    this.#party = party
  }

  /** The same ledger for another party: an agent sees and ends only what is its own. */
  as(acting: Acting): Credits {
    return new Credits(this.#ledger, { ...this.#party, ...acting })
  }

  /** The database in words for people, without secrets. */
  get location(): string {
    return this.#ledger.store.location
  }

  /** What opening the ledger did to its schema: from which version to which; zero is a ledger that was made. */
  get schema(): { readonly from: number; readonly to: number } {
    return this.#ledger.store.schema
  }

  /** Opens an account; its plan's first grant comes with it. Opening the same again answers the account as it is. */
  async createAccount(input: Input<'createAccount'>): Promise<results.AccountResult> {
    const { id, plan = null, timeZone, parent = null, test, debtLimit, idempotencyKey } = readInput(inputs.createAccount, input)
    if (parent !== null) await this.#seeParent(parent, test)
    const settings = {
      id,
      timeZone: readTimeZone(timeZone),
      parent,
      isTest: test,
      debtMax: debtLimit === undefined ? 0n : readAmount(parseCredits, debtLimit, 'debtLimit'),
      labelSalt: randomSalt(),
    }
    return accountResult(await this.#write('create_account', { account: id, idempotencyKey }, { settings, plan }))
  }

  /** A parent is there already, and a test account never reports to a live one. @throws CreditError `unknown_account`, `invalid_request` */
  async #seeParent(parent: string, isTest: boolean): Promise<void> {
    const isParentTest = await this.#ledger.read(parent, ({ account }) => account.isTest)
    if (isParentTest !== isTest) throw new CreditError('invalid_request', 'A test account has a test account as its parent, and a live one a live one')
  }

  async account(input: Input<'account'> = {}): Promise<results.AccountResult> {
    const { account } = readInput(inputs.account, input)
    return this.#ledger.read(this.#accountOf(account), (draft) => accountResult({ account: draft.account, replayed: false }))
  }

  /** Every account of the ledger, by id. */
  async accounts(): Promise<readonly results.AccountResult[]> {
    const accounts = await this.#ledger.query((store) => store.accounts(null, ACCOUNTS_MAX))
    return accounts.map((account) => accountResult({ account, replayed: false }))
  }

  /** Suspends, resumes (`active`) or closes an account. A suspended one spends nothing; what was admitted is still settled. */
  async setAccountState(input: Input<'setState'>): Promise<results.WriteResult> {
    const asked = readInput(inputs.setState, input)
    return writeResult(await this.#write('set_state', asked, { state: asked.state, reason: asked.reason ?? null }))
  }

  async subscribe(input: Input<'subscribe'>): Promise<results.WriteResult> {
    const asked = readInput(inputs.subscribe, input)
    return writeResult(await this.#write('subscribe', asked, { plan: asked.plan }))
  }

  /** Gives an account credits. Not for agents: they may ask for more, never give it to themselves (AX-16). */
  async grant(input: Input<'grant'>): Promise<results.GrantResult> {
    const asked = readInput(inputs.grant, input)
    return grantResult(
      await this.#write('grant', asked, {
        amount: readAmount(parsePositiveCredits, asked.credits, 'credits'),
        source: asked.source,
        priority: asked.priority ?? (asked.source === 'allowance' ? PRIORITY_ALLOWANCE : PRIORITY_DEFAULT),
        isPaid: asked.paid,
        effectiveAt: readInstant(asked.effectiveAt, 'effectiveAt'),
        expiresAt: readInstant(asked.expiresAt, 'expiresAt'),
        reason: asked.reason ?? null,
      }),
    )
  }

  /** A signed correction by an operator; never takes the balance below zero. */
  async adjust(input: Input<'adjust'>): Promise<results.WriteResult> {
    const asked = readInput(inputs.adjust, input)
    const amount = readAmount(parseSignedCredits, asked.credits, 'credits')
    return writeResult(await this.#write('adjust', asked, { amount, reason: asked.reason ?? null }))
  }

  /** Prices an operation and takes its credits at once, all of them or none. */
  async charge(input: Input<'charge'>): Promise<results.ChargeResult> {
    const asked = readInput(inputs.charge, input)
    return chargeResult(await this.#write('charge', asked, { subject: subjectOf(asked), labels: asked.labels ?? null }))
  }

  /** Sets the highest price of work aside before it starts. */
  async reserve(input: Input<'reserve'>): Promise<results.ReserveResult> {
    const asked = readInput(inputs.reserve, input)
    return reserveResult(
      await this.#write('reserve', asked, {
        subject: subjectOf(asked),
        labels: asked.labels ?? null,
        ttlMs: asked.ttlSeconds === undefined ? RESERVATION_DEFAULT_MS : Math.ceil(asked.ttlSeconds * 1_000),
        overrun: asked.overrun,
        call: null,
      }),
    )
  }

  /** Moves the end of an open reservation to so many seconds from now. */
  async extend(input: Input<'extend'>): Promise<results.ExtendResult> {
    const asked = readInput(inputs.extend, input)
    const ttlMs = Math.ceil(asked.ttlSeconds * 1_000)
    return extendResult(await this.#write('extend', asked, { reservation: asked.reservation, ttlMs, isHeartbeat: false }))
  }

  /** Ends a reservation by charging what was consumed; without a figure, all that was reserved. */
  async settle(input: Input<'settle'>): Promise<results.SettleResult> {
    const asked = readInput(inputs.settle, input)
    const facts = { reservation: asked.reservation, actual: actualOf(asked), fault: asked.fault ?? null }
    return settleResult(await this.#write('settle', asked, facts))
  }

  /** Ends a reservation without a charge. */
  async release(input: Input<'release'>): Promise<results.ReleaseResult> {
    const asked = readInput(inputs.release, input)
    return releaseResult(await this.#write('release', asked, { reservation: asked.reservation, fault: asked.fault ?? null }))
  }

  /** Gives credits of a charge back, all that is left of it unless told, to the grants that paid. */
  async refund(input: Input<'refund'>): Promise<results.RefundResult> {
    const asked = readInput(inputs.refund, input)
    const amount = asked.credits === undefined ? null : readAmount(parsePositiveCredits, asked.credits, 'credits')
    return refundResult(await this.#write('refund', asked, { transaction: asked.transaction, amount, reason: asked.reason ?? null }))
  }

  async balance(input: Input<'account'> = {}): Promise<results.BalanceResult> {
    const { account } = readInput(inputs.account, input)
    return readBalance(this.#ledger, this.#accountOf(account), { withoutMeter: this.#party.holder === 'agent' })
  }

  /** The budgets that bound this account's spending. */
  async budgets(input: Input<'account'> = {}): Promise<results.BudgetsResult> {
    const { account } = readInput(inputs.account, input)
    return this.#ledger.read(this.#accountOf(account), () => ({ budgets: [], tightest: null, run: null }))
  }

  /** What an operation, or several calls together, would cost now, and what would stop it. Answers whatever the balance. */
  async estimate(input: Input<'estimate'>): Promise<results.EstimateResult> {
    const asked = readInput(inputs.estimate, input)
    const calls = asked.calls ?? [asked]
    return estimate(this.#ledger, this.#accountOf(asked.account), calls.map(subjectOf))
  }

  async usage(input: Input<'usage'> = {}): Promise<results.UsageResult> {
    const asked = readInput(inputs.usage, input)
    return usageReport(this.#ledger, {
      account: this.#accountOf(asked.account),
      since: readInstant(asked.since, 'since'),
      until: readInstant(asked.until, 'until'),
      groupBy: asked.groupBy,
      timeZone: asked.timeZone === undefined ? null : readTimeZone(asked.timeZone),
      label: asked.label ?? null,
    })
  }

  /** The journal, newest first. An agent is not shown what the meter reserves and gives back. */
  async transactions(input: Input<'transactions'> = {}): Promise<results.TransactionsResult> {
    const asked = readInput(inputs.transactions, input)
    return history(this.#ledger, {
      account: this.#accountOf(asked.account),
      type: asked.type ?? null,
      operation: asked.operation ?? null,
      label: asked.label ?? null,
      since: readInstant(asked.since, 'since'),
      until: readInstant(asked.until, 'until'),
      limit: asked.limit,
      cursor: asked.cursor ?? null,
      withoutMeter: this.#party.holder === 'agent',
    })
  }

  /** Why a transaction cost what it cost, or what became of a call by its idempotency key. */
  async explain(input: Input<'explain'>): Promise<results.ExplainResult> {
    const asked = readInput(inputs.explain, input)
    const by = asked.transaction === undefined ? { key: asked.idempotencyKey as string } : { transaction: asked.transaction }
    return explain(this.#ledger, this.#accountOf(asked.account), by)
  }

  /** How many units of each operation so many credits pay for; without a figure, what can be spent now. */
  async afford(input: Input<'afford'> = {}): Promise<results.AffordResult> {
    const asked = readInput(inputs.afford, input)
    const credits = asked.credits === undefined ? null : readAmount(parseCredits, asked.credits, 'credits')
    return afford(this.#ledger, this.#accountOf(asked.account), { credits, category: asked.category ?? null })
  }

  async operations(input: Input<'operations'> = {}): Promise<results.OperationsResult> {
    const asked = readInput(inputs.operations, input)
    return listOperations(this.#ledger, { category: asked.category ?? null, search: asked.search ?? null })
  }

  /** What calls of the upstream tools cost that the catalog names. */
  async toolPrices(input: Input<'operations'> = {}): Promise<readonly ToolPrice[]> {
    const asked = readInput(inputs.operations, input)
    return toolPrices(this.#ledger, { category: asked.category ?? null, search: asked.search ?? null })
  }

  /** The catalog in force, as its document. */
  async catalog(): Promise<{ readonly version: number; readonly effectiveAt: string; readonly document: object }> {
    const { version, catalog } = await this.#ledger.catalog()
    return { version: version.version, effectiveAt: formatInstant(version.effectiveAt), document: JSON.parse(catalog.source) as object }
  }

  /** How a catalog (name, file or document) differs from the one in force. */
  async compareCatalog(catalog: string | object): Promise<{ readonly version: number; readonly differences: readonly Difference[] }> {
    const given = await readCatalog(catalog)
    const { version, catalog: live } = await this.#ledger.catalog()
    return { version: version.version, differences: difference(live, given) }
  }

  /** Puts a catalog (name, file or document) into force as a new version; a price increase waits for the notice period. */
  async applyCatalog(catalog: string | object): Promise<AppliedCatalog> {
    return applyCatalog(this.#ledger, await readCatalog(catalog))
  }

  /** Sets the price of a tool or an operation as a new catalog version. The notice period holds. */
  async setPrice(input: { readonly target: string; readonly credits: number | string }): Promise<AppliedCatalog> {
    return setPrice(this.#ledger, input)
  }

  /** Recomputes balances, grants, reservations and the hash chain from the journal; what `doctor` prints. */
  async verify(input: Input<'verify'> = {}): Promise<results.VerifyResult> {
    const asked = readInput(inputs.verify, input)
    return verify(this.#ledger, { account: asked.account ?? null, since: asked.since ?? null })
  }

  /** Meters one call of an upstream tool: price, reserve, run, settle or release. What doors hand to a relay. */
  meter(call: MeteredCall, options: { readonly withoutNotes?: boolean } = {}): Promise<MeteredAnswer> {
    const { key, member } = this.#party
    const actor: Actor = { key, member, holder: 'meter' }
    return meteredCall({ ledger: this.#ledger, account: this.#accountOf(undefined), actor, ...options }, call)
  }

  /**
   * Writes down what time alone has made necessary, in every account that waits for it. Returns how many there were. An
   * account that cannot be written leaves the others to their turn, or one bad account would end housekeeping for all.
   *
   * @throws the first error, once every account has had its turn; at once when the ledger is away.
   */
  async sweep(): Promise<number> {
    const due = await this.#ledger.query((store) => store.dueAccounts(this.#ledger.now(), SWEEP_MAX))
    const errors: unknown[] = []
    for (const account of due) {
      try {
        await this.#write('sweep', { account }, {})
      } catch (error) {
        errors.push(error)
        if (error instanceof CreditError && error.code === 'ledger_unavailable') break
      }
    }
    if (errors.length > 0) throw errors[0]
    return due.length
  }

  /** A value that differs once anything in the ledger has changed, whoever changed it. */
  changeMark(): Promise<string> {
    return this.#ledger.query((store) => store.changeMark())
  }

  /** Waits for what is under way and closes the ledger. */
  close(): Promise<void> {
    return this.#ledger.store.close()
  }

  #accountOf(account: string | undefined): string {
    const id = account ?? this.#party.account
    if (id !== null) return id
    throw new CreditError('invalid_request', 'account: expected the id of an account', { details: { field: 'account' } })
  }

  #write<K extends Command['kind']>(
    kind: K,
    asked: { readonly account?: string | undefined; readonly idempotencyKey?: string | undefined },
    facts: Omit<CommandOf<K>, 'kind' | 'account' | 'actor' | 'idempotencyKey' | 'fingerprint'>,
  ): Promise<Done> {
    const { key, member, holder } = this.#party
    const actor: Actor = { key, member, holder }
    const idempotencyKey = asked.idempotencyKey ?? null
    const fingerprint = idempotencyKey === null ? null : fingerprintOf(kind, facts)
    const command = { kind, account: this.#accountOf(asked.account), actor, idempotencyKey, fingerprint, ...facts }
    return this.#ledger.update(command as unknown as Command)
  }
}

/** Bounds a list that is for people; a ledger with more accounts is asked account by account. */
const ACCOUNTS_MAX = 10_000

/** Accounts that one sweep takes; what is left waits for the next, or for its own next call. */
const SWEEP_MAX = 1_000
