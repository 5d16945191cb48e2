import type { Input } from '../../facade/inputs.js'
import { SECOND_MS } from '../../time/instant.js'
import type { CreatedKeyResult, DelegatedResult, KeyResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { moment } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

interface CreateOptions {
  readonly id?: string
  readonly name?: string
  readonly scope?: readonly string[]
  readonly environment?: string
  readonly member?: string
  readonly expires?: string
  /** False for `--no-delegate`. */
  readonly delegate?: boolean
  readonly issuer?: string
  readonly subject?: string
  readonly idempotencyKey?: string
}

const create = command<CreateOptions>({
  name: 'key create',
  summary: 'make a key to the account and show its secret, this once; the ledger keeps only a digest of it',
  options: [
    { flags: '--id <id>', summary: 'its id, for budgets and reports; made up unless told' },
    { flags: '--name <text>', summary: 'what it is for' },
    {
      flags: '--scope <scope>',
      summary:
        'credits:read and credits:spend (both unless told), admin (all of the account), operator (all of every account), an operation like image.generate or a category like content:*',
      isRepeatable: true,
    },
    { flags: '--environment <name>', summary: 'where it is used, like production or preview: budgets can be told by it' },
    { flags: '--member <id>', summary: 'the member in whose name it spends' },
    { flags: '--expires <instant>', summary: 'good until this instant (ISO 8601); without an end unless told' },
    { flags: '--no-delegate', summary: 'whoever has it cannot make further keys of it' },
    { flags: '--subject <sub>', summary: 'no secret: for whom an authorization server calls this, in its tokens' },
    { flags: '--issuer <url>', summary: 'which authorization server that is' },
    IDEMPOTENCY_KEY,
  ],
  example: 'key create --name "preview builds" --environment preview --scope "content:*"',
  fields: { scopes: '--scope', id: '--id', issuer: '--issuer', subject: '--subject' },
  run: async ({ open, options, style }) => {
    const { id, name, scope: scopes, environment, member, expires: expiresAt, delegate, issuer, subject, idempotencyKey } = options
    const mayDelegate = delegate === false ? false : undefined
    const ledger = await open()
    const key = await ledger.createKey(
      given<Input<'createKey'>>({ id, name, scopes, environment, member, expiresAt, mayDelegate, issuer, subject, idempotencyKey }),
    )
    return { result: key, text: () => createdLines(key, style, subject) }
  },
})

interface DelegateOptions {
  readonly credits?: string
  readonly expiresIn?: string
  readonly operation?: readonly string[]
  readonly mayDelegate?: boolean
  readonly name?: string
  readonly idempotencyKey?: string
}

const delegate = command<DelegateOptions>({
  name: 'key delegate',
  scope: 'credits:spend',
  summary: 'carve a key with a limit out of what may be spent, for a sub-agent; nothing is set aside, and its spending counts for every key above it',
  options: [
    { flags: '--credits <credits>', summary: 'how much it may spend in all' },
    { flags: '--expires-in <time>', summary: 'how long it holds: seconds, or 30m, 12h, 7d; never longer than the key above it' },
    { flags: '--operation <operation>', summary: 'what it may spend on: an operation or a category like content:*; all that the key above may unless told', isRepeatable: true },
    { flags: '--may-delegate', summary: 'it may make further keys of itself' },
    { flags: '--name <text>', summary: 'what it is for' },
    IDEMPOTENCY_KEY,
  ],
  example: 'key delegate --credits 20 --expires-in 2h --name "research agent"',
  fields: { credits: '--credits', expiresInSeconds: '--expires-in', operations: '--operation', name: '--name' },
  run: async ({ open, options, style }) => {
    const { credits, expiresIn, operation: operations, mayDelegate, name, idempotencyKey } = options
    const expiresInSeconds = expiresIn === undefined ? undefined : await readSeconds(expiresIn)
    const ledger = await open()
    const made = await ledger.delegate(given<Input<'delegate'>>({ credits, expiresInSeconds, operations, mayDelegate, name, idempotencyKey }))
    return { result: made, text: () => delegatedLines(made, style) }
  },
})

/** Bare seconds, as the tool takes them, or a length of time with its unit. @throws CreditError `invalid_request` */
async function readSeconds(text: string): Promise<number> {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  // Read where it is needed: a server that is only started to be looked at lists its commands without a calendar.
  const { readDuration } = await import('../../facade/read-input.js')
  return readDuration(text, '--expires-in') / SECOND_MS
}

const list = command({
  name: 'key list',
  isReading: true,
  scope: 'admin',
  summary: 'list the keys to the account, with their scopes and when each last spent; never a secret',
  example: 'key list',
  run: async ({ open, style }) => {
    const ledger = await open()
    const keys = await ledger.keys()
    const { timeZone } = await ledger.account()
    return { result: keys, text: () => listLines(keys, timeZone, style) }
  },
})

const revoke = command<{ readonly idempotencyKey?: string }>({
  name: 'key revoke',
  scope: 'credits:spend',
  summary: 'revoke a key and every key below it, at once and in every running server; with a key without admin, only those below that',
  arguments: [{ flags: '<id>', summary: 'its id, from `key list` or `key delegate`' }],
  options: [IDEMPOTENCY_KEY],
  example: 'key revoke key_0f3a5b7c9d1e',
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const done = await (await open()).revokeKey(given<Input<'byId'>>({ id, idempotencyKey }))
    return { result: { id, ...done }, text: () => [`${style.bold(printable(id))} is revoked${again(done)}`] }
  },
})

export const keyCommands: readonly CommandDefinition[] = [create, delegate, list, revoke]

function createdLines({ id, key, scopes, replayed }: CreatedKeyResult, style: Style, subject: string | undefined): readonly string[] {
  const may = `may ${scopes.join(', ')}`
  if (subject !== undefined) return [`${style.bold(id)} ${replayed ? 'was made before' : 'is made'} for the tokens of ${printable(subject)} (${may}); it has no secret`]
  if (key === null) return [`${style.bold(id)} was made before, with the same key (${may}); its secret was shown then and is kept nowhere`]
  return [style.bold(key), '', `This is the secret of ${id} (${may}). It is shown this once: keep it where its user finds it, as MCP_CREDITS_KEY say.`]
}

function delegatedLines({ keyId, key, limit, scopes, expiresAt }: DelegatedResult, style: Style): readonly string[] {
  const may = `may spend ${limit} on ${scopes.join(', ')} until ${expiresAt}`
  if (key === null) return [`${style.bold(keyId)} was made before, with the same idempotency key (${may}); its secret was shown then and is kept nowhere`]
  return [style.bold(key), '', `This is the secret of ${keyId} (${may}). It is shown this once: hand it on as MCP_CREDITS_KEY.`]
}

function listLines(keys: readonly KeyResult[], timeZone: string, style: Style): readonly string[] {
  if (keys.length === 0) return ['There are no keys. A local ledger needs none.']
  return tableLines(
    keys,
    [
      { head: 'Key', cell: ({ id }) => id },
      { head: 'Begins', cell: ({ prefix }) => `${prefix}…` },
      { head: 'Name', cell: ({ name }) => name ?? '' },
      { head: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
      { head: 'Environment', cell: ({ environment }) => environment ?? '' },
      { head: 'Member', cell: ({ member }) => member ?? '' },
      { head: 'Below', cell: ({ parent }) => parent ?? '' },
      { head: 'State', cell: ({ state }) => state },
      { head: 'Last spent', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : moment(lastUsedAt, timeZone)) },
      { head: 'Expires', cell: ({ expiresAt }) => (expiresAt === null ? 'never' : moment(expiresAt, timeZone)) },
    ],
    style,
  )
}
