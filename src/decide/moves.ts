import type { Book } from '../ledger/books.js'
import type { Share } from '../ledger/grant.js'
import { type MicroCredits, smaller } from '../money/credits.js'
import type { Draft, Move } from './draft.js'

/**
 * Credits coming into `available`, grant by grant. What the account owes is made good first, so that a debt and
 * grants with something left never stand side by side and a balance is one number.
 */
function gainMoves(shares: readonly Share[], owed: MicroCredits): readonly Move[] {
  const moves: Move[] = []
  let debt = owed
  for (const { grant, amount } of shares) {
    moves.push({ book: 'available', grant, amount })
    const repaid = smaller(debt, amount)
    if (repaid === 0n) continue
    debt -= repaid
    moves.push({ book: 'available', grant, amount: -repaid }, { book: 'available', grant: null, amount: repaid })
  }
  return moves
}

/** Credits going from one book to another, grant by grant, so that it stays readable whose they are. */
export function passMoves(shares: readonly Share[], from: Book, to: Book): readonly Move[] {
  const moves: Move[] = []
  for (const { grant, amount } of shares) moves.push({ book: from, grant, amount: -amount }, { book: to, grant, amount })
  return moves
}

/** Credits coming back from a book to their grants. `owed` is the debt that they meet, where movements before them changed it. */
export function returnMoves(draft: Draft, shares: readonly Share[], from: Book, owed = draft.account.debt): readonly Move[] {
  return [...shares.map(({ grant, amount }) => ({ book: from, grant, amount: -amount })), ...gainMoves(shares, owed)]
}

/** Credits coming into being for a grant. */
export function issueMoves(draft: Draft, grant: number, amount: MicroCredits): readonly Move[] {
  return returnMoves(draft, [{ grant, amount }], 'issued')
}

export function sumOf(shares: readonly Share[]): MicroCredits {
  return shares.reduce((total, share) => total + share.amount, 0n)
}
