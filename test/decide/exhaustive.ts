import { beginHistory, type History, problemsOf, step } from './histories.js'

/** Small amounts, few ways: every order of them is tried, so the corner that nobody thought of is among them. */
const ALPHABET = [
  'grant 2 ttl_until',
  'charge 1',
  'charge 3',
  'reserve 2 ttl 10m overrun debt',
  'reserve op job ttl 10m',
  'settle $held 1',
  'settle $held 4',
  'release $held by agent',
  'refund $charge 1',
  'adjust -1',
  'wait',
]

const WAIT_MS = 10 * 60_000

/** Walks all histories of up to `length` commands; answers how many there were and the first that breaks something. */
export function walkAll(length: number): { readonly count: number; readonly broken: string | null } {
  let count = 0
  const walk = (history: History, path: readonly string[]): string | null => {
    if (path.length === length) return null
    for (const command of ALPHABET) {
      count += 1
      const next = advance(history, command)
      const problems = problemsOf(next)
      const here = [...path, command]
      if (problems.length > 0) return `${here.join('; ')}: ${problems.join('; ')}`
      const deeper = walk(next, here)
      if (deeper !== null) return deeper
    }
    return null
  }
  const start = step(beginHistory(), 'grant 3').history
  return { broken: walk(start, []), count }
}

/** One step on a copy. Grants of a walk end twice as far off as reservations, so that each can outlive the other. */
function advance(history: History, command: string): History {
  const ledger = history.ledger.copy()
  if (command === 'wait') return step({ ...history, ledger, now: history.now + WAIT_MS }, 'sweep').history
  const untilMs = history.now - (ledger.account?.createdAt ?? 0) + 2 * WAIT_MS
  return step({ ...history, ledger }, command.replace('ttl_until', `until ${untilMs}ms`)).history
}
