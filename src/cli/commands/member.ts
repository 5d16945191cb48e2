import type { Input } from '../../facade/inputs.js'
import type { MemberResult } from '../../usage/results.js'
import { command, type CommandDefinition } from '../definition.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const ID = { flags: '<id>', summary: 'who it is, in this account' } as const

interface AddOptions {
  readonly role?: string
  readonly name?: string
  readonly idempotencyKey?: string
}

const add = command<AddOptions>({
  name: 'member add',
  summary: 'add a member to the account, or give one another role or name; all members spend from the one balance',
  arguments: [ID],
  options: [
    { flags: '--role <role>', summary: 'owner, admin, member (unless told) or viewer, who spends nothing' },
    { flags: '--name <text>', summary: 'the name for people' },
    IDEMPOTENCY_KEY,
  ],
  example: 'member add ada --role admin --name "Ada Lovelace"',
  run: async ({ open, arguments: [id = ''], options: { role, name, idempotencyKey }, style }) => {
    const member = await (await open()).putMember(given<Input<'putMember'>>({ id, role, name, idempotencyKey }))
    return { result: member, text: () => [`${style.bold(printable(member.id))} is ${member.role} of the account`] }
  },
})

const list = command({
  name: 'member list',
  isReading: true,
  summary: 'list the members of the account',
  example: 'member list',
  run: async ({ open, style }) => {
    const members = await (await open()).members()
    return { result: members, text: () => listLines(members, style) }
  },
})

const remove = command<{ readonly idempotencyKey?: string }>({
  name: 'member remove',
  summary: 'take a member out of the account: it spends no more, and what it spent stays in its name',
  arguments: [ID],
  options: [IDEMPOTENCY_KEY],
  example: 'member remove ada',
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const done = await (await open()).removeMember(given<Input<'byId'>>({ id, idempotencyKey }))
    return { result: { id, ...done }, text: () => [`${style.bold(printable(id))} is no member any more${again(done)}`] }
  },
})

export const memberCommands: readonly CommandDefinition[] = [add, list, remove]

function listLines(members: readonly MemberResult[], style: Style): readonly string[] {
  if (members.length === 0) return ['There are no members.']
  return tableLines(
    members,
    [
      { head: 'Member', cell: ({ id }) => id },
      { head: 'Role', cell: ({ role }) => role },
      { head: 'Name', cell: ({ name }) => name ?? '' },
    ],
    style,
  )
}
