import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonHere, runHere } from './in-process.js'
import { openCredits } from '../../src/index.js'
import { Home, withJson } from './process.js'

const homes: Home[] = []
afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

async function newHome(catalog = 'starter'): Promise<Home> {
  const home = new Home()
  homes.push(home)
  await jsonHere(home, 'init', '--catalog', catalog)
  return home
}

/** The same ledger for somebody who has this key. */
function withKey(home: Home, key: string, variables: Readonly<Record<string, string>> = {}): Home {
  const other = new Home({ MCP_CREDITS_DB: home.ledger, MCP_CREDITS_KEY: key, ...variables })
  homes.push(other)
  return other
}

interface Key {
  readonly id: string
  readonly key: string
  readonly state: string
}

const createKey = (home: Home, ...words: readonly string[]) => jsonHere<Key & Record<string, unknown>>(home, 'key', 'create', ...words)
const squeezed = (text: string) => text.replaceAll(/ +/g, ' ')
const codeOf = async (home: Home, ...words: readonly string[]) => {
  const { code, stdout } = await runHere(home, withJson(words))
  return code === 0 ? 'done' : (JSON.parse(stdout) as { error: { code: string } }).error.code
}

describe('member', () => {
  it('members are added, changed, listed and removed', async () => {
    const home = await newHome()
    expect((await runHere(home, ['member', 'list'])).stdout).toBe('There are no members.\n')
    expect((await runHere(home, ['member', 'add', 'ada', '--role', 'owner', '--name', 'Ada Lovelace'])).stdout).toBe('ada is owner of the account\n')
    expect(await jsonHere(home, 'member', 'add', 'bob')).toEqual({ id: 'bob', role: 'member', name: null })
    expect(await jsonHere(home, 'member', 'add', 'bob', '--role', 'viewer')).toMatchObject({ id: 'bob', role: 'viewer' })
    expect(await jsonHere(home, 'member', 'list')).toEqual(expect.arrayContaining([{ id: 'ada', role: 'owner', name: 'Ada Lovelace' }, { id: 'bob', role: 'viewer', name: null }]))
    expect(squeezed((await runHere(home, ['member', 'list'])).stdout)).toContain('\nada owner Ada Lovelace\n')
    expect((await runHere(home, ['member', 'remove', 'bob'])).stdout).toBe('bob is no member any more\n')
    expect(await jsonHere<readonly Key[]>(home, 'member', 'list')).toMatchObject([{ id: 'ada' }])
  })

  it('WC-01: two members spend from one balance and both see it; usage tells who spent what, and a viewer spends nothing', async () => {
    const home = await newHome()
    const seats = []
    for (const [id, role] of [['ada', 'admin'], ['bob', 'member'], ['eve', 'viewer']] as const) {
      await jsonHere(home, 'member', 'add', id, '--role', role)
      seats.push(withKey(home, (await createKey(home, '--member', id)).key))
    }
    const [ada, bob, eve] = seats as [Home, Home, Home]
    expect(await jsonHere(ada, 'charge', 'tool.call', 'quantity=30')).toMatchObject({ balance: 970 })
    expect(await jsonHere(bob, 'charge', 'tool.call', 'quantity=20')).toMatchObject({ balance: 950 })
    for (const member of seats) expect(await jsonHere(member, 'credits')).toMatchObject({ account: 'default', balance: 950 })
    expect(await codeOf(eve, 'charge', 'tool.call')).toBe('forbidden')
    expect(await jsonHere(home, 'usage', '--by', 'member')).toMatchObject({ rows: [{ key: 'ada', credits: 30 }, { key: 'bob', credits: 20 }], total_credits: 50 })
  })

  it.each([
    [['member', 'add', 'x', '--role', 'king'], 'invalid_request', '--role: expected one of owner, admin, member, viewer, found "king"'],
    [['member', 'add', ''], 'invalid_request', 'expected at least 1 character'],
    [['member', 'remove', 'nobody'], 'unknown_member', '"nobody"'],
    [['key', 'create', '--member', 'nobody'], 'unknown_member', '"nobody"'],
    [['key', 'create', '--scope', 'Everything!'], 'invalid_request', '--scope: expected credits:read, credits:spend, admin'],
    [['key', 'create', '--expires', '2020-01-01'], 'invalid_request', '--expires'],
    [['key', 'create', '--expires', 'soon'], 'invalid_request', '--expires is "soon"'],
    [['key', 'revoke', 'key_0'], 'unknown_key', '"key_0"'],
  ] as const)('%j is refused as %s', async (words, code, said) => {
    const home = await newHome()
    expect(await codeOf(home, ...words)).toBe(code)
    expect((await runHere(home, words)).stderr).toContain(said)
    expect(await jsonHere(home, 'key', 'list')).toEqual([])
    expect(await jsonHere(home, 'member', 'list')).toEqual([])
  })
})

describe('key', () => {
  it('its secret is shown once and kept nowhere; the list shows its beginning, its scopes and its last use', async () => {
    const home = await newHome()
    const made = await createKey(home, '--name', 'ci', '--environment', 'preview', '--expires', '2999-01-01')
    expect(made).toMatchObject({ id: expect.stringMatching(/^key_/) as unknown, key: expect.stringMatching(/^mc_[\w-]{43}$/) as unknown, name: 'ci', scopes: ['credits:read', 'credits:spend'], environment: 'preview', state: 'active', last_used_at: null, expires_at: '2999-01-01T00:00:00.000Z' })
    await jsonHere(withKey(home, made.key), 'charge', 'tool.call')
    const [listed] = await jsonHere<readonly Record<string, unknown>[]>(home, 'key', 'list')
    expect(listed).toMatchObject({ id: made.id, prefix: made.key.slice(0, 12), last_used_at: expect.any(String) as unknown })
    expect(listed).not.toHaveProperty('key')
    expect(squeezed((await runHere(home, ['key', 'list'])).stdout)).toContain(`\n${made.id} ${made.key.slice(0, 12)}… ci credits:read, credits:spend preview active 20`)
    for (const file of [home.ledger, `${home.ledger}-wal`]) expect(readIfThere(file).includes(made.key)).toBe(false)
  })

  it('for people the secret stands alone on its line; the same idempotency key makes one key, whose secret is not shown again', async () => {
    const home = await newHome()
    const words = ['key', 'create', '--id', 'mine', '--idempotency-key', 'k1']
    expect((await runHere(home, words)).stdout).toMatch(/^mc_[\w-]{43}\n\nThis is the secret of mine \(may credits:read, credits:spend\)\. It is shown this once: /)
    expect((await runHere(home, words)).stdout).toMatch(/^mine was made before, with the same key/)
    expect(await jsonHere(home, ...words)).toMatchObject({ id: 'mine', key: null, replayed: true })
    expect(await jsonHere(home, 'key', 'list')).toHaveLength(1)
  })

  it('with --key or MCP_CREDITS_KEY a command acts as that key, on the account of the key', async () => {
    const home = await newHome()
    await jsonHere(home, 'account', 'create', 'acme')
    const { id, key } = await createKey(home, '--account', 'acme')
    const holder = withKey(home, key)
    expect(await jsonHere(home, 'credits', '--key', key)).toMatchObject({ account: 'acme' })
    expect(await jsonHere(holder, 'charge', 'tool.call', 'quantity=5')).toMatchObject({ charged: 5, balance: 995 })
    expect(await jsonHere(home, 'usage', '--by', 'key', '--account', 'acme')).toMatchObject({ rows: [{ key: id, credits: 5 }] })
    expect(await jsonHere(holder, 'credits', '--account', 'acme')).toMatchObject({ balance: 995 })
    const [other, none] = await Promise.all(['default', 'nobody'].map((account) => runHere(holder, ['credits', '--account', account])))
    expect([other?.code, other?.stderr.replaceAll('default', 'nobody')]).toEqual([2, none?.stderr])
    expect(await codeOf(holder, 'account', 'show', 'default')).toBe('unknown_account')
    expect(await codeOf(withKey(home, key, { MCP_CREDITS_ACCOUNT: 'default' }), 'credits')).toBe('unknown_account')
  })

  it.each([
    ['a reading key', ['--scope', 'credits:read'], { credits: 'done', charge: 'forbidden', grant: 'forbidden' }],
    ['a spending key', ['--scope', 'credits:spend'], { credits: 'forbidden', charge: 'done', grant: 'forbidden' }],
    ['a usual key', [], { credits: 'done', charge: 'done', grant: 'forbidden' }],
    ['an admin key', ['--scope', 'admin'], { credits: 'done', charge: 'done', grant: 'done' }],
    ['an operator key', ['--scope', 'operator'], { credits: 'done', charge: 'done', grant: 'done' }],
    ['a key of another operation', ['--scope', 'image.generate'], { credits: 'done', charge: 'forbidden', grant: 'forbidden' }],
  ] as const)('%s does what its scopes allow', async (_what, words, expected) => {
    const home = await newHome('neural-draft')
    const holder = withKey(home, (await createKey(home, ...words)).key)
    expect({ credits: await codeOf(holder, 'credits'), charge: await codeOf(holder, 'charge', 'blog.post'), grant: await codeOf(holder, 'grant', '5') }).toEqual(expected)
  })

  it('AX-03: a key carves out a key for a sub-agent, which sees and spends its own part alone', async () => {
    const home = await newHome()
    const parent = withKey(home, (await createKey(home, '--id', 'parent')).key)
    const words = ['key', 'delegate', '--credits', '20', '--expires-in', '2h', '--operation', 'tool:*', '--name', 'helper', '--idempotency-key', 'd1']
    const made = await jsonHere<{ key: string; key_id: string }>(parent, ...words)
    expect(made).toMatchObject({ limit: 20, scopes: ['tool:*'], may_delegate: false, replayed: false })
    expect(await jsonHere(parent, ...words)).toMatchObject({ key: null, key_id: made.key_id, replayed: true })
    expect((await runHere(parent, words)).stdout).toMatch(new RegExp(`^${made.key_id} was made before, with the same idempotency key`))
    const child = withKey(home, made.key)
    expect(await jsonHere(child, 'charge', 'tool.call', 'quantity=5')).toMatchObject({ charged: 5, balance: 15 })
    expect(await jsonHere(child, 'credits')).toMatchObject({ balance: 15, plan: null, grants: [{ id: 'delegated', remaining: 15 }] })
    expect(await jsonHere(child, 'budget', 'list')).toMatchObject([{ id: made.key_id, name: 'helper', used: 5, remaining: 15 }])
    expect((await runHere(child, ['credits'])).stdout).not.toMatch(/Plan|985/)
    expect(await codeOf(child, 'charge', 'tool.call', 'quantity=16')).toBe('budget_exceeded')
    expect(await codeOf(child, 'key', 'delegate', '--credits', '1', '--expires-in', '60')).toBe('forbidden')
    expect(await codeOf(child, 'statement')).toBe('forbidden')
    const other = await jsonHere<{ key: string; key_id: string }>(parent, 'key', 'delegate', '--credits', '1', '--expires-in', '2h')
    expect(await codeOf(child, 'key', 'revoke', other.key_id)).toBe('forbidden')
    expect(await codeOf(parent, 'key', 'revoke', other.key_id)).toBe('done')
    expect(await codeOf(withKey(home, other.key), 'credits')).toBe('unauthenticated')
    expect(await codeOf(parent, 'charge', 'tool.call', 'quantity=100')).toBe('done')
    const listed = squeezed((await runHere(home, ['key', 'list'])).stdout)
    expect(listed).toMatch(new RegExp(`${made.key_id} mc_.{9}… helper tool:\\* parent active`))
    expect(await codeOf(home, 'key', 'revoke', 'parent')).toBe('done')
    expect(await codeOf(child, 'credits')).toBe('unauthenticated')
    expect(await jsonHere(home, 'budget', 'list')).toEqual([])
    expect(await codeOf(home, 'doctor')).toBe('done')
  })

  it('AX-03: for people the secret of a delegated key stands alone on its line; what is wrong is said by the name of its option', async () => {
    const home = await newHome()
    const people = await runHere(home, ['key', 'delegate', '--credits', '1', '--expires-in', '90', '--may-delegate'])
    expect(people.stdout).toMatch(/^mc_[\w-]{43}\n\nThis is the secret of key_\w+ \(may spend 1 on credits:read, credits:spend until .*Z\)\. It is shown this once: /)
    const stderrOf = async (...words: readonly string[]) => (await runHere(home, words)).stderr
    expect(await stderrOf('key', 'delegate', '--credits', '1')).toContain('--expires-in')
    expect(await stderrOf('key', 'delegate', '--credits', '1', '--expires-in', 'soon')).toContain('--expires-in is "soon"; expected a length of time')
    expect(await stderrOf('key', 'delegate', '--expires-in', '60')).toContain('--credits')
    expect(await stderrOf('key', 'delegate', '--credits', '1', '--expires-in', '60', '--operation', 'tool.cal')).toContain('did you mean tool.call?')
    expect(await stderrOf('key', 'create', '--scope', 'credit:spend')).toContain('--scope: "credit:spend" is neither a scope nor in the catalog; did you mean credits:spend?')
  })

  it('a key is made that cannot delegate, and one without a secret for whom an authorization server names', async () => {
    const home = await newHome()
    const alone = withKey(home, (await createKey(home, '--no-delegate')).key)
    expect(await codeOf(alone, 'key', 'delegate', '--credits', '1', '--expires-in', '60')).toBe('forbidden')
    const words = ['key', 'create', '--id', 'ann', '--issuer', 'https://id.example', '--subject', 'ann@example']
    expect(await jsonHere(home, ...words, '--idempotency-key', 'k')).toMatchObject({ id: 'ann', key: null, replayed: false })
    expect((await runHere(home, [...words, '--idempotency-key', 'k'])).stdout).toMatch(/^ann was made before for the tokens of ann@example \(may credits:read, credits:spend\); it has no secret/)
    expect(await codeOf(home, 'key', 'create', '--subject', 'bob')).toBe('invalid_request')
  })

  it('an operator key manages every account of the ledger from the command line', async () => {
    const home = await newHome()
    const operator = withKey(home, (await createKey(home, '--scope', 'operator')).key)
    for (const words of [['account', 'create', 'acme'], ['grant', '5', '--account', 'acme'], ['account', 'list'], ['price', 'tool.call', '2'], ['doctor']]) {
      expect(await codeOf(operator, ...words), words.join(' ')).toBe('done')
    }
    expect(await jsonHere(home, 'credits', '--account', 'acme')).toMatchObject({ balance: 1_005 })
  })

  it('AX-16: operator commands refuse a key without the scope admin, and change nothing', async () => {
    const home = await newHome()
    await jsonHere(home, 'budget', 'set', 'all', '10')
    const holder = withKey(home, (await createKey(home)).key)
    const operators = [
      ['grant', '100'], ['budget', 'raise', 'all', '100'], ['budget', 'set', 'all', '100'], ['budget', 'remove', 'all'], ['alert', 'set', 'a', '--below', '5'],
      ['key', 'create', '--scope', 'admin'], ['key', 'list'], ['key', 'revoke', 'x'], ['member', 'add', 'me', '--role', 'owner'], ['account', 'create', 'mine'],
      ['account', 'list'], ['account', 'resume'], ['account', 'time-zone', 'Asia/Tokyo'], ['subscribe', 'free'], ['unsubscribe'], ['clock', 'advance', '1d'],
      ['price', 'tool.call', '0'], ['catalog', 'apply', 'starter'], ['doctor'], ['migrate'], ['init'],
    ]
    for (const words of operators) expect(await codeOf(holder, ...words), words.join(' ')).toBe('forbidden')
    expect(await jsonHere(home, 'credits')).toMatchObject({ balance: 1_000, spendable: 10 })
    expect(await jsonHere(home, 'account', 'list')).toHaveLength(1)
  })

  it('AX-16: an admin key operates its own account: it limits, grants and makes keys, and has no hand in the rest of the ledger', async () => {
    const home = await newHome()
    const admin = withKey(home, (await createKey(home, '--scope', 'admin')).key)
    for (const words of [['budget', 'set', 'all', '10'], ['grant', '5'], ['key', 'create'], ['account', 'show'], ['account', 'suspend'], ['account', 'resume'], ['doctor', '--head'], ['statement']]) {
      expect(await codeOf(admin, ...words), words.join(' ')).toBe('done')
    }
    const whole = [['account', 'create', 'acme'], ['account', 'list'], ['price', 'tool.call', '0'], ['catalog', 'apply', 'neural-draft'], ['catalog', 'whatif', 'starter'], ['doctor'], ['init']]
    for (const words of whole) expect(await codeOf(admin, ...words), words.join(' ')).toBe('forbidden')
    expect((await runHere(admin, ['account', 'create', 'acme'])).stderr).not.toContain('leave out')
    expect(await jsonHere(home, 'account', 'list')).toHaveLength(1)
  })

  it('an option that may be repeated is refused by its name alone', async () => {
    const { stderr } = await runHere(await newHome(), ['key', 'delegate', '--credits', '2', '--expires-in', '2h', '--operation', ''])
    expect(stderr).toMatch(/^mcp-credits: --operation: /)
  })

  it('AX-16: an empty key is no operator, on the command line or for a server, and no refusal of a key tells how to do without one', async () => {
    const home = await newHome()
    const empty = withKey(home, '')
    for (const words of [['credits'], ['charge', 'tool.call'], ['budget', 'list'], ['serve'], ['serve', '--http', '0'], ['serve', '--budget', '3/day', '--', 'no-such-program']]) {
      const { code, stderr } = await runHere(empty, words)
      expect([code, stderr]).toEqual([4, expect.stringMatching(/^mcp-credits: MCP_CREDITS_KEY is empty/)])
      expect(stderr).not.toContain('leave out')
      expect(stderr).toContain('Ask whoever gave you the key for another.')
    }
    expect((await runHere(withKey(home, 'mc_nobody'), ['credits'])).stderr).toBe(
      'mcp-credits: The key is not valid: there is no such key, or it was revoked or has expired\n  Ask whoever gave you the key for another.\n',
    )
  })

  it('a secret of no key, of a revoked and of an expired one are refused alike, for reading and for spending', async () => {
    const home = await newHome()
    await jsonHere(home, 'account', 'create', 'trial', '--test')
    const { id, key } = await createKey(home)
    const { key: expiring } = await createKey(home, '--account', 'trial', '--expires', new Date(Date.now() + 3_600_000).toISOString())
    expect([await codeOf(withKey(home, key), 'credits'), await codeOf(withKey(home, expiring), 'credits')]).toEqual(['done', 'done'])
    expect((await runHere(home, ['key', 'revoke', id])).stdout).toBe(`${id} is revoked\n`)
    await jsonHere(home, 'clock', 'advance', '61m', '--account', 'trial')
    const said = new Set<string>()
    for (const secret of [key, expiring, 'mc_never']) {
      for (const words of [['credits'], ['charge', 'tool.call'], ['prices'], ['watch', '--once']]) {
        const { code, stderr } = await runHere(withKey(home, secret), words)
        expect(code, words.join(' ')).toBe(4)
        said.add(stderr)
      }
    }
    expect([...said]).toEqual([expect.stringMatching(/^mcp-credits: The key is not valid: there is no such key, or it was revoked or has expired\n/)])
    const states = [...(await jsonHere<readonly Key[]>(home, 'key', 'list')), ...(await jsonHere<readonly Key[]>(home, 'key', 'list', '--account', 'trial'))]
    expect(states.map(({ state }) => state)).toEqual(['revoked', 'expired'])
  })

  it('ND-12: a preview key spends on content only and within a budget of its own, the production key on everything; the wallet is one', async () => {
    const home = await newHome('neural-draft')
    await jsonHere(home, 'grant', '1000')
    const production = withKey(home, (await createKey(home, '--environment', 'production')).key)
    const preview = withKey(home, (await createKey(home, '--environment', 'preview', '--scope', 'content:*')).key)
    await jsonHere(home, 'budget', 'set', 'preview', '100', '--window', 'total', '--scope', 'environment=preview')

    expect(await jsonHere(preview, 'charge', 'blog.post')).toMatchObject({ charged: 60, balance: 1_190 })
    expect(await codeOf(preview, 'charge', 'image.generate')).toBe('forbidden')
    expect(await codeOf(preview, 'charge', 'blog.post')).toBe('budget_exceeded')
    expect(await jsonHere(preview, 'credits')).toMatchObject({ balance: 1_190, spendable: 40 })
    expect(await jsonHere(production, 'charge', 'blog.post')).toMatchObject({ charged: 60, balance: 1_130 })
    expect(await codeOf(production, 'charge', 'image.generate', 'variant=flux-kontext')).not.toBe('forbidden')
    expect(await jsonHere(production, 'credits')).toMatchObject({ spendable: expect.any(Number) as unknown })

    // More credits in the wallet are not the preview's; neither may it raise its own limit.
    await jsonHere(home, 'grant', '500')
    expect(await codeOf(preview, 'charge', 'blog.post')).toBe('budget_exceeded')
    expect(await codeOf(preview, 'budget', 'raise', 'preview', '100')).toBe('forbidden')
    const ledger = await openCredits({ database: home.ledger })
    await ledger.purchase({ account: 'default', pack: 'usd-20', budget: 'preview' })
    await ledger.close()
    expect(await jsonHere(preview, 'charge', 'blog.post')).toMatchObject({ charged: 60, balance: 5_570 })
    expect(await jsonHere(home, 'budget', 'list')).toMatchObject([{ id: 'preview', scope: { environment: 'preview' }, limit: 4_100, used: 120, remaining: 3_980 }])
  })
})

describe('subscribe and unsubscribe', () => {
  it('put the account on a plan at once from a free one, at the renewal from a paid one, or now with a part of the difference', async () => {
    const home = await newHome('neural-draft')
    expect(await jsonHere(home, 'subscribe', 'hobby')).toMatchObject({ id: 'default', replayed: false, plan: { id: 'hobby', next_plan: null } })
    expect((await runHere(home, ['subscribe', 'build'])).stdout).toMatch(/^On Hobby, next grant \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC, then on build; the balance is [\d,]+ credits\n$/)
    expect(await jsonHere(home, 'subscribe', 'build', '--now')).toMatchObject({ plan: { id: 'build', next_plan: null } })
    expect((await runHere(home, ['unsubscribe'])).stdout).toMatch(/^On Build, without a further grant, then no plan; the balance is [\d,.]+ credits\n$/)
    expect(await codeOf(home, 'subscribe', 'gold')).toBe('unknown_plan')
  })
})

describe('clock', () => {
  it('AX-24: a year of renewals of a test account is tried in seconds, one grant a month; a live account has no such clock', async () => {
    const home = await newHome('neural-draft')
    await jsonHere(home, 'account', 'create', 'trial', '--test', '--plan', 'hobby')
    const of = ['--account', 'trial']
    for (let month = 0; month < 12; month += 1) await jsonHere(home, 'clock', 'advance', '31d', ...of)
    const { transactions } = await jsonHere<{ transactions: readonly { at: string }[] }>(home, 'history', '--type', 'grant', '--limit', '100', ...of)
    expect(transactions).toHaveLength(13)
    expect(new Set(transactions.map(({ at }) => at.slice(0, 7))).size).toBe(13)
    expect((await runHere(home, ['clock', 'advance', '12h', ...of])).stdout).toBe('trial is 12h further; the balance is 5,000 credits\n')
    expect(await jsonHere(home, 'doctor')).toMatchObject({ ok: true })
    const refused = await runHere(home, ['clock', 'advance', '30d'])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('only a test account has a clock')])
  })

  it.each([['30'], ['tomorrow'], ['0d'], ['-1d'], ['9999999d']])('%s is refused', async (time) => {
    const home = await newHome()
    await jsonHere(home, 'account', 'create', 'trial', '--test')
    expect(await codeOf(home, 'clock', 'advance', '--account', 'trial', '--', time)).toBe('invalid_request')
  })
})

describe('account time-zone', () => {
  it('SF-14: days and months are counted and shown in the zone of the account from now on', async () => {
    const home = await newHome()
    expect(await jsonHere(home, 'account', 'time-zone', 'Asia/Kolkata')).toMatchObject({ id: 'default', time_zone: 'Asia/Kolkata' })
    await jsonHere(home, 'budget', 'set', 'daily', '10', '--window', 'day')
    expect(await jsonHere(home, 'budget', 'list')).toMatchObject([{ resets_at: expect.stringMatching(/T18:30:00\.000Z$/) as unknown }])
    expect(squeezed((await runHere(home, ['budget', 'list'])).stdout)).toContain(' 00:00 Asia/Kolkata')
    expect(await jsonHere(home, 'usage', '--by', 'day', '--last', '1')).toMatchObject({ period: { time_zone: 'Asia/Kolkata', since: expect.stringMatching(/T18:30:00\.000Z$/) as unknown } })
    expect(squeezed((await runHere(home, ['account', 'show'])).stdout)).toContain('\nTime zone Asia/Kolkata\n')
    expect(squeezed((await runHere(home, ['account', 'time-zone', 'Europe/Berlin', 'default'])).stdout)).toContain('\nTime zone Europe/Berlin\n')
    const refused = await runHere(home, ['account', 'time-zone', 'Mars/Base'])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('<zone> is "Mars/Base"')])
  })
})

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
