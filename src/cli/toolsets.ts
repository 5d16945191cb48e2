import type { Toolset } from '../../tools/index.js'
import { CreditError } from '../errors.js'

/**
 * Our toolsets where we stand alone: all of them unless told, with commas between their names.
 *
 * @throws CreditError `invalid_request` for a set that there is none of
 */
export async function toolsetsAlone(names: string | undefined): Promise<readonly Toolset[]> {
  return names === undefined ? knownToolsets() : readToolsets(names)
}

/**
 * Our toolsets beside those of an upstream server: the meter spends for whoever calls one of its tools, so an agent gets
 * tools that spend by themselves only on request, and always those that tell what is left.
 *
 * @throws CreditError `invalid_request` for a set that there is none of
 */
export async function toolsetsBeside(added: string | undefined): Promise<readonly Toolset[]> {
  const usual = (await knownToolsets()).filter((toolset) => toolset !== 'spend')
  return added === undefined ? usual : [...new Set([...usual, ...(await readToolsets(added))])]
}

async function readToolsets(names: string): Promise<readonly Toolset[]> {
  const known = await knownToolsets()
  return names.split(',').map((name) => {
    const found = known.find((toolset) => toolset === name.trim())
    if (found !== undefined) return found
    throw new CreditError('invalid_request', `--toolsets: ${JSON.stringify(name)} is none of ${known.join(', ')}`)
  })
}

async function knownToolsets(): Promise<readonly Toolset[]> {
  return (await import('../../tools/definition.js')).TOOLSETS
}
