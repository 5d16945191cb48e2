import { type Share, takeInOrder } from './grant.js'
import type { MicroCredits } from '../money/credits.js'

/** What an ending takes out of `reserved`: the spent part in burn order, the rest back to the grants it came from. */
export interface PinsSplit {
  readonly spent: readonly Share[]
  readonly returned: readonly Share[]
}

export function splitPins(pins: readonly Share[], charged: MicroCredits): PinsSplit {
  const { taken } = takeInOrder(pins, charged)
  const spentOf = new Map(taken.map((share) => [share.grant, share.amount]))
  const returned = pins
    .map(({ grant, amount }) => ({ grant, amount: amount - (spentOf.get(grant) ?? 0n) }))
    .filter((share) => share.amount > 0n)
  return { spent: taken, returned }
}
