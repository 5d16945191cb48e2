import { CreditError } from '../errors.js'
import { sha256 } from '../ledger/chain.js'
import { randomId, randomSecret } from '../random.js'
import { authenticate as authenticateBy } from '../usage/authenticate.js'
import { readKeys, readMembers } from '../usage/parties.js'
import type * as results from '../usage/results.js'
import { writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readInput } from './read-input.js'
import { keyTermsOf } from './terms.js'

export async function putMember(desk: Desk, input: Input<'putMember'>): Promise<results.MemberResult> {
  const asked = readInput(inputs.putMember, input)
  const { id, role } = asked
  await desk.write('put_member', asked, { id, role, name: asked.name ?? null })
  return { id, role, name: asked.name ?? null }
}

export async function removeMember(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('remove_member', asked, { id: asked.id }))
}

export async function members(desk: Desk, input: Input<'account'>): Promise<readonly results.MemberResult[]> {
  const { account } = readInput(inputs.account, input)
  return readMembers(desk.ledger, desk.accountOf(account))
}

export async function createKey(desk: Desk, input: Input<'createKey'>): Promise<results.CreatedKeyResult> {
  const asked = readInput(inputs.createKey, input)
  const secret = `mc_${randomSecret()}`
  const id = asked.id ?? `key_${randomId().slice(0, 12)}`
  const facts = { id, digest: sha256(secret), terms: keyTermsOf(asked, secret) }
  const done = await desk.write('create_key', asked, facts, { ...facts.terms, prefix: null, id: asked.id ?? null })
  const made = (done.transaction?.detail['key'] as string | undefined) ?? id
  const key = (await readKeys(desk.ledger, desk.accountOf(asked.account))).find((one) => one.id === made)
  if (key === undefined) throw new CreditError('unknown_key', `The key ${made} is not there any more`)
  return { ...key, key: done.replayed ? null : secret, replayed: done.replayed }
}

export async function revokeKey(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('revoke_key', asked, { id: asked.id }))
}

export async function keys(desk: Desk, input: Input<'account'>): Promise<readonly results.KeyResult[]> {
  const { account } = readInput(inputs.account, input)
  return readKeys(desk.ledger, desk.accountOf(account))
}

export function authenticate(desk: Desk, secret: string): Promise<results.AuthenticatedResult | null> {
  return authenticateBy(desk.ledger, secret)
}
