/** Edits beyond which two words are no misspelling of one another, by the length of what was typed. */
const EDITS_MAX = (length: number): number => Math.max(1, Math.floor(length / 4))

/** Nobody misspells a word of this length into another; comparing longer ones would only take time. */
const LENGTH_MAX = 64

/** The word among `choices` that was probably meant; null where none is near enough. */
export function nearest(word: string, choices: readonly string[]): string | null {
  if (word.length > LENGTH_MAX) return null
  let best: { readonly choice: string; readonly edits: number } | null = null
  for (const choice of choices) {
    const edits = editsBetween(word.toLowerCase(), choice.toLowerCase())
    if (edits <= EDITS_MAX(word.length) && (best === null || edits < best.edits)) best = { choice, edits }
  }
  return best?.choice ?? null
}

/** How many letters have to be added, taken away or changed to make one word of the other. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1])
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
