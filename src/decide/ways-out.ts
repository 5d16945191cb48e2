import type { Pack } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { formatCredits, type MicroCredits } from '../money/credits.js'
import { nextGrantAt } from '../plans/next-grant.js'
import { formatInstant } from '../time/instant.js'
import type { Draft } from './draft.js'
import { higherPlans, isSelfServiceEnabled } from './self-service.js'

/**
 * What a person can do about a balance that lacks `shortfall`, each as the exact thing to do: give credits, buy a pack
 * where the customer sees packs (WC-09), wait for the next grant, choose a higher plan.
 */
export function waysToPay(draft: Draft, shortfall: MicroCredits): readonly string[] {
  const { account, view, at } = draft
  const { catalog } = versionAt(view.catalogs, at)
  const packs = Object.values(catalog.packs)
  const pack = packs.length > 0 && isSelfServiceEnabled(draft) ? packFor(packs, shortfall) : null
  const next = nextGrantAt(account.subscription, view.catalogs)
  const plans = higherPlans(catalog, account.subscription?.plan ?? null)
  return [
    `Add credits: npx mcp-credits grant ${formatCredits(shortfall)} --account ${account.id}`,
    ...(pack === null ? [] : [`Or buy ${pack.name} with ${formatCredits(pack.credits)}: npx mcp-credits topup ${pack.id} --account ${account.id}`]),
    ...(next === null ? [] : [`Or wait for the next grant on ${formatInstant(next)}`]),
    ...(plans.length === 0 ? [] : [`Or choose a higher plan: ${plans.map((plan) => plan.name).join(', ')}`]),
  ]
}

/** The smallest pack that suffices, or the largest there is. */
function packFor(packs: readonly Pack[], shortfall: MicroCredits): Pack | null {
  const bySize = [...packs].sort((a, b) => (a.credits < b.credits ? -1 : a.credits > b.credits ? 1 : 0))
  return bySize.find((pack) => pack.credits >= shortfall) ?? bySize.at(-1) ?? null
}
