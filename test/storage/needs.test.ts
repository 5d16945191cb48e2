import { describe, expect, it } from 'vitest'
import type { Actor, ReserveCommand } from '../../src/decide/command.js'
import { needsOf } from '../../src/storage/needs.js'

const ID = 'key_0123456789ab'

function reserve(key: string | null, name: string, keyOf?: string): ReserveCommand {
  const actor: Actor = { key, member: null, run: null, holder: 'meter', ...(keyOf === undefined ? {} : { keyOf }) }
  const subject = { kind: 'operation', operation: 'unit', variant: null, actual: {}, args: {} } as unknown as ReserveCommand['subject']
  const call = { key: `${name}-call`, fingerprint: 'same' }
  return { kind: 'reserve', account: 'a', actor, idempotencyKey: name, fingerprint: 'same', subject, labels: null, ttlMs: 1, overrun: 'cap', call }
}

const namesOf = (command: ReserveCommand) => needsOf(command).flatMap((need) => (need.kind === 'key' || need.kind === 'call' ? [`${need.kind} ${need.key}`] : []))

describe('what a decision needs to know a repeated request is asked for at once', () => {
  it('by the name alone, where the actor has no names of its own', () => {
    for (const command of [reserve(null, 'job'), reserve('chosen', 'job'), reserve(ID, 'job', 'other')]) {
      expect(namesOf(command)).toEqual(['key job', 'key job-call', 'call job-call'])
    }
  })

  it('by the name of a delegated key as well, where the key may be one', () => {
    expect(namesOf(reserve(ID, 'job'))).toEqual(['key job', `key ${ID}:job`, 'key job-call', `key ${ID}:job-call`, 'call job-call', `call ${ID}:job-call`])
  })

  it('with the key whose own the name would be', () => {
    const records = (name: string) => needsOf(reserve(null, name)).filter(({ kind }) => kind === 'record')
    expect(records(`${ID}:job`)).toContainEqual({ kind: 'record', of: 'key', id: ID })
    for (const name of ['job:1', ID, `x${ID}:job`, `${ID}0:job`]) expect(records(name)).toEqual([])
  })
})
