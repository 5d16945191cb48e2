import type { Difference } from './catalog/difference.js'
import { type Clock, systemClock } from './clock.js'
import type { Actor } from './decide/command.js'
import * as accounts from './facade/accounts.js'
import { readCatalog } from './facade/catalog-source.js'
import * as catalogs from './facade/catalogs.js'
import type { AppliedCatalog } from './facade/change-catalog.js'
import { type Acting, Desk } from './facade/desk.js'
import * as grants from './facade/grants.js'
import * as guards from './facade/guards.js'
import * as housekeeping from './facade/housekeeping.js'
import type { Input } from './facade/inputs.js'
import { letIn, type LetIn, type PartyAsked } from './facade/let-in.js'
import * as limits from './facade/limits.js'
import { type PricedTools, pricedTools } from './facade/listed-tools.js'
import { openLedger } from './facade/open-ledger.js'
import { readOpenOptions } from './facade/open-options.js'
import * as parties from './facade/parties.js'
import * as plans from './facade/plans.js'
import * as purchases from './facade/purchases.js'
import * as reports from './facade/reports.js'
import * as spending from './facade/spending.js'
import type { ToolPrice } from './facade/tool-prices.js'
import { randomSalt } from './random.js'
import type { Asker, Asking } from './usage/ask-at-client.js'
import { Ledger } from './usage/ledger.js'
import { type MeteredAnswer, type MeteredCall, meteredCall } from './usage/metered-call.js'
import type { ListedSubject, ListedTool } from './usage/price-decorator.js'
import type * as results from './usage/results.js'

export type { Acting, PartyAsked }

/** Somebody whose key was looked at, and the ledger as that key may use it. */
export interface AuthenticatedParty {
  readonly credits: Credits
  /** The key's id. */
  readonly key: string
  /** The account of calls that name none. */
  readonly account: string
  readonly scopes: readonly string[]
  /** What the ledger said of the key: given again as `lastKnown`, it counts while the ledger is away. */
  readonly known: results.AuthenticatedResult
}

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
  const ledger = new Ledger({ store, clock, defaultAccount })
  return new Credits(new Desk(ledger, { account: null, key: null, operatorOf: null, member: null, run: null, holder: 'operator' }))
}

/**
 * The one thing that every door calls. Amounts are credits as numbers of at most six decimals; every write takes an
 * `idempotencyKey` and answers the same again for the same key and input; a refusal rejects with a `CreditError`.
 */
export class Credits {
  readonly #desk: Desk

  /** Made by {@link openCredits}. */
  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** The same ledger for another party: an agent sees and ends only what is its own. */
  as(acting: Partial<Acting>): Credits {
    // Another key is no operator's unless that is said of it.
    const other = acting.key === undefined ? {} : { operatorOf: null }
    return new Credits(new Desk(this.#desk.ledger, { ...this.#desk.party, ...other, ...acting }))
  }

  /**
   * The same ledger for whoever presents the secret of a key: the one rule by which every door lets a key in. A key with
   * `admin` or `operator` acts as an operator, of its account or of all; any other as an agent. The key is looked at now,
   * so that whoever asks again is refused once it is revoked.
   *
   * @throws CreditError `unauthenticated` for no valid key, `forbidden` without the scope asked for, `unknown_account` for a
   *   named account that is not the key's own, `ledger_unavailable`
   */
  async withKey(secret: string, asked: PartyAsked = {}): Promise<AuthenticatedParty> {
    return this.#asParty(await letIn(this.#desk.ledger, () => parties.authenticate(this.#desk, secret), asked))
  }

  /** As {@link withKey}, for whoever an authorization server has named: its key is the one made for this subject. */
  async withSubject(subject: Input<'subject'>, asked: PartyAsked = {}): Promise<AuthenticatedParty> {
    return this.#asParty(await letIn(this.#desk.ledger, () => parties.authenticateSubject(this.#desk, subject), asked))
  }

  #asParty({ acting, known }: LetIn): AuthenticatedParty {
    return { credits: this.as(acting), key: known.key, account: acting.account, scopes: known.scopes, known }
  }

  /** The database in words for people, without secrets. */
  get location(): string {
    return this.#desk.ledger.store.location
  }

  /** What opening the ledger did to its schema: from which version to which; zero is a ledger that was made. */
  get schema(): { readonly from: number; readonly to: number } {
    return this.#desk.ledger.store.schema
  }

  /** Opens an account; its plan's first grant comes with it. Opening the same again answers the account as it is. Not for a key. */
  createAccount(input: Input<'createAccount'>): Promise<results.AccountResult> {
    return accounts.createAccount(this.#desk, input)
  }

  account(input: Input<'account'> = {}): Promise<results.AccountResult> {
    return accounts.account(this.#desk, input)
  }

  /** Every account of the ledger, by id. Not for a key, which is one account's. */
  accounts(): Promise<readonly results.AccountResult[]> {
    return accounts.accounts(this.#desk)
  }

  /** Suspends, resumes (`active`) or closes an account. A suspended one spends nothing; what was admitted is still settled. */
  setAccountState(input: Input<'setState'>): Promise<results.WriteResult> {
    return accounts.setAccountState(this.#desk, input)
  }

  /**
   * Puts an account on a plan: at once where it has no paid one, otherwise at the next renewal with the balance untouched,
   * or, `when` being `now`, with a positive difference of the allowances for the rest of the period.
   */
  subscribe(input: Input<'subscribe'>): Promise<results.WriteResult> {
    return plans.subscribe(this.#desk, input)
  }

  /** Ends the plan with its running period; until then everything stays as it is. */
  cancelSubscription(input: Input<'write'> = {}): Promise<results.WriteResult> {
    return plans.cancelSubscription(this.#desk, input)
  }

  /**
   * Buys a pack: settled at once, or pending until {@link settlePurchase}. Its paid and its bonus part become grants of
   * their own. What is not an operator's buys for itself, where the catalog or the operator shows it packs.
   */
  purchase(input: Input<'purchase'>): Promise<results.PurchaseResult> {
    return purchases.purchase(this.#desk, input)
  }

  /** Says that a pending purchase is paid: its credits are granted now. */
  settlePurchase(input: Input<'byPurchase'>): Promise<results.PurchaseResult> {
    return purchases.settlePurchase(this.#desk, input)
  }

  /** Drops a purchase that was never paid. */
  cancelPurchase(input: Input<'byPurchase'>): Promise<results.PurchaseResult> {
    return purchases.cancelPurchase(this.#desk, input)
  }

  /** Takes the unused credits of a purchase away against the unused share of its price, as the pack's rule allows. */
  refundPurchase(input: Input<'refundPurchase'>): Promise<results.PurchaseRefundResult> {
    return purchases.refundPurchase(this.#desk, input)
  }

  /** The payment history, newest first; pending purchases are in it. */
  purchases(input: Input<'account'> = {}): Promise<readonly results.PaymentResult[]> {
    return purchases.purchases(this.#desk, input)
  }

  packs(input: Input<'account'> = {}): Promise<readonly results.PackResult[]> {
    return purchases.packs(this.#desk, input)
  }

  plans(): Promise<readonly results.PlanResult[]> {
    return purchases.plans(this.#desk)
  }

  /** Shows self-service purchases to an account, or hides them, whatever its catalog says. */
  setSelfService(input: Input<'setSelfService'>): Promise<results.WriteResult> {
    return purchases.setSelfService(this.#desk, input)
  }

  /** So many units of a recurring item from now on: metered to the millisecond, charged at the end of each month. */
  setItem(input: Input<'setItem'>): Promise<results.SetItemResult> {
    return purchases.setItem(this.#desk, input)
  }

  items(input: Input<'account'> = {}): Promise<readonly results.ItemResult[]> {
    return purchases.items(this.#desk, input)
  }

  /** Makes a budget, or changes one without touching what it has counted. A new one counts from now on; {@link budgets} tells what. */
  setBudget(input: Input<'setBudget'>): Promise<results.WrittenBudgetResult> {
    return limits.setBudget(this.#desk, input)
  }

  removeBudget(input: Input<'byId'>): Promise<results.WriteResult> {
    return limits.removeBudget(this.#desk, input)
  }

  /** Raises a budget's limit, a plan's spending cap (`spending_cap`) as well, until an instant or for good. */
  raiseBudget(input: Input<'raiseBudget'>): Promise<results.WrittenBudgetResult> {
    return limits.raiseBudget(this.#desk, input)
  }

  /** Sets a threshold of the balance, to be told of once when it is reached. */
  setAlert(input: Input<'setAlert'>): Promise<results.AlertResult> {
    return limits.setAlert(this.#desk, input)
  }

  removeAlert(input: Input<'byId'>): Promise<results.WriteResult> {
    return limits.removeAlert(this.#desk, input)
  }

  alerts(input: Input<'account'> = {}): Promise<readonly results.AlertResult[]> {
    return limits.alerts(this.#desk, input)
  }

  /** Sets a rule that asks a person about costly calls (`approval`), or stops loops and haste (`runaway`). */
  setGuard(input: Input<'setGuard'>): Promise<results.WrittenGuardResult> {
    return guards.setGuard(this.#desk, input)
  }

  removeGuard(input: Input<'byGuard'>): Promise<results.WriteResult> {
    return guards.removeGuard(this.#desk, input)
  }

  /** Lets go of whatever the runaway guard has stopped. */
  resetGuard(input: Input<'byGuard'>): Promise<results.WrittenGuardResult> {
    return guards.resetGuard(this.#desk, input)
  }

  guards(input: Input<'account'> = {}): Promise<readonly results.GuardResult[]> {
    return guards.guards(this.#desk, input)
  }

  /** Asks people for a higher limit, more credits, or a yes in advance. It gives nothing (AX-16). */
  requestCredits(input: Input<'requestCredits'>): Promise<results.RequestResult> {
    return guards.requestCredits(this.#desk, input)
  }

  /** What waits for a person's answer, newest first; with `all`, what was answered or has lapsed as well. */
  approvals(input: Input<'approvals'> = {}): Promise<readonly results.ApprovalResult[]> {
    return guards.approvals(this.#desk, input)
  }

  /** Says yes: to a call, which may then be made once, or to a request, which is granted in the same write. Not for agents. */
  approve(input: Input<'byId'>): Promise<results.ResolvedApprovalResult> {
    return guards.approve(this.#desk, input)
  }

  /** Says no, or takes back a yes that was not used. */
  deny(input: Input<'byId'>): Promise<results.ResolvedApprovalResult> {
    return guards.deny(this.#desk, input)
  }

  /**
   * Takes the answer of the person who sits at this party's client, to what this party's own call has asked, where the
   * account's guard lets them. Never to be offered to a model: it is not the agent that answers.
   *
   * @throws CreditError `forbidden`, `unknown_approval`, `invalid_request` for what waits no more
   */
  answerAtClient(input: Input<'answerAtClient'>): Promise<results.ResolvedApprovalResult> {
    return guards.answerAtClient(this.#desk, input)
  }

  /**
   * Does some of this party's spending and, where it wants a person's yes, asks the person at the client.
   *
   * @throws CreditError whatever refuses it, its want of a yes included
   */
  asking<T>(asker: Asker, work: () => Promise<T>): Promise<Asking<T>> {
    return guards.asking(this.#desk, asker, work)
  }

  /** What people are to be told, newest first. */
  messages(input: Input<'messages'> = {}): Promise<readonly results.MessageResult[]> {
    return limits.messages(this.#desk, input)
  }

  /** Adds a member to an account, or gives one another role or name. */
  putMember(input: Input<'putMember'>): Promise<results.MemberResult> {
    return parties.putMember(this.#desk, input)
  }

  removeMember(input: Input<'byId'>): Promise<results.WriteResult> {
    return parties.removeMember(this.#desk, input)
  }

  members(input: Input<'account'> = {}): Promise<readonly results.MemberResult[]> {
    return parties.members(this.#desk, input)
  }

  /** Makes a key and shows its secret this once; the ledger keeps a digest. */
  createKey(input: Input<'createKey'> = {}): Promise<results.CreatedKeyResult> {
    return parties.createKey(this.#desk, input)
  }

  /**
   * Carves a key out of what this party may spend (AX-03): with a limit, an end, and no more rights than the party has.
   * Nothing is set aside: what the key spends counts for every key above it, and what it leaves needs no return. The secret
   * is shown this once.
   */
  delegate(input: Input<'delegate'>): Promise<results.DelegatedResult> {
    return parties.delegate(this.#desk, input)
  }

  /** Revokes a key and every key below it, at once and in every process: an operator any, a key those that it delegated and those below them. */
  revokeKey(input: Input<'byId'>): Promise<results.WriteResult> {
    return parties.revokeKey(this.#desk, input)
  }

  keys(input: Input<'account'> = {}): Promise<readonly results.KeyResult[]> {
    return parties.keys(this.#desk, input)
  }

  /** Whose key a secret is and what it may do; null for one that holds no more or never did. */
  authenticate(secret: string): Promise<results.AuthenticatedResult | null> {
    return parties.authenticate(this.#desk, secret)
  }

  /** The key that was made for what an authorization server calls this subject, and what it may do; null for none that holds. */
  authenticateSubject(input: Input<'subject'>): Promise<results.AuthenticatedResult | null> {
    return parties.authenticateSubject(this.#desk, input)
  }

  /** Moves a test account's own time forward: everything that falls due on the way happens. */
  advanceClock(input: Input<'advanceClock'>): Promise<results.ClockResult> {
    return accounts.advanceClock(this.#desk, input)
  }

  /** The zone in which the account's days, weeks and months are counted and shown from now on. */
  setTimeZone(input: Input<'setTimeZone'>): Promise<results.TimeZoneResult> {
    return accounts.setTimeZone(this.#desk, input)
  }

  /** Gives an account credits. Not for agents: they may ask for more, never give it to themselves (AX-16). */
  grant(input: Input<'grant'>): Promise<results.GrantResult> {
    return grants.grant(this.#desk, input)
  }

  /** A signed correction by an operator; never takes the balance below zero. */
  adjust(input: Input<'adjust'>): Promise<results.WriteResult> {
    return grants.adjust(this.#desk, input)
  }

  /** Prices an operation and takes its credits at once, all of them or none; with `quoteId` at the price that it binds. */
  charge(input: Input<'charge'>): Promise<results.ChargeResult> {
    return spending.charge(this.#desk, input)
  }

  /** Sets the highest price of work aside before it starts: of one operation, of `calls` together, or of what a quote has left. */
  reserve(input: Input<'reserve'>): Promise<results.ReserveResult> {
    return spending.reserve(this.#desk, input)
  }

  /** Moves the end of an open reservation to so many seconds from now. */
  extend(input: Input<'extend'>): Promise<results.ExtendResult> {
    return spending.extend(this.#desk, input)
  }

  /** Ends a reservation by charging what was consumed; without a figure, all that was reserved. */
  settle(input: Input<'settle'>): Promise<results.SettleResult> {
    return spending.settle(this.#desk, input)
  }

  /** Ends a reservation without a charge. */
  release(input: Input<'release'>): Promise<results.ReleaseResult> {
    return spending.release(this.#desk, input)
  }

  /** Gives credits of a charge back, all that is left of it unless told, to the grants that paid. */
  refund(input: Input<'refund'>): Promise<results.RefundResult> {
    return spending.refund(this.#desk, input)
  }

  balance(input: Input<'account'> = {}): Promise<results.BalanceResult> {
    return reports.balance(this.#desk, input)
  }

  /** The budgets that bound this account's spending. */
  budgets(input: Input<'account'> = {}): Promise<results.BudgetsResult> {
    return limits.budgets(this.#desk, input)
  }

  /** What an operation, or several calls together, would cost now, and what would stop it; with `quote` its prices bind for a time. Answers whatever the balance. */
  estimate(input: Input<'estimate'>): Promise<results.EstimateResult> {
    return reports.estimate(this.#desk, input)
  }

  usage(input: Input<'usage'> = {}): Promise<results.UsageResult> {
    return reports.usage(this.#desk, input)
  }

  /** The journal, newest first. An agent is not shown what the meter reserves and gives back. */
  transactions(input: Input<'transactions'> = {}): Promise<results.TransactionsResult> {
    return reports.transactions(this.#desk, input)
  }

  /** Why a transaction cost what it cost, or what became of a call by its idempotency key. */
  explain(input: Input<'explain'>): Promise<results.ExplainResult> {
    return reports.explain(this.#desk, input)
  }

  /** How many units of each operation so many credits pay for; without a figure, what can be spent now. */
  afford(input: Input<'afford'> = {}): Promise<results.AffordResult> {
    return reports.afford(this.#desk, input)
  }

  operations(input: Input<'operations'> = {}): Promise<results.OperationsResult> {
    return catalogs.operations(this.#desk, input)
  }

  /** What calls of the upstream tools cost that the catalog names. */
  toolPrices(input: Input<'operations'> = {}): Promise<readonly ToolPrice[]> {
    return catalogs.toolPrices(this.#desk, input)
  }

  /** The catalog in force, as its document. */
  catalog(): Promise<{ readonly version: number; readonly effectiveAt: string; readonly document: object }> {
    return catalogs.catalog(this.#desk)
  }

  /** How a catalog (name, file or document) differs from the one in force. */
  compareCatalog(catalog: string | object): Promise<{ readonly version: number; readonly differences: readonly Difference[] }> {
    return catalogs.compareCatalog(this.#desk, catalog)
  }

  /** Puts a catalog (name, file or document) into force as a new version; a price increase waits for the notice period. Not for a key. */
  applyCatalog(catalog: string | object): Promise<AppliedCatalog> {
    return catalogs.applyCatalog(this.#desk, catalog)
  }

  /** Sets the price of a tool or an operation as a new catalog version. The notice period holds. Not for a key. */
  setPrice(input: { readonly target: string; readonly credits: number | string }): Promise<AppliedCatalog> {
    return catalogs.setPrice(this.#desk, input)
  }

  /** A calendar month of an account, and of those that report to it: opening, lines, closing, and the head of its chain. */
  statement(input: Input<'statement'> = {}): Promise<results.StatementResult> {
    return reports.statement(this.#desk, input)
  }

  /** What real history would have cost by a draft catalog, and what it did cost. Writes nothing. A key asks of its own account. */
  whatIf(catalog: string | object, input: Input<'whatIf'> = {}): Promise<results.WhatIfResult> {
    return reports.whatIf(this.#desk, catalog, input)
  }

  /** Recomputes balances, grants, reservations and the hash chain from the journal; what `doctor` prints. A key asks of its own account. */
  verify(input: Input<'verify'> = {}): Promise<results.VerifyResult> {
    return reports.verify(this.#desk, input)
  }

  /** Meters one call of an upstream tool: price, reserve, run, settle or release. What doors hand to a relay. */
  meter(call: MeteredCall, options: { readonly withoutNotes?: boolean } = {}): Promise<MeteredAnswer> {
    const account = this.#desk.accountOf(undefined)
    const actor: Actor = { ...this.#desk.actorIn(account), holder: 'meter' }
    return meteredCall({ ledger: this.#desk.ledger, account, actor, ...options }, call)
  }

  /** Tools as a server lists them, each with its price. What doors show before a call is metered. */
  pricedTools(tools: readonly ListedTool[], subjectOf: (tool: string) => ListedSubject | undefined = () => undefined): Promise<PricedTools> {
    return pricedTools(this.#desk.ledger, tools, subjectOf)
  }

  /**
   * Writes down what time alone has made necessary, in every account that waits for it. Returns how many there were. An
   * account that cannot be written leaves the others to their turn, or one bad account would end housekeeping for all.
   *
   * @throws the first error, once every account has had its turn; at once when the ledger is away.
   */
  sweep(): Promise<number> {
    return housekeeping.sweep(this.#desk)
  }

  /** One round of preparing usage reports, from the account after `after` on; answers where the next one goes on. */
  rollUp(after: string | null): Promise<string | null> {
    return housekeeping.rollUp(this.#desk, after)
  }

  /** A value that differs once anything in the ledger has changed, whoever changed it. */
  changeMark(): Promise<string> {
    return this.#desk.ledger.query((store) => store.changeMark())
  }

  /** Waits for what is under way and closes the ledger. */
  close(): Promise<void> {
    return this.#desk.ledger.store.close()
  }
}
