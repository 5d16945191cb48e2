import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/decide/outcome.js'
import { formatId } from '../../src/ledger/transaction.js'
import { DAY_MS, MINUTE_MS } from '../../src/time/instant.js'
import { decisionsAt } from './catalog.js'
import type { MemoryLedger } from './memory-ledger.js'
import { attempt, scenario, T0 } from './scenario.js'

/** A unit costs 1 credit, and 3 from the fifth minute on. */
const DEARER = decisionsAt({ at: T0 + 5 * MINUTE_MS, unit: '3' })

const refusalOf = (outcome: Outcome) => (outcome.kind === 'refused' ? outcome.refusal : null)

/** The id of the quote that the row of this sequence made. */
function quoteAt(ledger: MemoryLedger, sequence: number): string {
  return `quote_${sequence}_${ledger.transaction(sequence)?.hash.slice(0, 10)}`
}

describe('AX-01: a quote', () => {
  it('binds the price: a price change in between does not touch it, and without the quote the new price holds', () => {
    const ledger = scenario(
      `
      0  | account                         | ok | 0
      0  | grant 100 as A                  | ok | 100
      0  | quote 4 as q                    | ok | 100
         > amend 0
      6m | charge 4                        | ok | 88
      6m | charge 4 quote q                | ok | 84
         > charge 4: available/A -4=84, spent/A +4=16
    `,
      DEARER,
    )
    expect(ledger.journal.at(-1)).toMatchObject({ priceVersion: 1, detail: { quote: quoteAt(ledger, 2), call: 0 } })
  })

  it('holds also where it promised more than the price is by now, and sets nothing aside', () => {
    scenario(
      `
      0  | account                         | ok | 0
      0  | grant 9 as A                    | ok | 9
      0  | quote 4 as q                    | ok | 9
         = reserved 0
      6m | charge 4 quote q                | ok | 1
    `,
      decisionsAt({ at: 0, unit: '2' }, { at: T0 + 5 * MINUTE_MS, unit: '1' }),
    )
  })

  it('is made whatever the balance, the state and the limits, which all hold when it is spent', () => {
    scenario(`
      0  | account                         | ok                | 0
      0  | state suspended                 | ok                | 0
      0  | budget all 1 window total       | ok                | 0
      0  | quote 4 as q                    | ok                | 0
      1m | charge 4 quote q                | account_suspended | 0
      1m | state active                    | ok                | 0
      1m | charge 4 quote q                | out_of_credits    | 0
      1m | grant 9 as A                    | ok                | 9
      1m | charge 4 quote q                | budget_exceeded   | 9
         > nothing
      1m | raise all 3                     | ok                | 9
      1m | charge 4 quote q                | ok                | 5
         = budget:all 4+0
    `)
  })

  it('is over at its end to the millisecond, before any work starts', () => {
    const ledger = scenario(`
      0      | account                     | ok            | 0
      0      | grant 9 as A                | ok            | 9
      0      | quote 4 ttl 10m as q        | ok            | 9
      0      | quote 4 ttl 10m as r        | ok            | 9
      10m-1ms| charge 4 quote q            | ok            | 5
      10m    | charge 4 quote r            | quote_expired | 5
             > nothing
      10m    | reserve 4 quote r           | quote_expired | 5
      10m    | hold r                      | quote_expired | 5
    `)
    const refusal = refusalOf(attempt(ledger, '11m', `charge 4 quote ${quoteAt(ledger, 3)}`))
    expect(refusal).toMatchObject({ code: 'quote_expired', details: { quote: quoteAt(ledger, 3), expiresAt: '2026-01-15T10:10:00.000Z' } })
  })

  it('is for a day at most, and for at most a hundred calls', () => {
    const ledger = scenario('0 | account | ok | 0')
    expect(attempt(ledger, '1s', 'quote 4 ttl 24h').kind).toBe('done')
    expect(refusalOf(attempt(ledger, '1s', 'quote 4 ttl 24h1ms'))).toMatchObject({ code: 'invalid_request', message: 'A quote holds at most 24 hours' })
    const many = Array.from({ length: 101 }, () => 'unit:1').join(',')
    expect(refusalOf(attempt(ledger, '1s', `quote calls ${many}`))).toMatchObject({ code: 'invalid_request' })
  })

  it.each(['quote', 'hold new'])('%s: its calls come to an amount together, or are refused as too many', (command) => {
    const ledger = scenario('0 | account | ok | 0')
    expect(refusalOf(attempt(ledger, '1s', `${command} calls unit:1000000000,unit:1000000001`))).toMatchObject({
      code: 'invalid_amount',
      message: 'calls: these cost up to 2000000001 credits together, expected at most 2000000000',
    })
    expect(refusalOf(attempt(ledger, '1s', `${command} calls unit:1000000000,unit:1000000000`))?.code).not.toBe('invalid_amount')
  })

  it.each([
    ['another operation', 'charge op job actual 3'],
    ['another quantity', 'charge 5'],
    ['no quantity, which is one', 'charge'],
    ['an operation that is not there', 'charge 4 op nothing'],
    ['a tool that counts as the operation, at another quantity', 'reserve tool work by meter'],
  ])('is not for %s', (_what, command) => {
    const ledger = scenario(`
      0  | account                         | ok             | 0
      0  | grant 9 as A                    | ok             | 9
      0  | quote 4 as q                    | ok             | 9
      1m | ${command} quote q              | quote_mismatch | 9
         > nothing
    `)
    expect(refusalOf(attempt(ledger, '2m', `${command} quote ${quoteAt(ledger, 2)}`))).toMatchObject({
      code: 'quote_mismatch',
      details: { quoted: [{ operation: 'unit', variant: null, quantity: 4, maximum: 4, state: 'open' }], asked: {} },
      advice: [expect.stringContaining('as they were quoted'), expect.any(String)],
    })
  })

  it('says what was asked and whether its arguments are those that were quoted, and stores none of them (T46)', () => {
    const ledger = scenario(`
      0  | account                         | ok             | 0
      0  | grant 9 as A                    | ok             | 9
    `)
    const subject = (args: Record<string, unknown>) => ({ kind: 'operation', operation: 'unit', variant: null, quantity: 2, args, actual: {} }) as const
    const shared = { account: 'acme', actor: { key: null, member: null, run: null, holder: 'agent' }, idempotencyKey: null, fingerprint: null } as const
    ledger.run({ ...shared, kind: 'quote', calls: [subject({ secret: 'hunter2' })], isPlan: false, ttlMs: MINUTE_MS }, T0)
    const quote = quoteAt(ledger, 2)
    const charge = (args: Record<string, unknown>) => ledger.run({ ...shared, kind: 'charge', subject: subject(args), labels: null, quote }, T0)
    expect(JSON.stringify(ledger.journal.map(({ detail }) => detail))).not.toContain('hunter2')
    expect(refusalOf(charge({ secret: 'hunter3' }))).toMatchObject({ code: 'quote_mismatch', details: { asked: { operation: 'unit', quantity: 2, argsQuoted: false } } })
    expect(charge({ secret: 'hunter2' }).kind).toBe('done')
    expect(ledger.problems()).toEqual([])
  })

  it('is spent once, and a replay by key answers the charge', () => {
    scenario(`
      0  | account                         | ok             | 0
      0  | grant 9 as A                    | ok             | 9
      0  | quote 4 as q                    | ok             | 9
      1m | charge 4 quote q key k          | ok             | 5
      1m | charge 4 quote q                | quote_mismatch | 5
         > nothing
      1d | charge 4 quote q key k          | replay         | 5
      1d | charge 4 quote q                | quote_expired  | 5
    `)
  })

  it('is spent by its id alone where one call is left of it', () => {
    scenario(`
      0  | account                         | ok             | 0
      0  | grant 9 as A                    | ok             | 9
      0  | quote 4 as q                    | ok             | 9
      0  | quote calls unit:1,unit:2 as p  | ok             | 9
      1m | charge alone yes quote q        | ok             | 5
      1m | charge alone yes quote p        | quote_mismatch | 5
      1m | charge 2 quote p                | ok             | 3
      1m | charge alone yes quote p        | ok             | 2
      1m | charge alone yes quote p        | quote_mismatch | 2
    `)
  })

  it('is unknown to anybody but whose key asked for it, as one that never was', () => {
    const ledger = scenario(`
      0  | account                                 | ok            | 0
      0  | grant 9 as A                            | ok            | 9
      0  | mint k1                                 | ok            | 9
      0  | mint k2                                 | ok            | 9
      0  | quote 4 holder_key k1 as q              | ok            | 9
      1m | charge 4 quote q holder_key k2 by agent | unknown_quote | 9
      1m | charge 4 quote q by agent               | unknown_quote | 9
      1m | charge 4 quote quote_5_0123456789       | unknown_quote | 9
      1m | charge 4 quote rs_5_0123456789          | unknown_quote | 9
      1m | hold q holder_key k2                    | unknown_quote | 9
      1m | settle q holder_key k2                  | unknown_quote | 9
      1m | charge 4 quote q holder_key k1 by agent | ok            | 5
    `)
    const messages = ['quote_5_0123456789', quoteAt(ledger, 4)].map((quote) => refusalOf(attempt(ledger, '1m', `charge 4 quote ${quote} by agent`)))
    expect(messages[0]?.message.replace(/quote_\S+/, 'it')).toBe(messages[1]?.message.replace(/quote_\S+/, 'it'))
    expect(messages[0]?.details).toEqual(messages[1]?.details)
  })

  it('takes a key that may read, and spending under it one that may spend', () => {
    scenario(`
      0  | account                                   | ok        | 0
      0  | grant 9 as A                              | ok        | 9
      0  | mint reader scopes credits:read           | ok        | 9
      0  | mint spender scopes credits:spend         | ok        | 9
      0  | quote 4 holder_key reader as q            | ok        | 9
      0  | quote 4 holder_key spender                | forbidden | 9
      1m | charge 4 quote q holder_key reader by agent | forbidden | 9
    `)
  })

  it('of an open price asks what it cost, at its own rates and never beyond its maximum; nothing is uncollected', () => {
    scenario(`
      0  | account                              | ok              | 0
      0  | grant 50 as A                        | ok              | 50
      0  | quote op job as q                    | ok              | 50
      0  | quote op job as r                    | ok              | 50
      0  | quote op tokens as t                 | ok              | 50
      1m | charge op job quote q                | invalid_request | 50
      1m | charge op job quote q actual 7       | ok              | 43
      1m | charge op job quote r actual 25      | ok              | 33
         = uncollected 0
      1m | charge op tokens quote t tokens 3000000 | ok           | 28
         = uncollected 0
    `)
  })

  it('of what was going to be used is open to what was used in the end, up to the quoted maximum', () => {
    scenario(`
      0  | account                                  | ok | 0
      0  | grant 50 as A                            | ok | 50
      0  | quote op tokens tokens 2000000 as q      | ok | 50
      0  | quote op tokens tokens 2000000 as r      | ok | 50
      0  | quote op tokens tokens 2000000 as s      | ok | 50
      0  | quote op tokens tokens 2000000 as t      | ok | 50
      1m | charge op tokens quote q tokens 1000000  | ok | 47
      1m | charge op tokens quote r tokens 4000000  | ok | 41
      1m | charge op tokens quote s actual 2        | ok | 39
      1m | charge op tokens quote t                 | ok | 33
    `)
  })

  it('of a fixed price takes no word on what it cost', () => {
    scenario(`
      0  | account                         | ok              | 0
      0  | grant 50 as A                   | ok              | 50
      0  | quote 4 as q                    | ok              | 50
      1m | charge 4 quote q actual 1       | invalid_request | 50
    `)
  })

  it('of a tool is spent by calling the tool, and not beside it', () => {
    scenario(`
      0  | account                         | ok             | 0
      0  | grant 9 as A                    | ok             | 9
      0  | quote tool work as q            | ok             | 9
      1m | charge 1 quote q                | quote_mismatch | 9
      1m | charge alone yes quote q        | quote_mismatch | 9
      1m | reserve tool work quote q by meter as held | ok  | 8
      1m | settle held by meter            | ok             | 8
         = held settled
      1m | reserve tool work quote q by meter | quote_mismatch | 8
    `)
  })

  it('of an operation serves the tool that counts as it, at the same price', () => {
    scenario(`
      0  | account                         | ok             | 0
      0  | grant 9 as A                    | ok             | 9
      0  | quote 1 as q                    | ok             | 9
      1m | reserve tool work quote q by meter as held | ok  | 8
    `)
  })

  it('leaves out what is free, and is none where all of it is', () => {
    const ledger = scenario(`
      0  | account                         | ok | 0
      0  | quote tool look                 | ok | 0
         > nothing
      0  | quote calls tool:look,unit:2 as q | ok | 0
      0  | hold new calls tool:look        | ok | 0
         > nothing
    `)
    expect(ledger.journal.at(-1)?.detail['calls']).toHaveLength(1)
  })

  it('AX-11: one asked for again with its key is the same one, at the price of then', () => {
    const ledger = scenario(
      `
      0  | account                         | ok     | 0
      0  | quote 4 key k as q              | ok     | 0
      6m | quote 4 key k                   | replay | 0
      6m | quote 4 key k input other       | idempotency_conflict | 0
    `,
      DEARER,
    )
    expect(ledger.journal).toHaveLength(1)
  })
})

describe('AX-01: a reservation under a quote', () => {
  it('holds the quoted maximum and is never settled beyond it; nothing is uncollected', () => {
    const ledger = scenario(`
      0  | account                           | ok             | 0
      0  | grant 30 as A                     | ok             | 30
      0  | quote op job as q                 | ok             | 30
      1m | hold q key k as held              | ok             | 20
         > reserve 10: available/A -10=20, reserved/A +10=10
      1m | hold q key k                      | replay         | 20
      1m | hold q                            | quote_mismatch | 20
      2m | settle held 25                    | ok             | 20
         = uncollected 0, held settled
      2m | charge op job actual 3 quote q    | quote_mismatch | 20
    `)
    expect(ledger.reservation(3)).toMatchObject({ overrun: 'quoted' })
  })

  it('AX-06: is spendable for as long as it is open, also after its quote is over; then the quote holds no more', () => {
    scenario(`
      0   | account                           | ok            | 0
      0   | grant 30 as A                     | ok            | 30
      0   | quote 4 ttl 5m as q               | ok            | 30
      0   | quote 5 ttl 5m as r               | ok            | 30
      1m  | reserve 4 quote q ttl 1h as held  | ok            | 26
      1m  | reserve 5 quote r ttl 1h as other | ok            | 21
      30m | charge 4 quote q                  | ok            | 21
          = held settled
      2h  | charge 5 quote r                  | quote_expired | 26
          = other expired
    `)
  })

  it('gives its call back when it is released or times out, at the quoted price still', () => {
    scenario(
      `
      0   | account                           | ok             | 0
      0   | grant 30 as A                     | ok             | 30
      0   | quote 4 ttl 1h as q               | ok             | 30
      1m  | reserve 4 quote q ttl 1m as held  | ok             | 26
      1m  | release held by agent             | ok             | 30
      1m  | reserve 4 quote q ttl 1m as late  | ok             | 26
      10m | charge 4 quote q                  | ok             | 26
          = late expired
      11m | settle late                       | reservation_not_open | 26
      11m | reserve 4 quote q                 | quote_mismatch | 26
    `,
      DEARER,
    )
  })

  it('that timed out is settled late for no more than was quoted, and its call is spent then', () => {
    scenario(`
      0   | account                           | ok             | 0
      0   | grant 10 as A                     | ok             | 10
      0   | quote op job ttl 1h as q          | ok             | 10
      1m  | reserve op job quote q ttl 1m as held | ok         | 0
      5m  | settle held 25                    | ok             | 0
          = uncollected 0, held settled
      6m  | charge op job actual 2 quote q    | quote_mismatch | 0
    `)
  })

  it('is ended by nobody but its holder', () => {
    scenario(`
      0   | account                                  | ok                  | 0
      0   | grant 30 as A                            | ok                  | 30
      0   | mint k1                                  | ok                  | 30
      0   | quote 4 holder_key k1 as q               | ok                  | 30
      0   | hold q holder_key k1 as held             | ok                  | 26
      1m  | release held by agent                    | unknown_reservation | 26
      1m  | release q by agent                       | unknown_quote       | 26
      1m  | release q                                | ok                  | 30
    `)
  })

  it('is taken over by the meter that runs its tool, so that nobody takes it back meanwhile', () => {
    const ledger = scenario(`
      0   | account                                      | ok                   | 0
      0   | grant 30 as A                                | ok                   | 30
      0   | quote tool work as q                         | ok                   | 30
      1m  | hold q ttl 10m as held                       | ok                   | 29
      2m  | reserve tool work quote q by meter ttl 2m call c | ok               | 29
          > amend 0
      2m  | reserve tool work quote q by meter ttl 1m    | quote_mismatch       | 29
      2m  | release held by agent                        | reservation_not_open | 29
      2m  | settle held by agent                         | reservation_not_open | 29
      2m  | release held by agent holder_key other       | unknown_reservation  | 29
      2m  | release q by agent                           | reservation_not_open | 29
      3m  | settle held by meter                         | ok                   | 29
          = held settled
      3m  | settle held by agent                         | reservation_not_open | 29
      4m  | reserve tool work quote q by meter ttl 1m call c | replay           | 29
    `)
    expect(ledger.journal.at(-1)).toMatchObject({ kind: 'settle', idempotencyKey: 'c' })
    expect(ledger.reservation(3)?.expiresAt).toBe(T0 + 4 * MINUTE_MS)
  })

  it('while its call runs, whoever would end it by its quote is told so', () => {
    const ledger = scenario(`
      0  | account                                            | ok | 0
      0  | grant 30 as A                                      | ok | 30
      0  | quote tool work as q                               | ok | 30
      1m | hold q as held                                     | ok | 29
      2m | reserve tool work quote q by meter ttl 5m call c   | ok | 29
    `)
    const id = formatId('quote', 2, ledger.transaction(2)?.hash ?? '')
    for (const verb of ['release', 'settle', 'extend']) {
      expect(attempt(ledger, '3m', `${verb} ${id} by agent`)).toMatchObject({ refusal: { code: 'reservation_not_open', details: { state: 'in_use' } } })
    }
  })

  it('AX-06: is free once the meter that took it over has been silent for as long as its calls live, however long it was set aside for', () => {
    scenario(`
      0   | account                                                | ok             | 0
      0   | grant 30 as A                                          | ok             | 30
      0   | quote tool work ttl 5h as q                            | ok             | 30
      1m  | hold q ttl 5h as held                                  | ok             | 29
      2m  | reserve tool work quote q by meter ttl 1m call c       | ok             | 29
      4m  | grant 1                                                | ok             | 31
          = held expired
      5m  | reserve tool work quote q by meter ttl 1m call c as two | ok            | 30
      5m  | settle two by meter                                    | ok             | 30
    `)
  })

  it('T06: of a metered call that timed out and was made again with its key, both get the one charge', () => {
    const ledger = scenario(`
      0   | account                                          | ok     | 0
      0   | grant 30 as A                                    | ok     | 30
      0   | quote tool work ttl 5h as q                      | ok     | 30
      2m  | reserve tool work quote q by meter ttl 1m call c as one | ok | 29
      4m  | reserve tool work quote q by meter ttl 1m call c as two | ok | 29
      4m  | settle two by meter                              | ok     | 29
      5m  | settle one by meter                              | replay | 29
          > nothing
          = one expired, two settled
    `)
    expect(ledger.journal.filter(({ kind }) => kind === 'settle')).toHaveLength(1)
  })
})

describe('AX-02: a plan of calls', () => {
  it('says that all of it was spent where nothing of it is left to end', () => {
    const ledger = scenario(`
      0  | account                  | ok | 0
      0  | grant 20                 | ok | 20
      0  | quote 3 by agent as q    | ok | 20
      1m | charge 3 quote q by agent | ok | 17
    `)
    const quote = ledger.allRecords('quote')[0]?.id
    expect(attempt(ledger, '2m', `release ${quote} by agent`)).toMatchObject({
      refusal: { code: 'reservation_not_open', details: { state: 'spent' }, advice: ['Nothing is left to do; ask for a new quote for more.'] },
    })
  })

  it('is quoted and reserved in one write and spent down call by call; what is left of it is released at once', () => {
    const ledger = scenario(`
      0   | account                                  | ok             | 0
      0   | grant 30 as A                            | ok             | 30
      1m  | hold new calls unit:2,unit:3,job key k as p | ok          | 15
          > amend 0
          > reserve 2: available/A -2=28, reserved/A +2=2
          > reserve 3: available/A -3=25, reserved/A +3=5
          > reserve 10: available/A -10=15, reserved/A +10=15
          > amend 0
      1m  | hold new calls unit:2,unit:3,job key k   | replay         | 15
      2m  | charge 3 quote p key c1                  | ok             | 15
          > settle 3: reserved/A -3=12, spent/A +3=3
      2m  | charge 3 quote p                         | quote_mismatch | 15
      2m  | charge 3 quote p key c1                  | replay         | 15
      3m  | charge op job actual 4 quote p           | ok             | 21
          = #3 open, #4 settled, #5 settled
      4m  | release p key end by agent               | ok             | 23
          > release 2: reserved/A -2=0, available/A +2=23
          > amend 0
      4m  | release p key end by agent               | replay         | 23
      4m  | release p by agent                       | reservation_not_open | 23
    `)
    expect(ledger.transaction(6)).toMatchObject({
      idempotencyKey: 'k',
      detail: {
        change: 'plan_reserved',
        quote: quoteAt(ledger, 2),
        reserved: 15,
        calls: [
          { operation: 'unit', quantity: 2, reservation: ledger.reservation(3)?.id, reserved: 2 },
          { operation: 'unit', quantity: 3, reservation: ledger.reservation(4)?.id, reserved: 3 },
          { operation: 'job', quantity: 1, reservation: ledger.reservation(5)?.id, reserved: 10 },
        ],
      },
    })
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ change: 'plan_released', charged: 0, released: 2, uncollected: 0 })
  })

  it('is reserved all or none: by the balance, by a budget that fits all calls but one, by one bad call', () => {
    const ledger = scenario(`
      0   | account                                  | ok                | 0
      0   | grant 12 as A                            | ok                | 12
      0   | quote calls unit:2,unit:3,job as p       | ok                | 12
      0   | quote calls unit:2,unit:3,unit:4 as r    | ok                | 12
      0   | budget few 8 window total scope operation=unit | ok          | 12
      1m  | hold p                                   | out_of_credits    | 12
          > nothing
          = budget:few nothing
      1m  | hold r                                   | budget_exceeded   | 12
          > nothing
          = reserved 0
      1m  | hold new calls unit:2,nothing            | unknown_operation | 12
          > nothing
      1m  | raise few 1                              | ok                | 12
      1m  | hold r                                   | ok                | 3
          = budget:few 0+9
    `)
    expect(ledger.allRecords('quote')).toHaveLength(1)
    const refused = refusalOf(attempt(ledger, '2m', 'hold new calls unit:2,unit:3'))
    expect(refused).toMatchObject({ code: 'budget_exceeded', details: { required: 5, available: 0 } })
  })

  it('takes what is left of its calls, also where some were spent before without being set aside', () => {
    scenario(`
      0   | account                                  | ok             | 0
      0   | grant 30 as A                            | ok             | 30
      0   | quote calls unit:2,unit:2,unit:3 as p    | ok             | 30
      1m  | charge 2 quote p                         | ok             | 28
      1m  | hold p as held                           | ok             | 23
      2m  | hold p                                   | quote_mismatch | 23
      2m  | charge 2 quote p                         | ok             | 23
      2m  | charge 2 quote p                         | quote_mismatch | 23
      2m  | settle p                                 | ok             | 23
      2m  | settle p                                 | reservation_not_open | 23
    `)
  })

  it('is settled in full at once, with no figure of its own', () => {
    const ledger = scenario(`
      0   | account                                  | ok              | 0
      0   | grant 30 as A                            | ok              | 30
      1m  | hold new calls unit:2,job as p           | ok              | 18
      2m  | settle p 7                               | invalid_request | 18
      2m  | settle p key s                           | ok              | 18
          > settle 2: reserved/A -2=10, spent/A +2=2
          > settle 10: reserved/A -10=0, spent/A +10=12
          > amend 0
    `)
    expect(ledger.journal.at(-1)).toMatchObject({ idempotencyKey: 's', detail: { change: 'plan_settled', charged: 12, released: 0 } })
  })

  it('is kept by one sign of life, call by call until the end of each; a call that timed out is charged anew while the quote holds', () => {
    const ledger = scenario(`
      0   | account                                    | ok            | 0
      0   | grant 30 as A                              | ok            | 30
      0   | quote calls unit:2,unit:3,unit:4 ttl 3h as p | ok          | 30
      0   | hold p ttl 10m                             | ok            | 21
      5m  | extend #3 by agent ttl 2h                  | ok            | 21
      5m  | extend p by agent ttl 1h                   | ok            | 21
      90m | charge 3 quote p                           | ok            | 25
          = #3 open, #4 expired, #5 expired
      90m | charge 2 quote p                           | ok            | 25
          = #3 settled
      4h  | charge 4 quote p                           | quote_expired | 25
    `)
    const extended = ledger.journal.find(({ detail }) => detail['change'] === 'plan_extended')
    expect(extended?.detail).toMatchObject({ expiresAt: '2026-01-15T11:05:00.000Z', ends: [[3, '2026-01-15T12:05:00.000Z'], [4, '2026-01-15T11:05:00.000Z'], [5, '2026-01-15T11:05:00.000Z']] })
  })

  it('is neither extended beyond a day nor set aside for longer', () => {
    const ledger = scenario(`
      0   | account                                  | ok              | 0
      0   | grant 30 as A                            | ok              | 30
      0   | hold new calls unit:2 ttl 24h1ms         | invalid_request | 30
      0   | hold new calls unit:2 ttl 24h as p       | ok              | 28
      1h  | extend p by agent ttl 24h1ms             | invalid_request | 28
      1h  | extend p by agent ttl 24h                | ok              | 28
    `)
    expect(ledger.reservation(3)?.expiresAt).toBe(T0 + DAY_MS + 60 * MINUTE_MS)
  })

  it('whose calls failed costs what their operations say of that fault', () => {
    scenario(`
      0   | account                                  | ok | 0
      0   | grant 30 as A                            | ok | 30
      0   | hold new calls unit:2,job as p           | ok | 18
      1m  | settle p fault provider                  | ok | 30
    `)
  })

  it('carries the labels that it was set aside with, by which budgets counted it', () => {
    scenario(`
      0   | account                                      | ok              | 0
      0   | grant 30 as A                                | ok              | 30
      0   | budget each 9 window total each label:customer | ok            | 30
      0   | hold new calls unit:2,unit:3 label c1 as p   | ok              | 25
          = budget:each/c1 0+5
      1m  | charge 2 quote p label c2                    | invalid_request | 25
      1m  | charge 2 quote p label c1                    | ok              | 25
      1m  | charge 3 quote p                             | ok              | 25
          = budget:each/c1 5+0
    `)
  })

  it('of one call is a plan all the same', () => {
    const ledger = scenario(`
      0   | account                                  | ok | 0
      0   | grant 30 as A                            | ok | 30
      0   | quote calls unit:2 as p                  | ok | 30
      0   | hold p                                   | ok | 28
    `)
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ change: 'plan_reserved', quote: quoteAt(ledger, 2) })
  })

  it('may also be set aside one by one, each with its own reservation', () => {
    scenario(`
      0   | account                                  | ok             | 0
      0   | grant 30 as A                            | ok             | 30
      0   | quote calls unit:2,job as p              | ok             | 30
      0   | reserve 2 quote p as two                 | ok             | 28
      0   | reserve 2 quote p                        | quote_mismatch | 28
      0   | reserve op job quote p as held           | ok             | 18
      1m  | settle held 4                            | ok             | 24
      1m  | settle two                               | ok             | 24
    `)
  })
})

describe('the audit of quotes', () => {
  const base = `
    0   | account                                  | ok | 0
    0   | grant 30 as A                            | ok | 30
    0   | quote calls unit:2,job as p              | ok | 30
    1m  | charge 2 quote p                         | ok | 28
    1m  | hold p                                   | ok | 18
  `

  it('finds a record that says otherwise than the journal, one that is missing and one that nobody made', () => {
    const problems = (records: (ledger: MemoryLedger) => void) => {
      const ledger = scenario(base)
      records(ledger)
      return ledger.problems()
    }
    const uses = [{ charge: 3 }, { reservation: 4 }]
    const put = (ledger: MemoryLedger, id: string, found: readonly unknown[]) =>
      ledger.tamper({ kind: 'quote', id, sequence: 5, isOpen: false, lookup: null, document: { uses: found } })
    expect(problems((ledger) => put(ledger, quoteAt(ledger, 2), uses))).toEqual([])
    expect(problems((ledger) => put(ledger, quoteAt(ledger, 2), [null, uses[1]]))).toEqual([expect.stringContaining('it does not say by what its calls were used')])
    expect(problems((ledger) => put(ledger, quoteAt(ledger, 2), [uses[0], { reservation: 3 }]))).toEqual([expect.stringContaining('it does not say by what its calls were used')])
    expect(problems((ledger) => put(ledger, 'quote_9_0123456789', uses))).toEqual([expect.stringContaining('no transaction of the journal made it')])
    expect(problems((ledger) => ledger.drop('quote', quoteAt(ledger, 2)))).toEqual([expect.stringContaining('it is missing')])
  })
})
