import { expect } from 'vitest'
import { type BudgetTerms, DEFAULT_THRESHOLDS, type Scope, type Window } from '../../src/budgets/budget.js'
import type { CatalogVersion } from '../../src/catalog/version.js'
import { NO_PLAN } from '../../src/plans/period.js'
import type { Actor, Command, Fault, Subject } from '../../src/decide/command.js'
import type { Outcome } from '../../src/decide/outcome.js'
import { DEFAULT_SCOPES } from '../../src/keys/key.js'
import type { Role } from '../../src/keys/member.js'
import type { AccountState } from '../../src/ledger/account.js'
import { BOOKS, type Book } from '../../src/ledger/books.js'
import { quoteOf } from '../../src/ledger/quote.js'
import { PRIORITY_DEFAULT } from '../../src/ledger/grant.js'
import type { Holder, OverrunPolicy } from '../../src/ledger/reservation.js'
import { type Transaction, transactionId } from '../../src/ledger/transaction.js'
import { formatCredits, parseCredits, parseSignedCredits } from '../../src/money/credits.js'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, NEVER, SECOND_MS } from '../../src/time/instant.js'
import { DECISIONS } from './catalog.js'
import { GUARD_VERBS, GUARD_WORDS, questionText, readGuardCommand } from './guard-commands.js'
import { MemoryLedger } from './memory-ledger.js'

/** 2026-01-15T10:00:00Z, the `0` of every table. */
export const T0: Instant = Date.UTC(2026, 0, 15, 10)

/**
 * Runs a table of steps against the rules and compares each with what it says. A line is
 *
 *     <time> | <command> | <outcome> | <balance>
 *     > <kind> <credits>: <book>/<name> <amount>=<sum after>, …      one line per transaction of the step; all or none
 *     = <name> <credits>, …                                          what a grant has left, a book holds, or `debt`;
 *                                                                    `budget:<id>/<subject> <used>+<reserved>`, `messages <count>`,
 *                                                                    `asked <state>` of the newest question to people
 *
 * Times count from {@link T0} (`1d`, `15m-1ms`). `as <name>` names the grant, reservation or charge that a step makes;
 * `unit` is the operation unless `op` says another. The outcome is `ok`, `replay` or a refusal's code, and a refusal must
 * post nothing of its own. After each step the whole ledger is audited.
 */
export function scenario(text: string, catalogs: readonly CatalogVersion[] = DECISIONS): MemoryLedger {
  const ledger = new MemoryLedger(catalogs)
  const names = new Names(ledger)
  for (const step of stepsOf(text)) runStep(ledger, names, step)
  return ledger
}

/** Runs one command of the tables on a ledger, at a time of the tables; rows are named by their ids or as `#<sequence>`. */
export function attempt(ledger: MemoryLedger, time: string, text: string): Outcome {
  return ledger.run(readCommand(text, new Names(ledger)).command, T0 + durationOf(time))
}

interface Step {
  readonly line: string
  readonly at: Instant
  readonly command: string
  readonly outcome: string
  readonly balance: string
  readonly transactions: string[]
  readonly holds: string[]
}

function stepsOf(text: string): readonly Step[] {
  const steps: Step[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('>')) steps.at(-1)?.transactions.push(line.slice(1).trim())
    else if (line.startsWith('=')) steps.at(-1)?.holds.push(...line.slice(1).split(',').map((part) => part.trim()))
    else {
      const [time, command, outcome, balance] = line.split('|').map((cell) => cell.trim())
      if (time === undefined || command === undefined || outcome === undefined || balance === undefined) throw new Error(`not a step: ${line}`)
      steps.push({ line, at: T0 + durationOf(time), command, outcome, balance, transactions: [], holds: [] })
    }
  }
  return steps
}

function runStep(ledger: MemoryLedger, names: Names, step: Step): void {
  const posted = ledger.journal.length
  const { command, as } = readCommand(step.command, names)
  const outcome = ledger.run(command, step.at)
  const transactions = ledger.journal.slice(posted)
  const made = outcome.kind === 'done' && !outcome.replayed ? (outcome.transaction?.sequence ?? ledger.journal.length) : null
  if (as !== null && made !== null) names.add(as, made)
  expect(outcomeOf(outcome), step.line).toBe(step.outcome)
  expect(formatCredits(ledger.account?.books.available ?? 0n), step.line).toBe(step.balance)
  if (step.transactions.length > 0) {
    expect(transactions.map((row) => postedText(row, names)), step.line).toEqual(step.transactions.map((row) => (row === 'nothing' ? [] : row)).flat())
  }
  expect(step.holds.map((held) => heldText(held, ledger, names)), step.line).toEqual(step.holds)
  expect(ledger.problems(), step.line).toEqual([])
}

function outcomeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.replayed ? 'replay' : 'ok'
}

function postedText(row: Transaction, names: Names): string {
  const entries = row.entries.map(({ book, grant, amount, balanceAfter }) => {
    const signed = `${amount > 0n ? '+' : ''}${formatCredits(amount)}`
    return `${book}${grant === null ? '' : `/${names.of(grant)}`} ${signed}=${formatCredits(balanceAfter)}`
  })
  return `${row.kind} ${formatCredits(row.credits)}${entries.length === 0 ? '' : `: ${entries.join(', ')}`}`
}

function heldText(held: string, ledger: MemoryLedger, names: Names): string {
  const name = held.split(' ')[0] as string
  const { account } = ledger
  if (account === null) return `${name} nothing`
  if (name === 'debt') return `debt ${formatCredits(account.debt)}`
  if ((BOOKS as readonly string[]).includes(name)) return `${name} ${formatCredits(account.books[name as Book])}`
  if (name.startsWith('budget:')) {
    const [id = '', subject = ''] = name.slice('budget:'.length).split('/')
    const counter = ledger.counters([{ budget: id, subject }])[0] ?? null
    return `${name} ${counter === null ? 'nothing' : `${formatCredits(counter.used)}+${formatCredits(counter.reserved)}`}`
  }
  if (name === 'messages') return `messages ${ledger.allRecords('message').length}`
  if (name === 'asked') return `asked ${questionText(ledger)}`
  const sequence = names.sequence(name)
  const reservation = ledger.reservations.get(sequence)
  return `${name} ${reservation === undefined ? formatCredits(ledger.grant(sequence).remaining) : reservation.state}`
}

/** Names of rows in a table; a row without one is called by its sequence, `#7`. */
class Names {
  readonly ledger: MemoryLedger
  readonly #sequences = new Map<string, number>()

  constructor(ledger: MemoryLedger) {
    this.ledger = ledger
  }

  add(name: string, sequence: number): void {
    this.#sequences.set(name, sequence)
  }

  of(sequence: number): string {
    return [...this.#sequences].find(([, named]) => named === sequence)?.[0] ?? `#${sequence}`
  }

  sequence(name: string): number {
    const sequence = name.startsWith('#') ? Number(name.slice(1)) : this.#sequences.get(name)
    if (sequence === undefined) throw new Error(`nothing is called ${name}`)
    return sequence
  }

  reservation(name: string): string {
    const isNamed = name.startsWith('#') || this.#sequences.has(name)
    if (!isNamed) return name
    return this.ledger.reservation(this.sequence(name))?.id ?? (this.quote(name) === NO_QUOTE ? 'rs_1_0000000000' : this.quote(name))
  }

  /** The quote that a row made, or the one of the plan that it set aside. */
  quote(name: string): string {
    if (!name.startsWith('#') && !this.#sequences.has(name)) return name
    const row = this.ledger.transaction(this.sequence(name))
    const { change, quote } = row?.detail ?? {}
    return (row === null ? null : quoteOf(row)?.id) ?? (change === 'plan_reserved' ? String(quote) : NO_QUOTE)
  }

  transaction(name: string): string {
    if (!name.startsWith('#') && !this.#sequences.has(name)) return name
    const row = this.ledger.transaction(this.sequence(name))
    return row === null ? 'tx_1_0000000000' : transactionId(row)
  }
}

const NO_QUOTE = 'quote_1_0000000000'

const VERBS_WITH_NAME = ['hold', 'budget', 'unbudget', 'raise', 'member', 'unmember', 'mint', 'delegate', 'revoke', 'alert', 'unalert', 'settle', 'release', 'extend', 'heartbeat', 'refund', 'state', 'subscribe', 'clock', 'zone', ...GUARD_VERBS]

interface Read {
  readonly command: Command
  readonly as: string | null
}

/** What an agent does unless told otherwise. */
const AGENTS_VERBS = ['reserve', 'settle', 'quote', 'hold']

/** `settle r 7 key k1 by meter`: a verb, for some a name, perhaps an amount, then pairs of a word and its value. */
function readCommand(text: string, names: Names): Read {
  const [verb = '', ...rest] = text.split(/\s+/)
  const name = VERBS_WITH_NAME.includes(verb) ? (rest.shift() ?? '') : ''
  const amount = rest[0] !== undefined && /^-?\d/.test(rest[0]) ? (rest.shift() as string) : null
  const given = new Map<string, string>()
  for (let index = 0; index < rest.length; index += 2) given.set(rest[index] as string, rest[index + 1] as string)
  const command = { ...readShared(given, verb), ...readFacts(verb, { name, amount, given, names }) } as Command
  const as = given.get('as') ?? null
  given.delete('as')
  const unknown = [...given.keys()].filter((word) => !WORDS.includes(word))
  if (unknown.length > 0) throw new Error(`${text}: unknown words ${unknown.join(', ')}`)
  return { command, as }
}

const WORDS = [
  'by', 'key', 'input', 'plan', 'debt', 'zone', 'priority', 'paid', 'from', 'until', 'op', 'variant', 'tool', 'actual', 'tokens',
  'quantity', 'ttl', 'overrun', 'call', 'fault', 'holder_key', 'label', 'source', 'when', 'test',
  'quote', 'alone', 'calls', 'member', 'run', 'window', 'scope', 'each', 'enforcement', 'at', 'role', 'scopes', 'environment', 'under', 'percent', 'is', 'delegates', 'for',
  ...GUARD_WORDS,
]

function readShared(given: ReadonlyMap<string, string>, verb: string) {
  const holder = (given.get('by') ?? (AGENTS_VERBS.includes(verb) ? 'agent' : 'operator')) as Holder
  const actor: Actor = { key: given.get('holder_key') ?? null, member: given.get('member') ?? null, holder, run: given.get('run') ?? null }
  const idempotencyKey = given.get('key') ?? null
  return { account: 'acme', actor, idempotencyKey, fingerprint: idempotencyKey === null ? null : (given.get('input') ?? 'same') }
}

interface Words {
  readonly name: string
  readonly amount: string | null
  readonly given: ReadonlyMap<string, string>
  readonly names: Names
}

function readFacts(verb: string, { name, amount, given, names }: Words): Partial<Command> & { readonly kind: Command['kind'] } {
  const whole = (text: string) => parseCredits(text, 'credits')
  const instant = (word: string) => (given.has(word) ? T0 + durationOf(given.get(word) as string) : null)
  const ttlMs = durationOf(given.get('ttl') ?? '15m')
  const fault = (given.get('fault') ?? null) as Fault | null
  const labels = given.has('label') ? { customer: given.get('label') as string } : null
  const quote = given.has('quote') ? { quote: names.quote(given.get('quote') as string) } : {}
  switch (verb) {
    case 'account': {
      const debtMax = whole(given.get('debt') ?? '0')
      const timeZone = given.get('zone') ?? 'UTC'
      const settings = { id: 'acme', timeZone, parent: null, isTest: given.get('test') === 'yes', debtMax, labelSalt: 'salt' }
      return { kind: 'create_account', settings, plan: given.get('plan') ?? NO_PLAN }
    }
    case 'subscribe':
      return { kind: 'subscribe', plan: name, when: given.get('when') === 'now' ? 'now' : 'renewal' }
    case 'unsubscribe':
      return { kind: 'unsubscribe' }
    case 'clock':
      return { kind: 'advance_clock', byMs: durationOf(name) }
    case 'zone':
      return { kind: 'set_time_zone', timeZone: name }
    case 'grant':
      return {
        kind: 'grant',
        amount: whole(amount ?? ''),
        source: given.get('source') ?? 'adjustment',
        priority: Number(given.get('priority') ?? PRIORITY_DEFAULT),
        isPaid: given.get('paid') === 'yes',
        effectiveAt: instant('from'),
        expiresAt: instant('until'),
        reason: null,
      }
    case 'charge':
      return { kind: 'charge', subject: subjectOf(amount, given), labels, ...quote }
    case 'quote': {
      const calls = given.has('calls') ? plannedCalls(given.get('calls') as string) : [subjectOf(amount, given)]
      return { kind: 'quote', calls, isPlan: given.has('calls'), ttlMs }
    }
    case 'hold':
      return { kind: 'reserve_quoted', of: name === 'new' ? { calls: plannedCalls(given.get('calls') as string) } : { quote: names.quote(name) }, labels, ttlMs }
    case 'reserve': {
      const call = given.has('call') ? { key: given.get('call') as string, fingerprint: given.get('input') ?? 'same' } : null
      return { kind: 'reserve', ...(given.get('round') === 'yes' ? { isRound: true } : {}), subject: subjectOf(amount, given), labels, ttlMs, overrun: (given.get('overrun') ?? 'cap') as OverrunPolicy, call, ...quote }
    }
    case 'settle': {
      const actual = {
        actual: amount === null ? undefined : parseSignedCredits(amount, 'actual'),
        quantity: given.has('quantity') ? Number(given.get('quantity')) : undefined,
        usage: given.has('tokens') ? { input_tokens: Number(given.get('tokens')) } : undefined,
      }
      return { kind: 'settle', reservation: names.reservation(name), actual, fault }
    }
    case 'release':
      return { kind: 'release', reservation: names.reservation(name), fault }
    case 'extend':
    case 'heartbeat':
      return { kind: 'extend', reservation: names.reservation(name), ttlMs, isHeartbeat: verb === 'heartbeat' }
    case 'refund':
      return { kind: 'refund', transaction: names.transaction(name), amount: amount === null ? null : whole(amount), reason: null }
    case 'adjust':
      return { kind: 'adjust', amount: parseSignedCredits(amount, 'credits'), reason: null }
    case 'state':
      return { kind: 'set_state', state: name as AccountState, reason: null }
    case 'budget':
      return { kind: 'set_budget', id: name, terms: budgetTerms(whole(amount ?? ''), given) }
    case 'unbudget':
      return { kind: 'remove_budget', id: name }
    case 'raise':
      return { kind: 'raise_budget', id: name, amount: whole(amount ?? ''), until: instant('until') }
    case 'member':
      return { kind: 'put_member', id: name, name: null, role: (given.get('role') ?? 'member') as Role }
    case 'unmember':
      return { kind: 'remove_member', id: name }
    case 'mint': {
      const scopes = given.get('scopes')?.split(',') ?? DEFAULT_SCOPES
      const ancestors = given.get('under')?.split(',') ?? []
      const terms = { name: null, prefix: `mc_${name}`, scopes, environment: given.get('environment') ?? null, member: given.get('is') ?? null, ancestors }
      return { kind: 'create_key', id: name, digest: `digest of ${name}`, terms: { ...terms, expiresAt: instant('until') ?? NEVER, mayDelegate: given.get('delegates') !== 'no', isDelegated: false } }
    }
    case 'delegate': {
      const operations = given.get('scopes')?.split(',') ?? null
      const shared = { id: name, digest: `digest of ${name}`, prefix: `mc_${name}`, name: null, operations, mayDelegate: given.get('delegates') === 'yes' }
      return { kind: 'delegate', ...shared, amount: parseSignedCredits(amount, 'credits'), lifeMs: durationOf(given.get('for') ?? '1h') }
    }
    case 'revoke':
      return { kind: 'revoke_key', id: name }
    case 'alert': {
      const percent = given.get('percent')
      const limit = percent === undefined ? { kind: 'absolute' as const, credits: whole(amount ?? '') } : { kind: 'percent_of_period' as const, percent: Number(percent) }
      return { kind: 'set_alert', id: name, threshold: { level: 'low', when: 'at_or_below', limit } }
    }
    case 'unalert':
      return { kind: 'remove_alert', id: name }
    case 'sweep':
      return { kind: 'sweep' }
    default: {
      const command = readGuardCommand(verb, { name, amount, given, durationOf, ledger: names.ledger })
      if (command === null) throw new Error(`unknown verb ${verb}`)
      return command
    }
  }
}

/** `window rolling:5h scope tool=x,label:who=ann each key enforcement alert at 50,100`. */
function budgetTerms(limit: bigint, given: ReadonlyMap<string, string>): BudgetTerms {
  const enforcement = (given.get('enforcement') ?? 'hard') as BudgetTerms['enforcement']
  const [kind = 'total', hours = ''] = (given.get('window') ?? 'total').split(':')
  const pairs = (given.get('scope') ?? '').split(',').filter((pair) => pair !== '').map((pair) => pair.split('='))
  return {
    name: null,
    scope: { values: Object.fromEntries(pairs) as Scope['values'], each: (given.get('each') ?? null) as Scope['each'] },
    window: kind === 'rolling' ? { kind, hours: Number.parseInt(hours, 10) } : ({ kind } as Window),
    limit,
    enforcement,
    thresholds: given.get('at')?.split(',').map(Number) ?? DEFAULT_THRESHOLDS[enforcement],
  }
}

function subjectOf(amount: string | null, given: ReadonlyMap<string, string>): Subject {
  const tool = given.get('tool')
  if (tool !== undefined) return { kind: 'tool', tool, args: {} }
  const told = given.get('actual')
  const tokens = given.get('tokens')
  const actual = {
    actual: told === undefined ? undefined : parseSignedCredits(told, 'actual'),
    usage: tokens === undefined ? undefined : { input_tokens: Number(tokens) },
  }
  if (given.get('alone') === 'yes') return { kind: 'quoted', actual }
  return {
    kind: 'operation',
    operation: given.get('op') ?? 'unit',
    variant: given.get('variant') ?? null,
    quantity: amount === null ? null : Number(amount),
    args: null,
    actual,
  }
}

/** `unit:2,job,tool:work`: operations with their quantities, and tools. */
function plannedCalls(text: string): readonly Subject[] {
  return text.split(',').map((word) => {
    const [operation = '', amount = null] = word.split(':')
    return operation === 'tool' ? subjectOf(null, new Map([['tool', amount ?? '']])) : subjectOf(amount, new Map([['op', operation]]))
  })
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS }

/** `1d`, `1h30m`, `15m-1ms`, `0`. */
export function durationOf(text: string): number {
  if (text === '0') return 0
  let sum = 0
  const rest = text.replace(/([+-]?)(\d+)(ms|s|m|h|d)/g, (_, sign: string, count: string, unit: string) => {
    sum += (sign === '-' ? -1 : 1) * Number(count) * (UNITS[unit] as number)
    return ''
  })
  if (rest !== '') throw new Error(`not a duration: ${text}`)
  return sum
}
