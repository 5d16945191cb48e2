import { actualOfToolResult } from '../catalog/map-tool.js'
import { priceActual, pricedFromJson } from '../catalog/quote-price.js'
import type { CatalogVersion } from '../catalog/version.js'
import { type Actual, type Command, type CommandOf, type Fault, FAULTS } from '../decide/command.js'
import { isFaultPaid } from '../decide/fault.js'
import type { Done } from '../decide/outcome.js'
import { CreditError } from '../errors.js'
import { type Reservation, RESERVATION_MAX_MS } from '../ledger/reservation.js'
import { type Transaction, transactionId } from '../ledger/transaction.js'
import { beat } from './heartbeat.js'
import type { MeterContext, MeteredCall, RunOutcome } from './metered-call.js'

/** How long the meter's reservation outlives the last sign of life of the process that made it. */
export const METER_TTL_MS = 60_000
const HEARTBEAT_MS = 20_000

/** How often it is tried to give back what could not be given back because the ledger was away. */
const GIVE_BACK_MS = 1_000

type Ended = Exclude<RunOutcome, { readonly kind: 'task' }>

/** A server says by this member of a failed result's `_meta` whose fault it was; the provider's, where it says nothing. */
export const FAULT_META = 'io.github.mcp-credits/fault'

/** What becomes of a reservation: charged, ended by the rule on whose fault it was, or given back because nothing began. */
type Ending =
  | ({ readonly kind: 'settle' } & Consumed)
  | { readonly kind: 'fail'; readonly fault: Fault }
  | { readonly kind: 'release' }

/** What of a call tells what it cost. */
type PricedCall = Pick<MeteredCall, 'tool' | 'subject' | 'consumed' | 'report'>

/** What a call consumed, and whether that is the word of a server that is somebody else's. */
interface Consumed {
  readonly actual: Actual
  readonly isHearsay: boolean
}

/** No figure: all that was reserved is charged. */
const AS_RESERVED: Actual = {}
const NOTHING_SAID: Consumed = { actual: AS_RESERVED, isHearsay: false }

/** The reservation of one metered call, kept alive while the call runs and ended once. */
export class HeldCall {
  readonly #context: MeterContext
  readonly #call: PricedCall
  readonly #reservation: Reservation
  /** What was charged because its day was over, before anybody knew how the call would end. */
  #chargedUnseen: Done | null = null

  constructor(context: MeterContext, call: PricedCall, reservation: Reservation) {
    this.#context = context
    this.#call = call
    this.#reservation = reservation
  }

  /**
   * Shows signs of life until stopped. No reservation lives longer than a day: a task whose end nobody asks for is then
   * charged as reserved, because its work was started.
   */
  keepAlive(): () => void {
    const until = this.#reservation.openedAt + RESERVATION_MAX_MS
    const stop = beat(HEARTBEAT_MS, async () => {
      if (this.#context.ledger.now() < until) return this.#update('extend', { ttlMs: METER_TTL_MS, isHeartbeat: true })
      stop()
      this.#chargedUnseen = await this.#settle(NOTHING_SAID)
      return this.#chargedUnseen
    })
    return stop
  }

  /**
   * Ends the reservation as the call ended. Returns what was charged; null where nothing was, or where it was ended
   * before and its day is over.
   */
  async end(outcome: Ended): Promise<Done | null> {
    const ending = await endingOf(outcome, { call: this.#call, reservation: this.#reservation, versions: this.#context.ledger.knownCatalogs })
    if (ending.kind === 'settle') return this.#settle(ending)
    if (ending.kind === 'fail') return this.fail(ending.fault)
    await this.#ended(this.#release())
    return null
  }

  /**
   * Ends it as a failure, which gives back what was reserved unless its operation says that this fault is paid (ND-16):
   * then it returns what was charged. One that meanwhile timed out has given it back already, and what was charged because
   * its day was over is refunded (T06).
   */
  async fail(fault: Fault): Promise<Done | null> {
    const charged = this.#chargedUnseen?.transaction ?? null
    if (charged !== null) return this.#giveBack(charged, fault)
    const done = await this.#ended(this.#update('settle', { actual: AS_RESERVED, fault }))
    return done?.transaction?.kind === 'settle' ? done : null
  }

  async #giveBack(charged: Transaction, fault: Fault): Promise<null> {
    const { ledger, account, actor } = this.#context
    if (isFaultPaid(ledger.knownCatalogs, this.#reservation, fault)) return null
    const refund = { kind: 'refund', account, actor, transaction: transactionId(charged), amount: null, reason: `failed: ${fault}` } as const
    await ledger.update({ ...refund, idempotencyKey: null, fingerprint: null }).catch(unless('refund_not_allowed', 'ledger_unavailable'))
    return null
  }

  /** What ends the reservation, or null where it has ended. Where the ledger is away it is given back later. */
  #ended(ending: Promise<Done>): Promise<Done | null> {
    return ending.catch(unless('reservation_not_open')).catch((error: unknown) => {
      unless('ledger_unavailable')(error)
      this.#releaseLater()
      return null
    })
  }

  /**
   * Gives it back as soon as the ledger is there, for as long as it lives: it would end by itself, but until then its call
   * is taken to be running, and nobody can make it again under its key.
   */
  #releaseLater(): void {
    let tries = METER_TTL_MS / GIVE_BACK_MS
    let isUnderWay = false
    const stop = beat(GIVE_BACK_MS, async () => {
      tries -= 1
      if (tries === 0) stop()
      if (isUnderWay) return
      isUnderWay = true
      await this.#release()
        .catch(unless('reservation_not_open'))
        .finally(() => (isUnderWay = false))
      stop()
    })
  }

  #release(): Promise<Done> {
    return this.#update('release', { fault: null })
  }

  #settle({ actual, isHearsay }: Consumed): Promise<Done | null> {
    return this.#update('settle', { actual, fault: null, ...(isHearsay ? { isHearsay } : {}) }).catch(unless('reservation_not_open'))
  }

  #update<K extends 'settle' | 'release' | 'extend'>(
    kind: K,
    facts: Omit<CommandOf<K>, 'kind' | 'account' | 'actor' | 'idempotencyKey' | 'fingerprint' | 'reservation'>,
  ): Promise<Done> {
    const { ledger, account, actor } = this.#context
    const addressed = { kind, account, actor, idempotencyKey: null, fingerprint: null, reservation: this.#reservation.id }
    return ledger.update({ ...addressed, ...facts } as unknown as Command)
  }
}

interface Priced {
  readonly call: PricedCall
  readonly reservation: Reservation
  readonly versions: readonly CatalogVersion[]
}

/** A failure is somebody's fault, which decides what it costs; what was started and its client left alone is charged (T33). */
async function endingOf(outcome: Ended, priced: Priced): Promise<Ending> {
  switch (outcome.kind) {
    case 'result':
      return outcome.result['isError'] === true
        ? { kind: 'fail', fault: reportedFault(outcome.result) }
        : { kind: 'settle', ...(await consumedBy(outcome.result, priced)) }
    case 'ended':
      if (!outcome.started) return { kind: 'release' }
      return outcome.by === 'stopped' ? { kind: 'fail', fault: 'platform' } : { kind: 'settle', ...NOTHING_SAID }
    case 'input_required':
      return { kind: 'release' }
    case 'error':
      return { kind: 'fail', fault: 'provider' }
  }
}

function reportedFault({ _meta: meta }: Readonly<Record<string, unknown>>): Fault {
  const told = typeof meta === 'object' && meta !== null ? (meta as Readonly<Record<string, unknown>>)[FAULT_META] : undefined
  return FAULTS.find((fault) => fault === told) ?? 'provider'
}

/**
 * What a call consumed, as its own server says or as the catalog reads it from the result, at the price that the call was
 * reserved at. Where nothing is said, or something that has no price, it costs what was reserved: charging nothing would be
 * free work, and refusing to settle would throw finished work away.
 */
async function consumedBy(result: Readonly<Record<string, unknown>>, priced: Priced): Promise<Consumed> {
  const { call, reservation } = priced
  const said = (await call.consumed?.(result)) ?? null
  const actual = said ?? readFrom(result, priced)
  if (actual === AS_RESERVED) return NOTHING_SAID
  const cost = priceActual(pricedFromJson(reservation.price), actual)
  if (cost.kind === 'amount') return { actual, isHearsay: said === null }
  if (said !== null) call.report?.(cost.message)
  return NOTHING_SAID
}

/** A call that its own server prices has nothing to do with the catalog's mapping of its tool. */
function readFrom(result: Readonly<Record<string, unknown>>, { call: { tool, subject }, reservation, versions }: Priced): Actual {
  if (subject !== undefined) return AS_RESERVED
  const version = versions.find((one) => one.version === reservation.priceVersion)
  const told = actualOfToolResult(version?.catalog.tools[tool], { tool, result })
  return told.kind === 'actual' ? told.actual : AS_RESERVED
}

/** Lets the refusals pass that only say that it is over. */
function unless(...codes: readonly CreditError['code'][]): (error: unknown) => null {
  return (error) => {
    if (error instanceof CreditError && codes.includes(error.code)) return null
    throw error
  }
}
