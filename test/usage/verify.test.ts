import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')

describe('the check of a ledger', () => {
  let folder: string
  let database: string
  let now: number
  const open = () => openCredits({ database, clock: { now: () => now } })

  beforeEach(async () => {
    now = T0
    folder = await mkdtemp(join(tmpdir(), 'mcp-credits-verify-'))
    database = join(folder, 'ledger.db')
    const credits = await openCredits({ database, catalog: 'neural-draft', clock: { now: () => now } })
    await credits.createAccount({ id: 'acme', plan: 'hobby' })
    await credits.createAccount({ id: 'other', plan: 'free' })
    const { transaction } = await credits.charge({ account: 'acme', operation: 'blog.post', labels: { customer: 'c1' } })
    await credits.refund({ account: 'acme', transaction: transaction as string, credits: 10 })
    const { reservation } = await credits.reserve({ account: 'acme', operation: 'video.clip' })
    await credits.settle({ account: 'acme', reservation: reservation as string, actual: 30 })
    await credits.reserve({ account: 'acme', operation: 'blog.post' })
    await credits.charge({ account: 'other', operation: 'chat.message' })
    await credits.close()
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  /** Changes the file behind the product's back. */
  function tamper(sql: string): void {
    const file = new Database(database)
    file.pragma('foreign_keys = off')
    file.pragma('ignore_check_constraints = on')
    file.exec(sql)
    file.close()
  }

  async function verified(input: { readonly account?: string; readonly since?: string } = {}) {
    const credits = await open()
    try {
      return await credits.verify(input)
    } finally {
      await credits.close()
    }
  }

  it('finds nothing in a ledger that nobody touched, and gives the head of a single account', async () => {
    expect(await verified()).toEqual({ ok: true, problems: [], head: null, accounts: 2, transactions: 8 })
    expect(await verified({ account: 'acme' })).toMatchObject({ ok: true, head: expect.stringMatching(/^[0-9a-f]{64}$/), accounts: 1, transactions: 6 })
    await expect(verified({ account: 'nobody' })).rejects.toMatchObject({ code: 'unknown_account' })
  })

  it('stays clean when time has made something necessary that no write has recorded', async () => {
    now += 90 * 86_400_000
    expect((await verified()).problems).toEqual([])
  })

  it('names account, first bad row and invariant', async () => {
    tamper(`update transactions set operation = 'chat.message' where account = 'acme' and sequence = 2`)
    const { ok, problems } = await verified()
    expect(ok).toBe(false)
    expect(problems).toEqual([{ account: 'acme', row: expect.stringMatching(/^tx_2_/), invariant: 'chain', message: expect.any(String) }])
  })

  it.each([
    ['T17: a balance that was set', `update accounts set available = available + 1 where id = 'acme'`, 'I1'],
    ['a grant that was topped up', `update grants set remaining = remaining + 1 where account = 'acme'`, 'I1'],
    ['a reservation that was closed by hand', `update reservations set state = 'released', ended_by = 5 where account = 'acme' and state = 'open'`, 'I3'],
    ['a row that was taken out', `delete from transactions where account = 'acme' and sequence = 3`, 'sequence'],
    ['a journal that was cut', `delete from transactions where account = 'acme' and sequence = 6`, 'sequence'],
    ['a journal that is gone', `delete from transactions where account = 'acme'`, 'sequence'],
    ['a label that was changed', `update transactions set labels = '{"customer":"c2"}' where labels is not null`, 'chain'],
    [
      'a grant from nowhere',
      `create temp table copied as select * from grants where account = 'acme';
       update copied set sequence = 99, id = 'gr_99_0000000000';
       insert into grants select * from copied`,
      'I1',
    ],
    ['a reservation whose row is gone', `delete from reservations where account = 'acme' and state = 'open'`, 'rows'],
    ['a grant whose life was made longer', `update grants set expires_at = expires_at + 1000 where account = 'acme'`, 'rows'],
    ['a grant of another source', `update grants set source = 'gift' where account = 'acme'`, 'rows'],
    ['a row that nobody can read', `update transactions set detail = 'garbage' where account = 'acme' and sequence = 4`, 'rows'],
    ['a due date that was put off', `update accounts set next_due_at = 8640000000000000 where id = 'acme'`, 'due'],
  ])('finds %s', async (_, sql, invariant) => {
    tamper(sql)
    const { problems } = await verified()
    expect(problems.map((problem) => problem.invariant)).toContain(invariant)
    expect(new Set(problems.map((problem) => problem.account))).toEqual(new Set(['acme']))
  })

  it('finds a head printed earlier while it is there, and says so when what came before was rewritten or cut', async () => {
    const { head } = await verified({ account: 'acme' })
    const credits = await open()
    await credits.charge({ account: 'acme', operation: 'chat.message' })
    await credits.close()
    expect(await verified({ since: head as string })).toMatchObject({ ok: true })
    expect(await verified({ account: 'other', since: head as string })).toMatchObject({ ok: false, problems: [{ account: 'other', invariant: 'chain' }] })
    expect(await verified({ since: '0'.repeat(64) })).toMatchObject({ ok: false, problems: [{ account: '*', row: '0'.repeat(64) }] })
  })

  it('pages through more rows than one page holds', async () => {
    const credits = await open()
    await Promise.all(Array.from({ length: 1_200 }, () => credits.reserve({ account: 'acme', operation: 'chat.message', ttlSeconds: 60 })))
    now += 60_000
    await credits.sweep()
    await Promise.all(Array.from({ length: 50 }, () => credits.grant({ account: 'acme', credits: 1 })))
    expect(await credits.verify({ account: 'acme' })).toMatchObject({ ok: true, transactions: 6 + 2 * 1_200 + 50 })
    await credits.close()
  })

  it('is right while others go on writing', async () => {
    const credits = await open()
    const writing = Promise.all(
      Array.from({ length: 600 }, async () => {
        const { reservation } = await credits.reserve({ account: 'acme', operation: 'chat.message' })
        await credits.settle({ account: 'acme', reservation: reservation as string })
      }),
    )
    const checks = await Promise.all(Array.from({ length: 5 }, () => credits.verify()))
    await writing
    expect(checks.flatMap((check) => check.problems)).toEqual([])
    expect((await credits.verify()).problems).toEqual([])
    await credits.close()
  })

  it('stops at a hundred problems', async () => {
    const credits = await open()
    await Promise.all(Array.from({ length: 150 }, () => credits.charge({ account: 'acme', operation: 'chat.message' })))
    await credits.close()
    tamper(`update transactions set credits = credits + 1 where account = 'acme'`)
    expect((await verified()).problems).toHaveLength(100)
  })
})
