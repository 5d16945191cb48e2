import { alertDocument, alertOf, type AlertThreshold } from '../budgets/alert.js'
import { isReached, type Level } from '../budgets/level.js'
import { percentUsed } from '../budgets/standing.js'
import type { Threshold } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import type { Account } from '../ledger/account.js'
import { formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import type { RemoveAlertCommand, SetAlertCommand } from './command.js'
import type { Draft } from './draft.js'
import { tell } from './messages.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { closeRecord, openRecord, postRecord, tooMany, unknownRecord } from './records.js'

/** Sets a threshold of the account's own, where its plan entitles it to (WC-14). */
export function decideSetAlert(draft: Draft, command: SetAlertCommand): Outcome {
  const refused = refusalByEntitlement(draft)
  if (refused !== null) return refused
  if (command.threshold.limit.kind === 'percent_of_period' && draft.account.subscription === null) {
    return refuse('invalid_request', 'A percentage is of what a period began with, and this account has no plan; give credits instead', {
      details: { field: 'percent' },
    })
  }
  const record = openRecord(draft, 'alert', command.id)
  const full = record === null ? tooMany(draft, 'alert') : null
  if (full !== null) return full
  // A changed threshold is told of anew once it is reached.
  draft.change({ fired: draft.account.fired.filter((name) => name !== nameOfOwn(command.id)) })
  return postRecord(draft, command, { kind: 'alert', id: command.id, change: 'alert_set', document: alertDocument(command.threshold) }, record)
}

export function decideRemoveAlert(draft: Draft, command: RemoveAlertCommand): Outcome {
  const record = openRecord(draft, 'alert', command.id)
  return record === null ? unknownRecord(draft, 'alert', 'unknown_alert', command.id) : closeRecord(draft, command, record, 'alert_removed')
}

/** The plan entitlement that a catalog may name: where one of its plans does, only plans that have it set alerts. */
const ENTITLEMENT = 'custom_alerts'

function refusalByEntitlement(draft: Draft): Refused | null {
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  const plans = Object.values(catalog.plans)
  if (!plans.some((plan) => ENTITLEMENT in plan.entitlements)) return null
  const running = draft.account.subscription?.plan ?? ''
  if (catalog.plans[running]?.entitlements[ENTITLEMENT] === true) return null
  const names = plans.filter((plan) => plan.entitlements[ENTITLEMENT] === true).map((plan) => plan.name)
  return refuse('plan_required', 'Alerts of your own need a plan that includes them', {
    details: { entitlement: ENTITLEMENT, plan: running === '' ? null : running },
    advice: [names.length === 0 ? 'No plan of the catalog includes them.' : `Choose a plan that includes them: ${names.join(', ')}`],
  })
}

/** A threshold with the name by which the account remembers that it was told of. */
interface Watched extends AlertThreshold {
  readonly name: string
  readonly alert: string | null
  readonly event: string | null
}

/**
 * Tells of the thresholds that the balance has fallen to, each once: more credits re-arm those that they lift the account
 * above, and so does a new period (T38). What was only set aside and comes back re-arms nothing, or work that is held and
 * released around a threshold would tell of it every time. Called for each thing that was due and for the command that
 * follows, with the account as it was before, so that what is told does not depend on what came in one write.
 */
export function watchBalance(draft: Draft, before: Account): void {
  const { books, fired, subscription } = draft.account
  const isNewPeriod = subscription?.periodStart !== before.subscription?.periodStart
  if (books.available === before.books.available && !isNewPeriod) return
  const told = isNewPeriod ? [] : fired
  const isReachedBy = (held: MicroCredits) => (threshold: Watched) => isReached(held, subscription?.periodBase ?? null, threshold)
  const all = watched(draft)
  const isMore = heldBy(draft.account) > heldBy(before)
  const kept = all.filter(({ name }) => told.includes(name)).filter((threshold) => !isMore || isReachedBy(heldBy(draft.account))(threshold))
  const isFalling = books.available < before.books.available
  const fresh = isFalling ? all.filter(({ name }) => !told.includes(name)).filter(isReachedBy(books.available)) : []
  for (const threshold of fresh) tellOfBalance(draft, threshold)
  const now = [...kept, ...fresh].map(({ name }) => name)
  if (now.length !== fired.length || now.some((name, index) => name !== fired[index])) draft.change({ fired: now })
}

/** What an account has, set aside or not: it grows only by credits that come in. */
function heldBy({ books }: Account): MicroCredits {
  return books.available + books.reserved
}

function watched(draft: Draft): readonly Watched[] {
  const { thresholds } = versionAt(draft.view.catalogs, draft.account.lastAt).catalog
  const own = draft.records('alert')
  const all = watchedByAll(thresholds)
  return own.length === 0 ? all : [...all.slice(0, -1), ...own.map((record) => ofAccount(record.id, alertOf(record))), EXHAUSTED]
}

const BY_ALL = new WeakMap<readonly Threshold[], readonly Watched[]>()

/** What every account of a catalog is told of, that nothing is left last of all; remembered as long as the catalog is, for every charge asks. */
function watchedByAll(thresholds: readonly Threshold[]): readonly Watched[] {
  let watched = BY_ALL.get(thresholds)
  if (watched === undefined) {
    watched = [...thresholds.map(ofCatalog), EXHAUSTED]
    BY_ALL.set(thresholds, watched)
  }
  return watched
}

function ofCatalog(threshold: Threshold): Watched {
  const { level, when, limit, event } = threshold
  return { ...threshold, name: `${level} ${when} ${limitWords(limit)}`, alert: null, event }
}

function ofAccount(id: string, threshold: AlertThreshold): Watched {
  return { ...threshold, name: nameOfOwn(id), alert: id, event: null }
}

function nameOfOwn(id: string): string {
  return `alert ${id}`
}

function limitWords(limit: Threshold['limit']): string {
  return limit.kind === 'absolute' ? formatCredits(limit.credits) : `${limit.percent} %`
}

const EXHAUSTED: Watched = {
  name: 'exhausted',
  alert: null,
  event: null,
  level: 'critical',
  when: 'at_or_below',
  limit: { kind: 'absolute', credits: 0n },
}

function tellOfBalance(draft: Draft, { name, alert, event, level, when, limit }: Watched): void {
  const { books, subscription } = draft.account
  const base = subscription?.periodBase ?? null
  const word: Exclude<Level, 'ok'> = name === EXHAUSTED.name ? 'exhausted' : level
  tell(draft, {
    type: `balance_${word}`,
    alert,
    event,
    when,
    threshold: limit.kind === 'absolute' ? toCredits(limit.credits) : null,
    thresholdRemainingPercent: limit.kind === 'absolute' ? null : limit.percent,
    remaining: toCredits(books.available),
    limit: base === null ? null : toCredits(base),
    used: base === null || base < books.available ? null : toCredits(base - books.available),
    remainingPercent: base === null || base === 0n ? null : percentUsed(books.available < 0n ? 0n : books.available, base),
    usedPercent: base === null || base === 0n || base < books.available ? null : percentUsed(base - books.available, base),
  })
}
