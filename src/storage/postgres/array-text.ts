/**
 * An array as the text that PostgreSQL reads. The driver writes arrays as well, each element by way of what any value
 * might be, which for a batch of charges takes longer than deciding them.
 */
export function arrayText(elements: readonly unknown[]): string {
  return `{${elements.map(elementText).join(',')}}`
}

function elementText(element: unknown): string {
  if (element === null || element === undefined) return 'NULL'
  if (typeof element === 'string') return quoted(element)
  if (Buffer.isBuffer(element)) return `"\\\\x${element.toString('hex')}"`
  return String(element)
}

/** Always in quotes: bare, an empty text, a text with a comma and the text NULL would be read as something else. */
function quoted(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

const NEEDS_ESCAPE = /["\\]/

/** Rows as one array a column, so that a statement is the same for any number of them. */
export function columnsOf<T>(rows: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] as T))
}
