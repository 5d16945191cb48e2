/** Enough to recognise a part of a catalog by; programs have it whole. */
const SHOWN_MAX = 60

/** One side of a difference between catalogs, as short JSON. */
export function valueWords(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text
}
