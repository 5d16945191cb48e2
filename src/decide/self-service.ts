import type { Catalog, Plan } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { nextGrantAt } from '../plans/next-grant.js'
import { formatInstant } from '../time/instant.js'
import type { SetSelfServiceCommand } from './command.js'
import type { Draft } from './draft.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { postRecord } from './records.js'
import { done } from './result.js'

/** The account's setting that goes before the catalog's word on who sees that packs can be bought. */
const SETTING = 'self_service'

/** Shows or hides that credits can be bought to the customers of this account (SF-11). */
export function decideSetSelfService(draft: Draft, command: SetSelfServiceCommand): Outcome {
  const refused = refusalToBuy(draft, { isSelfService: false })
  if (refused !== null) return refused
  const { isEnabled } = command
  const record = draft.record('setting', SETTING)
  if (record?.document['isEnabled'] === isEnabled && command.idempotencyKey === null) return { ...done(draft, null), record }
  return postRecord(draft, command, { kind: 'setting', id: SETTING, change: 'self_service_set', document: { isEnabled } }, record)
}

/** Whether customers of this account see that credits can be bought, and what they bought. */
export function isSelfServiceEnabled(draft: Draft): boolean {
  const { selfService } = versionAt(draft.view.catalogs, draft.at).catalog
  if (selfService === 'none') return false
  const setting = draft.record('setting', SETTING)?.document['isEnabled']
  return typeof setting === 'boolean' ? setting : selfService === 'enabled'
}

/**
 * Why credits cannot be bought, with the ways out: where nothing is sold by nobody (SK-07), where it is hidden by an
 * operator alone (SF-11). Null where they can.
 */
export function refusalToBuy(draft: Draft, { isSelfService }: { readonly isSelfService: boolean }): Refused | null {
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  const isSold = Object.keys(catalog.packs).length > 0
  if (isSold && (!isSelfService || isSelfServiceEnabled(draft))) return null
  const { subscription, id } = draft.account
  const renewsAt = nextGrantAt(subscription, draft.view.catalogs)
  const higher = higherPlans(catalog, subscription?.plan ?? null)
  const operator = `Ask an operator to enable it, or to top up: npx mcp-credits topup <pack> --account ${id}`
  return refuse('purchases_unavailable', catalog.texts.purchasesUnavailable ?? 'Credits cannot be bought here', {
    details: {
      account: id,
      selfService: isSold ? 'hidden' : 'none',
      renewsAt: renewsAt === null ? null : formatInstant(renewsAt),
      higherPlans: higher.map((plan) => plan.id),
    },
    advice: [
      ...(renewsAt === null ? [] : [`Wait for the next grant on ${formatInstant(renewsAt)}`]),
      ...(higher.length === 0 ? [] : [`Choose a higher plan: ${higher.map((plan) => plan.name).join(', ')}`]),
      ...(isSold ? [operator] : []),
    ],
  })
}

/** The plans that can be bought and give more a month than the running one; one agreed per customer may. */
export function higherPlans({ plans }: Catalog, running: string | null): readonly Plan[] {
  const current = running === null ? 0n : (plans[running]?.monthlyCredits ?? 0n)
  return Object.values(plans).filter(
    (plan) => plan.isPaid && plan.id !== running && (plan.monthlyCredits === null || plan.monthlyCredits > current),
  )
}
