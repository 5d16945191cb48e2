import type { Done } from '../decide/outcome.js'
import { RESERVATION_DEFAULT_MS } from '../ledger/reservation.js'
import { parsePositiveCredits } from '../money/credits.js'
import type * as results from '../usage/results.js'
import { chargeResult, extendResult, refundResult, releaseResult, reserveResult, settleResult } from '../usage/write-results.js'
import { actualOf, subjectOf } from './consumption.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput } from './read-input.js'

export async function charge(desk: Desk, input: Input<'charge'>): Promise<results.ChargeResult> {
  const asked = readInput(inputs.charge, input)
  const { labels = null, quoteId } = asked
  const subject = subjectOf(asked)
  return chargeResult(await desk.write('charge', asked, { subject, labels, quote: quoteId ?? null }, { subject, labels, quote: quoteId }))
}

export async function reserve(desk: Desk, input: Input<'reserve'>): Promise<results.ReserveResult> {
  const asked = readInput(inputs.reserve, input)
  const { labels = null, quoteId, calls, operation } = asked
  const ttlMs = asked.ttlSeconds === undefined ? RESERVATION_DEFAULT_MS : Math.ceil(asked.ttlSeconds * 1_000)
  if (operation === undefined) {
    const of = calls === undefined ? { quote: quoteId ?? '' } : { calls: calls.map(subjectOf) }
    return reserveResult(await desk.write('reserve_quoted', asked, { of, labels, ttlMs }))
  }
  return reserveResult(await reserveOne(desk, asked, ttlMs))
}

function reserveOne(desk: Desk, asked: ReturnType<typeof inputs.reserve.parse>, ttlMs: number): Promise<Done> {
  const { overrun = 'cap', labels = null, quoteId } = asked
  const facts = { subject: subjectOf(asked), labels, ttlMs, overrun, call: null }
  return desk.write('reserve', asked, { ...facts, quote: quoteId ?? null }, { ...facts, quote: quoteId })
}

export async function extend(desk: Desk, input: Input<'extend'>): Promise<results.ExtendResult> {
  const asked = readInput(inputs.extend, input)
  const ttlMs = Math.ceil(asked.ttlSeconds * 1_000)
  return extendResult(await desk.write('extend', asked, { reservation: asked.reservation, ttlMs, isHeartbeat: false }))
}

export async function settle(desk: Desk, input: Input<'settle'>): Promise<results.SettleResult> {
  const asked = readInput(inputs.settle, input)
  const facts = { reservation: asked.reservation, actual: actualOf(asked), fault: asked.fault ?? null }
  return settleResult(await desk.write('settle', asked, facts))
}

export async function release(desk: Desk, input: Input<'release'>): Promise<results.ReleaseResult> {
  const asked = readInput(inputs.release, input)
  return releaseResult(await desk.write('release', asked, { reservation: asked.reservation, fault: asked.fault ?? null }))
}

export async function refund(desk: Desk, input: Input<'refund'>): Promise<results.RefundResult> {
  const asked = readInput(inputs.refund, input)
  const amount = asked.credits === undefined ? null : readAmount(parsePositiveCredits, asked.credits, 'credits')
  return refundResult(await desk.write('refund', asked, { transaction: asked.transaction, amount, reason: asked.reason ?? null }))
}
