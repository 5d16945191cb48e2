import { expect } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { historyBySeed, play } from '../simulation/play.js'

const MINUTE_MS = 60_000

/** An account id that sorts otherwise by bytes than by UTF-16, and one before the account that it reports to. */
const STRANGE = '\u{1F9EE} \uFF21 O\'Brien "q" \\'
export const CHILD = 'a-child'
const PARENT = 'z-parent'

/** What is known of a ledger that {@link fillRichLedger} has made, to be asked of it once it was opened anew. */
export interface RichFacts {
  /** A moment after everything that has happened. */
  readonly now: number
  /** The secret of a key that may spend, and of one below it with 5 credits of its own. */
  readonly key: string
  readonly child: string
  readonly reservation: string
  readonly meter: string
  readonly quote: string
  readonly approval: string
  readonly charge: { readonly transaction: string; readonly charged: number; readonly balance: number }
}

/**
 * A ledger with everything in it: a history by chance of every verb, on top of it accounts that report to others, keys,
 * a delegated key, budgets, alerts, guards, quotes, an approval that waits, an open reservation of an agent and one of the
 * meter, labels and ids of every alphabet, a test account with a time of its own, a second catalog version, and a long journal.
 */
export async function fillRichLedger(database: string, seed: number, { steps, charges }: { readonly steps: number; readonly charges: number }): Promise<RichFacts> {
  const history = historyBySeed('neural-draft', seed, steps, { stepsBack: false })
  await play(history, { database })
  let now = (history.steps.at(-1)?.now ?? 0) + MINUTE_MS
  const credits = await openCredits({ database, clock: { now: () => now } })
  const facts = await addFacts(credits, () => (now += MINUTE_MS))
  const fill = Array.from({ length: charges }, (_, index) =>
    credits.charge({ account: PARENT, operation: 'blog.post', labels: { n: `${index}` }, idempotencyKey: `fill-${index}` }),
  )
  await Promise.all(fill)
  expect((await credits.verify()).problems).toEqual([])
  await credits.close()
  return { ...facts, now: now + MINUTE_MS }
}

async function addFacts(credits: Credits, tick: () => number): Promise<Omit<RichFacts, 'now'>> {
  await credits.createAccount({ id: PARENT, plan: 'none', timeZone: 'Asia/Kolkata', debtLimit: 7 })
  await credits.createAccount({ id: CHILD, plan: 'none', parent: PARENT })
  await credits.createAccount({ id: STRANGE, plan: 'none', timeZone: 'Australia/Lord_Howe' })
  await credits.createAccount({ id: 'testing', test: true, timeZone: 'Europe/Berlin' })
  await credits.advanceClock({ account: 'testing', by: '40d' })
  for (const account of [PARENT, CHILD, STRANGE]) await credits.grant({ account, credits: 1_000_000, source: 'adjustment', idempotencyKey: 'start' })
  await credits.setBudget({ account: CHILD, id: 'posts', window: 'total', limit: 300, enforcement: 'hard', scope: { operation: 'blog.post' } })
  await credits.setBudget({ account: CHILD, id: 'each', window: 'rolling:24h', limit: 10_000, scope: { each: 'key' } })
  await credits.setAlert({ account: CHILD, id: 'low', credits: 999_950 })
  await credits.putMember({ account: CHILD, id: 'ada', role: 'owner', name: 'Ada 🧮' })
  tick()
  const charge = await credits.charge({ account: CHILD, operation: 'blog.post', labels: { 'kunde\u{1F9EE}': 'Ä"\\\n' }, idempotencyKey: 'job-1' })
  await credits.refund({ account: CHILD, transaction: charge.transaction ?? '', credits: 10, idempotencyKey: 'back-1' })
  await credits.charge({ account: STRANGE, operation: 'translate', quantity: 2.5 })
  const parent = await credits.createKey({ account: CHILD, name: 'parent' })
  const { credits: holder } = await credits.withKey(parent.key ?? '', {})
  const child = await holder.delegate({ credits: 100, expiresInSeconds: 100 * 86_400 })
  const held = await holder.reserve({ operation: 'video.clip', ttlSeconds: 86_400, idempotencyKey: 'hold-1' })
  const meter = await credits.as({ account: CHILD, holder: 'meter' }).reserve({ operation: 'blog.post', ttlSeconds: 86_400 })
  const quote = await holder.estimate({ operation: 'blog.post', quote: true, quoteTtlSeconds: 86_400 })
  await credits.setGuard({ account: STRANGE, id: 'approval', above: 50, valid: '20h', wait: '20h' })
  const asked: unknown = await credits.as({ account: STRANGE, holder: 'agent' }).charge({ operation: 'blog.post' }).catch((error: unknown) => error)
  tick()
  return {
    key: parent.key ?? '',
    child: child.key ?? '',
    reservation: held.reservation as string,
    meter: meter.reservation as string,
    quote: quote.quoteId as string,
    approval: ((asked as { readonly approval: { readonly id: string } }).approval).id,
    charge: { transaction: charge.transaction as string, charged: charge.charged, balance: charge.balance },
  }
}

/** Does with a ledger what only one that is whole lets do, and sees that it adds up before and after. */
export async function expectRichLedger(database: string, { now, key, child, reservation, meter, quote, approval, charge }: RichFacts): Promise<void> {
  const credits = await openCredits({ database, clock: { now: () => now } })
  const problems = async () => (await credits.verify()).problems
  expect(await problems()).toEqual([])
  // A key of before the copy replays what it had answered, whatever has happened since.
  const again = { account: CHILD, operation: 'blog.post', labels: { 'kunde\u{1F9EE}': 'Ä"\\\n' }, idempotencyKey: 'job-1' }
  expect(await credits.charge(again)).toMatchObject({ ...charge, replayed: true })
  await expect(credits.charge({ ...again, operation: 'translate' })).rejects.toMatchObject({ code: 'idempotency_conflict' })
  const { credits: holder } = await credits.withKey(key, {})
  expect(await holder.reserve({ operation: 'video.clip', ttlSeconds: 86_400, idempotencyKey: 'hold-1' })).toMatchObject({ reservation, replayed: true })
  expect(await holder.settle({ reservation, actual: 11 })).toMatchObject({ charged: 11 })
  await expect(holder.settle({ reservation: meter })).rejects.toMatchObject({ code: 'unknown_reservation' })
  expect(await credits.as({ account: CHILD, holder: 'meter' }).settle({ reservation: meter })).toMatchObject({ charged: 60 })
  expect(await holder.charge({ operation: 'blog.post', quoteId: quote, idempotencyKey: 'quoted' })).toMatchObject({ charged: 60 })
  // 60 less 10 given back, 60 of the meter and 60 quoted: two more fit below 300, a third does not.
  const posts = async () => (await credits.budgets({ account: CHILD })).budgets.find(({ id }) => id === 'posts')
  expect(await posts()).toMatchObject({ used: 170, limit: 300, reserved: 0 })
  const { credits: grandchild } = await credits.withKey(child, {})
  expect(await grandchild.charge({ operation: 'blog.post' })).toMatchObject({ charged: 60 })
  await expect(grandchild.charge({ operation: 'blog.post' })).rejects.toMatchObject({ code: 'budget_exceeded' })
  expect(await credits.charge({ account: CHILD, operation: 'blog.post', idempotencyKey: 'job-2' })).toMatchObject({ charged: 60, replayed: false })
  await expect(credits.charge({ account: CHILD, operation: 'blog.post' })).rejects.toMatchObject({ code: 'budget_exceeded' })
  await credits.approve({ account: STRANGE, id: approval })
  expect(await credits.as({ account: STRANGE, holder: 'agent' }).charge({ operation: 'blog.post' })).toMatchObject({ charged: 60 })
  await credits.sweep()
  expect(await problems()).toEqual([])
  await credits.close()
}
