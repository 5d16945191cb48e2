import { CreditError, type CreditErrorFacts } from '../errors.js'

/**
 * The same refusal in the words of a door: what the library calls `expiresAt` is `expires_at` to an agent and `--expires`
 * on the command line. Only a refusal of the input speaks of fields; what stands in quotes is somebody's value.
 *
 * @param nameOf the door's name of a field of the library, the same again where it has no other
 */
export function inWordsOf(error: CreditError, nameOf: (field: string) => string): CreditError {
  const { code, message, details } = error
  if (code !== 'invalid_request' && code !== 'invalid_amount') return error
  const facts: CreditErrorFacts = { ...error, details: withNames(details, nameOf), cause: error.cause ?? error }
  return new CreditError(code, inWords(message, nameOf), facts)
}

function inWords(message: string, nameOf: (field: string) => string): string {
  return message.replaceAll(QUOTED_OR_FIELD, (text) => (text.startsWith('"') ? text : nameOf(text)))
}

/** A quoted value; the field that a sentence begins with, `since: …`, `since is …`; a name in camel case anywhere. */
const QUOTED_OR_FIELD = /"(?:[^"\\]|\\.)*"|(?<=^|; )[a-z][a-zA-Z]*(?=[.:]| is )|(?<![.\w])[a-z]+(?:[A-Z][a-z]+)+\b/g

function withNames(details: CreditError['details'], nameOf: (field: string) => string): CreditError['details'] {
  const { field, problems } = details
  const named = ({ path, expected }: Problem): Problem => ({ path: pathName(path, nameOf), expected: inWords(expected, nameOf) })
  return {
    ...details,
    ...(typeof field === 'string' ? { field: nameOf(field) } : {}),
    ...(Array.isArray(problems) ? { problems: (problems as readonly Problem[]).map(named) } : {}),
  }
}

interface Problem {
  readonly path: string
  readonly expected: string
}

/** What follows the first name of a path is a label's name or an argument's, which are nobody's to rename. */
function pathName(path: string, nameOf: (field: string) => string): string {
  const [field = '', ...rest] = path.split('.')
  return [nameOf(field), ...rest].join('.')
}
