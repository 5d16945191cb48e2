import { ownBalance } from '../decide/own-part.js'
import { CreditError } from '../errors.js'
import { parseCredits, toCredits } from '../money/credits.js'
import { randomSalt } from '../random.js'
import type * as results from '../usage/results.js'
import { accountResult, clockResult, timeZoneResult, writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readDuration, readInput, readTimeZone } from './read-input.js'

export async function createAccount(desk: Desk, input: Input<'createAccount'>): Promise<results.AccountResult> {
  const { id, plan = null, timeZone, parent = null, test, debtLimit, idempotencyKey } = readInput(inputs.createAccount, input)
  desk.wholeLedger()
  if (parent !== null) await seeParent(desk, parent, test)
  const settings = {
    id,
    timeZone: readTimeZone(timeZone),
    parent,
    isTest: test,
    debtMax: debtLimit === undefined ? 0n : readAmount(parseCredits, debtLimit, 'debtLimit'),
  }
  const facts = { settings: { ...settings, labelSalt: randomSalt() }, plan }
  return accountResult(await desk.write('create_account', { account: id, idempotencyKey }, facts, { settings, plan }))
}

/** A parent is there already, and a test account never reports to a live one. @throws CreditError `unknown_account`, `invalid_request` */
async function seeParent(desk: Desk, parent: string, isTest: boolean): Promise<void> {
  const isParentTest = await desk.ledger.read(parent, ({ account }) => account.isTest)
  if (isParentTest !== isTest) throw new CreditError('invalid_request', 'A test account has a test account as its parent, and a live one a live one')
}

export async function account(desk: Desk, input: Input<'account'>): Promise<results.AccountResult> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  return desk.ledger.read(id, (draft) => {
    const result = accountResult({ account: draft.account, replayed: false })
    const own = ownBalance(draft, desk.actorIn(id))
    // A delegated key is told of its own part alone.
    return own === null ? result : { ...result, plan: null, parent: null, balance: toCredits(own) }
  })
}

export async function accounts(desk: Desk): Promise<readonly results.AccountResult[]> {
  const accounts = await desk.wholeLedger().query((store) => store.accounts(null, ACCOUNTS_MAX))
  return accounts.map((account) => accountResult({ account, replayed: false }))
}

export async function setAccountState(desk: Desk, input: Input<'setState'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.setState, input)
  return writeResult(await desk.write('set_state', asked, { state: asked.state, reason: asked.reason ?? null }))
}

export async function advanceClock(desk: Desk, input: Input<'advanceClock'>): Promise<results.ClockResult> {
  const asked = readInput(inputs.advanceClock, input)
  return clockResult(await desk.write('advance_clock', asked, { byMs: readDuration(asked.by, 'by') }))
}

export async function setTimeZone(desk: Desk, input: Input<'setTimeZone'>): Promise<results.TimeZoneResult> {
  const asked = readInput(inputs.setTimeZone, input)
  return timeZoneResult(await desk.write('set_time_zone', asked, { timeZone: readTimeZone(asked.timeZone) }))
}

/** Bounds a list that is for people; a ledger with more accounts is asked account by account. */
const ACCOUNTS_MAX = 10_000
