import type { CatalogVersion } from '../catalog/version.js'
import type { Reservation } from '../ledger/reservation.js'
import { sequenceOfId } from '../ledger/transaction.js'
import type { Fault, ReleaseCommand, SettleCommand } from './command.js'
import type { Draft } from './draft.js'

/**
 * How a job ends whose failure is somebody's fault (ND-16): paid, where its operation says that this one's fault is paid,
 * and otherwise for nothing, whatever its holder asked for. The catalog version of the reservation decides, so that no
 * later one touches work under way.
 *
 * A release for a paid fault becomes a settlement of all that was reserved; a settlement for another fault a release.
 */
export function byFault(draft: Draft, command: SettleCommand | ReleaseCommand): SettleCommand | ReleaseCommand {
  if (command.fault === null) return command
  const sequence = sequenceOfId('rs', command.reservation)
  const reservation = sequence === null ? null : draft.reservation(sequence)
  const isPaid = reservation !== null && isFaultPaid(draft.view.catalogs, reservation, command.fault)
  if (command.kind === 'release') return isPaid ? { ...command, kind: 'settle', actual: {} } : command
  if (isPaid) return command
  const { actual: _, ...ending } = command
  return { ...ending, kind: 'release' }
}

/** Whether a reservation's operation is paid although it failed, where the failure is this one's fault. */
export function isFaultPaid(versions: readonly CatalogVersion[], { operation, priceVersion }: Reservation, fault: Fault): boolean {
  const version = versions.find((known) => known.version === priceVersion)
  return version?.catalog.operations[operation]?.chargeOnFault.includes(fault) ?? false
}
