import type { Input } from '../../facade/inputs.js'
import type { CreatedKeyResult, KeyResult } from '../../usage/results.js'
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
      summary: 'credits:read and credits:spend (both unless told), admin, an operation like image.generate or a category like content:*',
      isRepeatable: true,
    },
    { flags: '--environment <name>', summary: 'where it is used, like production or preview: budgets can be told by it' },
    { flags: '--member <id>', summary: 'the member in whose name it spends' },
    { flags: '--expires <instant>', summary: 'good until this instant (ISO 8601); without an end unless told' },
    IDEMPOTENCY_KEY,
  ],
  example: 'key create --name "preview builds" --environment preview --scope "content:*"',
  fields: { scopes: '--scope', id: '--id' },
  run: async ({ open, options, style }) => {
    const { id, name, scope: scopes, environment, member, expires: expiresAt, idempotencyKey } = options
    const ledger = await open()
    const key = await ledger.createKey(given<Input<'createKey'>>({ id, name, scopes, environment, member, expiresAt, idempotencyKey }))
    return { result: key, text: () => createdLines(key, style) }
  },
})

const list = command({
  name: 'key list',
  isReading: true,
  scope: 'admin',
  summary: 'list the keys to the account, with their scopes and when each was last used; never a secret',
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
  summary: 'revoke a key and every key below it, at once and in every running server',
  arguments: [{ flags: '<id>', summary: 'its id, from `key list`' }],
  options: [IDEMPOTENCY_KEY],
  example: 'key revoke key_0f3a5b7c9d1e',
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const done = await (await open()).revokeKey(given<Input<'byId'>>({ id, idempotencyKey }))
    return { result: { id, ...done }, text: () => [`${style.bold(printable(id))} is revoked${again(done)}`] }
  },
})

export const keyCommands: readonly CommandDefinition[] = [create, list, revoke]

function createdLines({ id, key, scopes }: CreatedKeyResult, style: Style): readonly string[] {
  const may = `may ${scopes.join(', ')}`
  if (key === null) return [`${style.bold(id)} was made before, with the same key (${may}); its secret was shown then and is kept nowhere`]
  return [style.bold(key), '', `This is the secret of ${id} (${may}). It is shown this once: keep it where its user finds it, as MCP_CREDITS_KEY say.`]
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
      { head: 'State', cell: ({ state }) => state },
      { head: 'Last used', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : moment(lastUsedAt, timeZone)) },
      { head: 'Expires', cell: ({ expiresAt }) => (expiresAt === null ? 'never' : moment(expiresAt, timeZone)) },
    ],
    style,
  )
}
