/** How text for people is set off: in colour on a terminal, plain elsewhere. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly warning: (text: string) => string
  readonly bad: (text: string) => string
}

/** `NO_COLOR` counts when it is not empty (no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): Style {
  const isColoured = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const paint = (open: number, close: number) => (text: string) =>
    isColoured && text !== '' ? `\u001B[${open}m${text}\u001B[${close}m` : text
  return { bold: paint(1, 22), dim: paint(2, 22), good: paint(32, 39), warning: paint(33, 39), bad: paint(31, 39) }
}

/**
 * A text that others wrote (a tool's name, a label) as it may stand on a terminal: one line, and nothing that a terminal
 * would obey.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\uFFFD')
}
