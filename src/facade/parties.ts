import type { z } from 'zod'
import type { CommandOf } from '../decide/command.js'
import { CreditError } from '../errors.js'
import { madeKeyId, subjectLookup } from '../keys/key.js'
import { sha256 } from '../ledger/chain.js'
import { parsePositiveCredits } from '../money/credits.js'
import { randomId, randomSecret } from '../random.js'
import { SECOND_MS } from '../time/instant.js'
import { authenticate as authenticateBy, authenticateSubject as authenticateSubjectBy } from '../usage/authenticate.js'
import { delegatedResult, readKeys, readMembers } from '../usage/parties.js'
import type * as results from '../usage/results.js'
import { writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput } from './read-input.js'
import { keyTermsOf, PREFIX_LENGTH } from './terms.js'

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
  const id = desk.accountOf(account)
  return readMembers(desk.ledger, id, await desk.ownPart(id))
}

export async function createKey(desk: Desk, input: Input<'createKey'>): Promise<results.CreatedKeyResult> {
  const asked = readInput(inputs.createKey, input)
  const subject = await subjectOf(desk, asked)
  const secret = newSecret()
  const id = asked.id ?? newKeyId()
  const terms = keyTermsOf(asked, secret)
  const facts = { id, digest: sha256(secret), terms, ...(subject === null ? {} : { subject }) }
  // A default that was left out is no other request than the same one written out.
  const same = { ...terms, prefix: null, isDelegated: undefined, mayDelegate: terms.mayDelegate ? undefined : false, id: asked.id ?? null, ...facts.subject }
  const done = await desk.write('create_key', asked, facts, same)
  const made = (done.transaction?.detail['key'] as string | undefined) ?? id
  const key = (await readKeys(desk.ledger, desk.accountOf(asked.account))).find((one) => one.id === made)
  if (key === undefined) throw new CreditError('unknown_key', `The key ${made} is not there any more`)
  return { ...key, key: done.replayed || subject !== null ? null : secret, replayed: done.replayed }
}

/**
 * Whom an authorization server names; null for a key with a secret. One server's subjects are those of the whole ledger,
 * so that nobody but its operator says whose account a token opens.
 *
 * @throws CreditError `forbidden`; `invalid_request` where the subject has a key in another account
 */
async function subjectOf(desk: Desk, { account, issuer, subject }: z.output<typeof inputs.createKey>): Promise<Subject | null> {
  if (issuer === undefined || subject === undefined) return null
  const found = await desk.wholeLedger().query((store) => store.recordByLookup(subjectLookup({ issuer, subject })))
  if (found === null || found.account === desk.accountOf(account)) return { issuer, subject }
  throw new CreditError('invalid_request', `The key ${found.record.id} of the account ${found.account} is this subject's already; revoke it first`, {
    details: { field: 'subject', key: found.record.id },
  })
}

type Subject = NonNullable<CommandOf<'create_key'>['subject']>

function newSecret(): string {
  return `mc_${randomSecret()}`
}

function newKeyId(): string {
  return madeKeyId(randomId())
}

export async function delegate(desk: Desk, input: Input<'delegate'>): Promise<results.DelegatedResult> {
  const asked = readInput(inputs.delegate, input)
  const secret = newSecret()
  const facts = {
    name: asked.name ?? null,
    amount: readAmount(parsePositiveCredits, asked.credits, 'credits'),
    lifeMs: Math.ceil(asked.expiresInSeconds * SECOND_MS),
    operations: asked.operations ?? null,
    mayDelegate: asked.mayDelegate,
  }
  const done = await desk.write('delegate', asked, { id: newKeyId(), digest: sha256(secret), prefix: secret.slice(0, PREFIX_LENGTH), ...facts }, facts)
  return delegatedResult(done, secret)
}

export async function revokeKey(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('revoke_key', asked, { id: asked.id }))
}

export async function keys(desk: Desk, input: Input<'account'>): Promise<readonly results.KeyResult[]> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  return readKeys(desk.ledger, id, await desk.ownPart(id))
}

export function authenticate(desk: Desk, secret: string): Promise<results.AuthenticatedResult | null> {
  return authenticateBy(desk.ledger, secret)
}

export function authenticateSubject(desk: Desk, input: Input<'subject'>): Promise<results.AuthenticatedResult | null> {
  return authenticateSubjectBy(desk.ledger, readInput(inputs.subject, input))
}
