import { z } from 'zod'
import { tools } from '../../tools/index.js'
import type { Answer } from './route.js'
import { toolExamples } from './tool-examples.js'

/*
 * What the operator's routes answer, names as on the wire. As with the tools, objects are loose and name every field.
 */

const amount = z.number()
const moment = z.string()
const text = z.string()

/** What every write answers; and an answer of it. */
export const written = { transaction: text.nullable(), balance: amount, replayed: z.boolean() }
export const WRITTEN = { transaction: 'tx_7_0f3a5b7c9d', balance: 750, replayed: false }

/** The answer to a write that has nothing more to tell than its row and the balance after it. */
export const writeAnswer: Answer = { name: 'write', schema: z.looseObject(written), example: WRITTEN }

const account = z.looseObject({
  id: text,
  state: z.enum(['active', 'suspended', 'closed']),
  plan: text.nullable(),
  time_zone: text,
  parent: text.nullable(),
  test: z.boolean(),
  balance: amount,
  created_at: moment,
  replayed: z.boolean(),
})

const ACCOUNT = {
  id: 'acme',
  state: 'active',
  plan: 'free',
  time_zone: 'Europe/Berlin',
  parent: null,
  test: false,
  balance: 250,
  created_at: '2026-11-01T09:00:00.000Z',
  replayed: false,
}

export const accountAnswer: Answer = { name: 'account', schema: account, example: ACCOUNT }
export const accountsAnswer = listOf('accounts', account, ACCOUNT)

export const timeZoneAnswer: Answer = {
  name: 'time_zone',
  schema: z.looseObject({ ...written, id: text, time_zone: text }),
  example: { ...WRITTEN, id: 'acme', time_zone: 'Europe/Berlin' },
}

export const clockAnswer: Answer = {
  name: 'clock',
  schema: z.looseObject({ ...written, id: text, now: moment }),
  example: { ...WRITTEN, id: 'trial', now: '2026-12-01T09:00:00.000Z' },
}

const member = z.looseObject({ id: text, name: text.nullable(), role: z.enum(['owner', 'admin', 'member', 'viewer']) })
const MEMBER = { id: 'ada', name: 'Ada', role: 'admin' }

export const memberAnswer: Answer = { name: 'member', schema: member, example: MEMBER }
export const membersAnswer = listOf('members', member, MEMBER)

const key = {
  id: text,
  name: text.nullable(),
  prefix: text,
  scopes: z.array(text),
  environment: text.nullable(),
  member: text.nullable(),
  parent: text.nullable(),
  may_delegate: z.boolean(),
  created_at: moment,
  expires_at: moment.nullable(),
  last_used_at: moment.nullable(),
  state: z.enum(['active', 'revoked', 'expired']),
}

const KEY = {
  id: 'key_0f3a5b7c9d1e',
  name: 'preview builds',
  prefix: 'mc_Zr8vQ1kP0',
  scopes: ['content:*'],
  environment: 'preview',
  member: null,
  parent: null,
  may_delegate: true,
  created_at: '2026-11-01T09:00:00.000Z',
  expires_at: null,
  last_used_at: null,
  state: 'active',
}

export const createdKeyAnswer: Answer = {
  name: 'created_key',
  schema: z.looseObject({ ...key, key: text.nullable().describe('The secret, shown this once; null where the same call was answered before'), replayed: z.boolean() }),
  example: { ...KEY, key: 'mc_Zr8vQ1kP0_an_example_of_a_secret', replayed: false },
}

export const keysAnswer = listOf('keys', z.looseObject(key), KEY)

export const grantAnswer: Answer = {
  name: 'grant',
  schema: z.looseObject({ ...written, granted: amount, expires_at: moment.nullable() }),
  example: { ...WRITTEN, granted: 500, expires_at: '2027-01-01T00:00:00.000Z' },
}

export const refundAnswer: Answer = { name: 'refund', schema: z.looseObject({ ...written, refunded: amount }), example: { ...WRITTEN, refunded: 10 } }

/** What the tool of the same purpose answers, as the operator sees it. */
export function asTool(name: string): Answer {
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) throw new Error(`there is a tool ${name}`)
  return { name, schema: tool.output, example: toolExamples[name]?.output ?? {} }
}

/** A list under its name, so that more can be said beside it. */
export function listOf(name: string, schema: z.ZodType, example: object): Answer {
  return { name, schema: z.looseObject({ [name]: z.array(schema) }), example: { [name]: [example] } }
}
