import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { DAY_MS } from '../../src/time/instant.js'

/** 2026-03-10T12:00Z. */
const START = Date.UTC(2026, 2, 10, 12)

let open: Credits[] = []
let now = START

afterEach(async () => {
  await Promise.all(open.map((credits) => credits.close()))
  open = []
  now = START
})

async function opened(): Promise<Credits> {
  const credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => now } })
  open.push(credits)
  return credits
}

describe('opening an account by a key', () => {
  const asked = { id: 'acme', plan: 'hobby', timeZone: 'Europe/Berlin', idempotencyKey: 'k' }

  it('T08: repeated it answers the account as it is, also once its zone and plan are others', async () => {
    const credits = await opened()
    expect(await credits.createAccount(asked)).toMatchObject({ id: 'acme', plan: 'hobby', balance: 5_000, replayed: false })
    expect(await credits.createAccount(asked)).toMatchObject({ balance: 5_000, replayed: true })
    await credits.setTimeZone({ account: 'acme', timeZone: 'UTC' })
    await credits.subscribe({ account: 'acme', plan: 'build', when: 'now' })
    expect(await credits.createAccount(asked)).toMatchObject({ plan: 'build', timeZone: 'UTC', replayed: true })
    expect(await credits.verify()).toMatchObject({ ok: true, problems: [] })
  })

  it('T09: with other terms or for another action the key is refused', async () => {
    const credits = await opened()
    await credits.createAccount(asked)
    const conflict = { code: 'idempotency_conflict' }
    await expect(credits.createAccount({ ...asked, plan: 'build' })).rejects.toMatchObject(conflict)
    await expect(credits.createAccount({ ...asked, debtLimit: 1 })).rejects.toMatchObject(conflict)
    await expect(credits.grant({ account: 'acme', credits: 5, idempotencyKey: 'k' })).rejects.toMatchObject(conflict)
  })

  it('T08: also where the account was there before, alike', async () => {
    const credits = await opened()
    const { idempotencyKey: _, ...terms } = asked
    await credits.createAccount(terms)
    expect(await credits.createAccount(asked)).toMatchObject({ balance: 5_000, replayed: true })
    await credits.setTimeZone({ account: 'acme', timeZone: 'UTC' })
    expect(await credits.createAccount(asked)).toMatchObject({ timeZone: 'UTC', replayed: true })
    await expect(credits.createAccount(terms)).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await credits.verify()).toMatchObject({ ok: true, problems: [] })
  })
})

describe("an account's clock and zone", () => {
  it('T08: set by a key, they are answered again as they were set', async () => {
    const credits = await opened()
    await credits.createAccount({ id: 'trial', test: true })
    const advance = () => credits.advanceClock({ account: 'trial', by: '1d', idempotencyKey: 'c' })
    const zone = () => credits.setTimeZone({ account: 'trial', timeZone: 'Asia/Tokyo', idempotencyKey: 'z' })
    const first = [await advance(), await zone()]
    expect(first).toMatchObject([
      { id: 'trial', now: '2026-03-11T12:00:00.000Z', balance: 250, replayed: false },
      { id: 'trial', timeZone: 'Asia/Tokyo', balance: 250, replayed: false },
    ])
    await credits.advanceClock({ account: 'trial', by: 5 * DAY_MS })
    await credits.setTimeZone({ account: 'trial', timeZone: 'UTC' })
    await credits.grant({ account: 'trial', credits: 7 })
    expect([await advance(), await zone()]).toEqual(first.map((answer) => ({ ...answer, replayed: true })))
    expect(await credits.setTimeZone({ account: 'trial', timeZone: 'UTC' })).toMatchObject({ transaction: null, timeZone: 'UTC' })
  })
})
