import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { approvalOf, PENDING_BY_KEY_MAX } from '../../src/budgets/approval.js'
import type { Outcome } from '../../src/decide/outcome.js'
import { newestQuestion } from './guard-commands.js'
import { newSeed } from '../support/seeded-random.js'
import { beginHistory, type History, problemsOf, step } from './histories.js'
import type { MemoryLedger } from './memory-ledger.js'
import { attempt, scenario } from './scenario.js'

const START = `
  0  | account                  | ok | 0
  0  | grant 100                | ok | 100
  0  | guard approval above 20  | ok | 100
`

function refusalOf(outcome: Outcome) {
  if (outcome.kind !== 'refused') throw new Error('it was not refused')
  return outcome.refusal
}

describe('approvals', () => {
  it('AX-04, AX-05: nothing is spent before a person says yes, and the same call is then done once', () => {
    scenario(`${START}
      1m | charge 20                | ok                | 80
      1m | charge 21                | approval_required | 80
         > nothing
         = asked pending, messages 1
      2m | approve asked            | ok                | 80
         > amend 0
         = asked approved
      3m | charge 21                | ok                | 59
         > charge 21: available/#1 -21=59, spent/#1 +21=41
         = asked used+
      4m | charge 21                | approval_required | 59
         = asked pending, messages 2
    `)
  })

  it('AX-05: the same call with its idempotency key is charged once, however often it comes', () => {
    scenario(`${START}
      1m | charge 30 key job        | approval_required | 100
      2m | approve asked            | ok                | 100
      3m | charge 30 key job        | ok                | 70
      4m | charge 30 key job        | replay            | 70
      5m | charge 31 key job input x | idempotency_conflict | 70
    `)
  })

  it('AX-05: after a top-up the call is asked about, not before: nobody is asked for what cannot be paid', () => {
    scenario(`
      0  | account                  | ok                | 0
      0  | guard approval above 20  | ok                | 0
      1m | charge 30                | out_of_credits    | 0
         = messages 0
      2m | grant 40                 | ok                | 40
      3m | charge 30                | approval_required | 40
      4m | approve asked            | ok                | 40
      5m | charge 30                | ok                | 10
    `)
  })

  it('asking twice makes no second question, and silence is no yes: once it has lapsed the same call asks anew', () => {
    const ledger = scenario(`${START}
      1m     | charge 30            | approval_required | 100
      30m    | charge 30            | approval_required | 100
             = asked pending, messages 1
      61m    | approve asked        | invalid_request   | 100
      61m    | charge 30            | approval_required | 100
             = asked pending, messages 2
      62m    | approve asked        | ok                | 100
      63m    | charge 30            | ok                | 70
    `)
    expect(ledger.allRecords('approval')).toHaveLength(1)
  })

  it('AX-04: a no stands until it lapses, and only an operator changes it', () => {
    const ledger = scenario(`${START}
      1m     | charge 30            | approval_required | 100
      2m     | deny asked           | ok                | 100
             = asked denied
      3m     | charge 30            | approval_required | 100
             = asked denied, messages 1
      4m     | approve asked client yes by agent | invalid_request | 100
      61m    | charge 30            | approval_required | 100
             = asked denied
      62m    | charge 30            | approval_required | 100
             = asked pending, messages 2
      63m    | deny asked           | ok                | 100
      64m    | approve asked        | ok                | 100
      65m    | charge 30            | ok                | 70
    `)
    expect(ledger.journal.at(-1)?.detail['approval']).toBe(newestQuestion(ledger))
  })

  it('a refusal tells which question waits, for how long and what a person types', () => {
    const ledger = scenario(START)
    const { code, message, details, advice, approval } = refusalOf(attempt(ledger, '1m', 'charge 30'))
    expect({ code, message, details }).toEqual({
      code: 'approval_required',
      message: 'unit costs up to 30 credits; a person has to approve more than 20, and 100 are available',
      details: { operation: 'unit', variant: null, quantity: 30, tool: null, required: 30, above: 20, available: 100 },
    })
    const id = newestQuestion(ledger)
    const how = `npx mcp-credits approve ${id} --account acme`
    expect(approval).toEqual({ id, status: 'pending', maximum: 30, askedAt: '2026-01-15T10:01:00.000Z', expiresAt: '2026-01-15T11:01:00.000Z', how, atClient: true })
    expect(advice).toEqual([`A person has to approve it by 2026-01-15T11:01:00.000Z: ${how}`, 'Then make the very same call again; it is done once.'])
    attempt(ledger, '2m', 'deny asked')
    expect(refusalOf(attempt(ledger, '3m', 'charge 30'))).toMatchObject({
      message: 'unit costs up to 30 credits; a person has to approve more than 20, and 100 are available, and it was denied',
      approval: { id, status: 'denied', expiresAt: '2026-01-15T11:02:00.000Z' },
    })
  })

  it('a yes is for that call alone: not for other arguments, labels or another key, and not for more', () => {
    scenario(`${START}
      0  | mint k1                         | ok                | 100
      0  | mint k2                         | ok                | 100
      1m | charge 30 holder_key k1 by agent | approval_required | 100
      2m | approve asked                   | ok                | 100
      3m | charge 29 holder_key k1 by agent | approval_required | 100
      3m | charge 30 holder_key k2 by agent | approval_required | 100
      3m | charge 30 holder_key k1 by agent label c1 | approval_required | 100
      3m | charge 30                       | approval_required | 100
      3m | charge 30 holder_key k1 by agent | ok                | 70
    `)
  })

  it('AX-04, AX-16: whoever sits at the client of a delegated key says neither yes nor no for it', () => {
    const ledger = scenario(`${START}
      0  | mint top                               | ok                | 100
      0  | delegate leaf 50 by agent holder_key top | ok              | 100
      1m | charge 30 by agent holder_key leaf     | approval_required | 100
      2m | approve asked client yes by agent holder_key leaf | forbidden | 100
      2m | deny asked client yes by agent holder_key leaf | forbidden  | 100
         = asked pending
      3m | approve asked                          | ok                | 100
      4m | charge 30 by agent holder_key leaf     | ok                | 70
    `)
    expect(refusalOf(attempt(ledger, '5m', 'charge 31 by agent holder_key top')).approval).toMatchObject({ atClient: true })
    attempt(ledger, '5m', 'grant 100')
    attempt(ledger, '5m', 'delegate other 50 by agent holder_key top')
    expect(refusalOf(attempt(ledger, '5m', 'charge 31 by agent holder_key other')).approval).toMatchObject({ atClient: false })
  })

  it('a yes can be used until it lapses, and can be taken back before', () => {
    scenario(`
      0        | account                             | ok                | 0
      0        | grant 100                           | ok                | 100
      0        | guard approval above 20 valid 10m   | ok                | 100
      1m       | charge 30                           | approval_required | 100
      2m       | approve asked                       | ok                | 100
      12m      | charge 30                           | approval_required | 100
               = asked pending
      13m      | approve asked                       | ok                | 100
      13m      | approve asked                       | ok                | 100
               > nothing
      14m      | deny asked                          | ok                | 100
      15m      | charge 30                           | approval_required | 100
               = asked denied
    `)
  })

  it('AX-04: of a call in several rounds a yes lasts for all, and is used by the one that is charged', () => {
    scenario(`${START}
      1m | reserve 30                | approval_required | 100
      2m | approve asked             | ok                | 100
      3m | reserve 30 as first       | ok                | 70
         = asked approved+
      3m | reserve 30                | approval_required | 70
      4m | approve asked             | ok                | 70
      5m | reserve 30 as second      | ok                | 40
      5m | release second by agent   | ok                | 70
      6m | reserve 30 as third       | ok                | 40
      7m | settle third 30           | ok                | 40
      8m | reserve 30                | approval_required | 40
    `)
  })

  it('a yes that went into a reservation which timed out is spent for as long as that may be charged late', () => {
    scenario(`
      0          | account                             | ok                | 0
      0          | grant 100                           | ok                | 100
      0          | guard approval above 20 valid 10d   | ok                | 100
      1m         | reserve 30                          | approval_required | 100
      2m         | approve asked                       | ok                | 100
      3m         | reserve 30 ttl 10m as lost          | ok                | 70
      14m        | reserve 30                          | approval_required | 100
      15m        | settle lost 30                      | ok                | 70
    `)
    scenario(`
      0          | account                             | ok                | 0
      0          | grant 100                           | ok                | 100
      0          | guard approval above 20 valid 10d   | ok                | 100
      1m         | reserve 30                          | approval_required | 100
      2m         | approve asked                       | ok                | 100
      3m         | reserve 30 ttl 10m as lost          | ok                | 70
      1d13m      | reserve 30                          | ok                | 70
    `)
  })

  it('AX-04: a quote that is set aside by its id takes a yes, which its row names and its release gives back', () => {
    scenario(`${START}
      1m | quote 30 as q             | ok                | 100
      1m | hold q                    | approval_required | 100
      2m | approve asked             | ok                | 100
      3m | hold q as first           | ok                | 70
         = asked approved+
      4m | release first by agent    | ok                | 100
      5m | hold q as second          | ok                | 70
      6m | settle second             | ok                | 70
      7m | quote 30 as r             | ok                | 70
      7m | hold r                    | approval_required | 70
    `)
  })

  it('AX-04: however many calls are made on a yes each, the next one has none of them to look through', () => {
    const ledger = scenario(`${START}
      0  | grant 900                 | ok                | 1000
    `)
    for (let call = 1; call <= 25; call += 1) {
      const [at, reserve] = [`${call}m`, `reserve 30 label n=${call}`]
      expect(refusalOf(attempt(ledger, at, reserve)).code).toBe('approval_required')
      attempt(ledger, at, 'approve asked')
      const held = attempt(ledger, at, reserve)
      if (held.kind !== 'done' || held.reservation === null) throw new Error('it was not reserved')
      attempt(ledger, at, `${call % 2 === 0 ? 'release' : 'settle'} ${held.reservation.id} by agent`)
    }
    expect(ledger.allRecords('approval')).toHaveLength(25)
    expect(ledger.records('approval')).toEqual([])
    expect(ledger.problems()).toEqual([])
  })

  it('AX-04: what a settlement takes beyond its reservation is charged up to what was allowed, and no further', () => {
    scenario(`
      0  | account                     | ok                | 0
      0  | grant 100                   | ok                | 100
      0  | guard approval above 12     | ok                | 100
      1m | reserve op job as small     | ok                | 90
      2m | settle small 40             | ok                | 88
         = spent 12, uncollected 28
      3m | reserve 20                  | approval_required | 88
      4m | approve asked               | ok                | 88
      5m | reserve 20 as big           | ok                | 68
      6m | settle big 50               | ok                | 68
         = spent 32, uncollected 58
      7m | reserve op job ttl 1m as late | ok              | 58
      9m | settle late 40              | ok                | 56
         = spent 44, uncollected 86
    `)
  })

  it('whoever sits at the client answers its own call alone, and only where the guard lets them', () => {
    scenario(`${START}
      0  | mint k1                                       | ok                | 100
      0  | mint k2                                       | ok                | 100
      1m | charge 30 holder_key k1 by agent              | approval_required | 100
      2m | approve asked by agent holder_key k1          | forbidden         | 100
      2m | approve asked client yes by agent holder_key k2 | unknown_approval | 100
      2m | approve ap_none client yes by agent holder_key k1 | unknown_approval | 100
      2m | approve asked client yes by agent holder_key k1 | ok              | 100
      3m | charge 30 holder_key k1 by agent              | ok                | 70
      3m | guard approval above 20 client no             | ok                | 70
      4m | charge 30 holder_key k1 by agent              | approval_required | 70
      5m | approve asked client yes by agent holder_key k1 | forbidden       | 70
      6m | approve asked                                 | ok                | 70
      7m | charge 30 holder_key k1 by agent              | ok                | 40
    `)
  })

  it('without its guard nothing is asked, and what costs nothing never is', () => {
    scenario(`${START}
      1m | charge op free            | ok                | 100
      1m | charge 30                 | approval_required | 100
      2m | unguard approval          | ok                | 100
      3m | charge 30                 | ok                | 70
      4m | unguard approval          | unknown_guard     | 70
      5m | approve ap_none           | unknown_approval  | 70
    `)
  })

  it('one key has so many questions waiting and no more, and people learn why', () => {
    const ledger = scenario(START)
    attempt(ledger, '0', 'mint k1')
    for (let number = 1; number <= PENDING_BY_KEY_MAX; number += 1) attempt(ledger, '1m', `charge ${20 + number} holder_key k1 by agent`)
    const full = refusalOf(attempt(ledger, '2m', 'charge 60 holder_key k1 by agent'))
    expect(full).toMatchObject({ code: 'approval_required', details: { pendingMax: PENDING_BY_KEY_MAX } })
    expect(full.approval).toBeUndefined()
    expect(full.message).toContain('too many questions wait')
    expect(ledger.allRecords('approval')).toHaveLength(PENDING_BY_KEY_MAX)
    // Somebody else's questions are not crowded out, and those that have lapsed make room.
    expect(refusalOf(attempt(ledger, '3m', 'charge 60')).approval).toMatchObject({ status: 'pending' })
    expect(refusalOf(attempt(ledger, '62m', 'charge 60 holder_key k1 by agent')).approval).toMatchObject({ status: 'pending' })
    expect(ledger.records('approval').map((record) => approvalOf(record).state)).toEqual(['pending', 'pending'])
    expect(ledger.problems()).toEqual([])
  })

  it('T46: a question keeps no argument of its call', () => {
    const ledger = scenario(START)
    const charge = { kind: 'operation', operation: 'unit', variant: null, quantity: 30, args: { prompt: 'a planted secret' }, actual: {} } as const
    const actor = { key: null, member: null, run: null, holder: 'agent' } as const
    const asked = ledger.run({ kind: 'charge', account: 'acme', actor, idempotencyKey: null, fingerprint: null, subject: charge, labels: null, quote: null }, ledger.account?.lastAt ?? 0)
    expect(refusalOf(asked).code).toBe('approval_required')
    expect(JSON.stringify([ledger.allRecords('approval'), ledger.allRecords('message'), ledger.journal.map((row) => row.detail)])).not.toContain('planted')
  })

  it('AX-21: a yes that no row of the journal tells of is found', () => {
    const ledger = scenario(`${START}
      1m | charge 30 | approval_required | 100
    `)
    const record = ledger.record('approval', newestQuestion(ledger))
    if (record === null) throw new Error('there is a question')
    ledger.tamper({ ...record, document: { ...record.document, state: 'approved', expiresAt: 2e12 } })
    expect(ledger.problems()).toEqual([`records approval ${record.id}: no transaction of the journal made it what it is`])
  })
})

/** What was charged on each yes, in the order of the answers: of a question asked again, the newest yes counts. */
function chargedByYes({ journal }: MemoryLedger): readonly { readonly maximum: number; readonly charged: bigint }[] {
  const answers = new Map<string, { readonly maximum: number; charged: bigint }>()
  const held = new Map<number, { readonly maximum: number; charged: bigint }>()
  const all: { readonly maximum: number; charged: bigint }[] = []
  for (const { kind, detail, credits, sequence, refersTo } of journal) {
    const { change, approval, document } = detail as { change?: string; approval?: string; document?: { state: string; maximum: number } }
    if (change === 'approval_resolved' && document?.state === 'approved') {
      const yes = { maximum: document.maximum, charged: 0n }
      answers.set(approval as string, yes)
      all.push(yes)
    }
    const yes = change === undefined && approval !== undefined ? answers.get(approval) : undefined
    if (kind === 'charge' && yes !== undefined) yes.charged += credits
    if (kind === 'reserve' && yes !== undefined) held.set(sequence, yes)
    const of = kind === 'settle' && refersTo !== null ? held.get(refersTo) : undefined
    if (of !== undefined) of.charged += credits
  }
  return all
}

describe('histories with approvals', () => {
  const ABOVE = 10
  const moves = fc.tuple(
    fc.constantFrom(0, 0, 0, 1, 11, 70, 1_500),
    fc.constantFrom(
      'charge 8', 'charge 15', 'charge 25', 'reserve 15 ttl 10m', 'reserve 15 ttl 10m overrun debt', 'reserve 25 ttl 2h', 'settle $held', 'settle $held 40',
      'settle $held 3', 'release $held by agent', 'approve asked', 'approve asked', 'deny asked', 'request approval 20', 'guard approval above 10 valid 3d wait 2h', 'sweep',
    ),
  )

  it('AX-04: by chance, nothing above the threshold is spent without a yes, and never more on one yes than it allows', () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 60 }), (steps) => {
        let history: History = beginHistory('account debt 50')
        for (const command of ['grant 400', 'guard approval above 10 valid 3d wait 2h', 'request approval 20']) history = step(history, command).history
        for (const [minutes, command] of steps) history = step({ ...history, now: history.now + minutes * 60_000 }, command).history
        const { ledger } = history
        const big = ledger.journal.filter(({ kind, credits }) => (kind === 'charge' || kind === 'reserve') && credits > BigInt(ABOVE) * 1_000_000n)
        expect(big.filter(({ detail }) => detail['approval'] === undefined)).toEqual([])
        for (const { maximum, charged } of chargedByYes(ledger)) expect(charged <= BigInt(maximum)).toBe(true)
        expect(problemsOf(history)).toEqual([])
      }),
      { seed: newSeed(), numRuns: 150 },
    )
  })
})
