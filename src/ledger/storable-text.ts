/** The longest name, id or key that a row carries. */
export const NAME_MAX = 255

/**
 * Whether every database keeps a text as it is and a hash of it means the same everywhere: NUL is not storable in one of
 * them, and a lone surrogate changes when it is encoded, so that two different texts would be one key.
 */
export function isStorable(text: string): boolean {
  return !/[\0\p{Surrogate}]/u.test(text)
}

/** Whether a text can be a name, id or key in the ledger. */
export function isName(text: string): boolean {
  return text !== '' && text.length <= NAME_MAX && isStorable(text)
}
