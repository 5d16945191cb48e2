/**
 * Whether a URI can be one that a template stands for: its literal parts follow each other in it. What an expression may
 * expand to is not looked at, since the server itself decides that; this only says whom to ask first. Takes time in
 * proportion to the URI's length, whatever the template is.
 */
export function couldMatch(template: string, uri: string): boolean {
  const literals = template.split(/\{[^{}]*\}/)
  const [first = '', ...rest] = literals
  if (rest.length === 0) return uri === first
  const last = rest.pop() ?? ''
  if (!uri.startsWith(first) || !uri.endsWith(last) || uri.length < first.length + last.length) return false
  let at = first.length
  for (const literal of rest) {
    const found = uri.indexOf(literal, at)
    if (found === -1) return false
    at = found + literal.length
  }
  return at <= uri.length - last.length
}
