import { DOOR_SCOPES, type DoorScope, hasScope } from './key.js'

/**
 * What a key may do through a token that says less than the key: never more than either. Of a token only the scopes of
 * doors count. Operations are the key's to name: a token for some of them alone allows no spending, since the ledger asks
 * the key, and would allow all that the key does.
 */
export function narrowedScopes(key: readonly string[], token: readonly string[]): readonly string[] {
  const granted = token.filter(isDoorScope)
  const held = key.filter(isDoorScope)
  const kept = key.filter((scope) => hasScope(granted, isDoorScope(scope) ? scope : 'credits:spend'))
  // Whoever may spend on some operations sees what is left for them.
  const lesser = granted.filter((scope) => hasScope(scope === 'credits:read' ? key : held, scope))
  return [...new Set([...kept, ...lesser])]
}

function isDoorScope(scope: string): scope is DoorScope {
  return (DOOR_SCOPES as readonly string[]).includes(scope)
}
