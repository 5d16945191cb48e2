/** Rows as RFC 4180 has them: lines end in CR LF, a field with a comma, a quote or a line end stands in quotes. */
export function csv(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('')
}

function field(value: string | number | null): string {
  const text = value === null ? '' : typeof value === 'number' ? String(value) : inert(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A label that a spreadsheet would run as a formula is a text with an apostrophe in front of it. */
function inert(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}
