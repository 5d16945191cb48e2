import { sequenceOfId } from '../ledger/transaction.js'
import type { ReleaseCommand, SettleCommand } from './command.js'
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
  const isPaid = isFaultPaid(draft, command)
  if (command.kind === 'release') return isPaid ? { ...command, kind: 'settle', actual: {} } : command
  if (isPaid) return command
  const { actual: _, ...ending } = command
  return { ...ending, kind: 'release' }
}

function isFaultPaid(draft: Draft, { reservation: id, fault }: SettleCommand | ReleaseCommand): boolean {
  const sequence = sequenceOfId('rs', id)
  const reservation = sequence === null ? null : draft.reservation(sequence)
  if (reservation === null || fault === null) return false
  const version = draft.view.catalogs.find((known) => known.version === reservation.priceVersion)
  return version?.catalog.operations[reservation.operation]?.chargeOnFault.includes(fault) ?? false
}
