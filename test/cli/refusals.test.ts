import { existsSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode } from '../../src/index.js'
import { runHere } from './in-process.js'
import { MISWRITTEN } from './miswritten.js'
import { Home, withJson } from './process.js'

const home = new Home()
const suspended = 'suspended'

beforeAll(async () => {
  await home.json('init', '--catalog', 'neural-draft')
  await home.json('charge', 'chat.message', '--idempotency-key', 'used')
  await home.json('account', 'create', suspended)
  await home.json('account', 'suspend', suspended)
  writeFileSync(home.path('bad.yaml'), 'id: bad\noperations: 5\n')
  writeFileSync(home.path('broken.yaml'), 'id: "no end\n')
  writeFileSync(home.path('text.db'), 'this is no database, and long enough to be seen as none. '.repeat(20))
  writeFileSync(home.path('servers.json'), '{ "name": "no servers" }')
})
afterAll(() => home.remove())

/** A refusal says why on standard error, has its body on standard output with --json, and its code's exit. */
describe('refusals', () => {
  const file = (name: string) => home.path(name)
  const cases: readonly (readonly [ErrorCode, readonly string[]])[] = [
    ['out_of_credits', ['charge', 'website.generate', 'quantity=3']],
    ['plan_required', ['charge', 'video.clip', 'variant=premium']],
    ['account_suspended', ['charge', 'blog.post', '--account', suspended]],
    ['unauthenticated', ['credits', '--key', 'secret']],
    ['idempotency_conflict', ['charge', 'blog.post', '--idempotency-key', 'used']],
    ['invalid_request', ['credits', '--db', file('no/such/folder/ledger.db')]],
    ['invalid_request', ['credits', '--db', file('nowhere.db')]],
    ['invalid_request', ['grant', '5', '--db', 'mysql://root:secret@host/ledger']],
    ['invalid_request', ['grant', '5', '--db', 'sqlite:ledger.db']],
    ['invalid_request', ['doctor', '--since', '0000']],
    ['invalid_request', ['charge', 'blog.post', '--label', '__proto__=x']],
    ['invalid_request', ['grant', '5', '--expires', '2027-02-30T00:00:00Z']],
    ['unknown_plan', ['init', '--plan', 'gold']],
    ['invalid_request', ['init', '--plan', 'hobby']],
    ['catalog_invalid', ['catalog', 'validate', file('bad.yaml')]],
    ['catalog_invalid', ['catalog', 'apply', file('broken.yaml')]],
    ['catalog_invalid', ['init', '--catalog', 'starter']],
    ['catalog_invalid', ['init', '--catalog', file('nowhere.yaml')]],
    ['unknown_account', ['credits', '--account', 'nobody']],
    ['unknown_account', ['account', 'suspend', 'nobody']],
    ['unknown_operation', ['charge', 'nothing']],
    ['unknown_operation', ['estimate', '__proto__']],
    ['unknown_variant', ['charge', 'video.clip', 'variant=gold']],
    ['unknown_plan', ['account', 'create', 'x', '--plan', 'gold']],
    ['unknown_transaction', ['explain', 'tx_99_0123456789']],
    ['unknown_transaction', ['refund', 'tx_99_0123456789']],
    ['unknown_reservation', ['settle', 'rs_99_0123456789']],
    ['unknown_reservation', ['release', 'rs_99_0123456789']],
    ['invalid_amount', ['grant', '-5']],
    ['invalid_amount', ['grant', '0']],
    ['invalid_amount', ['grant', '--', '-0']],
    ['invalid_amount', ['grant', 'NaN']],
    ['invalid_amount', ['grant', '1e309']],
    ['invalid_amount', ['grant', '0.0000001']],
    ['invalid_amount', ['grant', '2000000001']],
    ['invalid_amount', ['grant', 'ten']],
    ['invalid_amount', ['price', 'blog.post', '-1']],
    ['invalid_amount', ['afford', 'NaN']],
    ['invalid_amount', ['charge', 'blog.post', 'quantity=-1']],
    ['invalid_amount', ['charge', 'blog.post', 'quantity=-0']],
    ['invalid_amount', ['reserve', 'blog.post', 'quantity=0']],
    ['invalid_amount', ['charge', 'blog.post', 'quantity=9999999999999999']],
    ['invalid_request', ['charge', 'blog.post', 'quantity=1e309']],
    ['invalid_request', ['charge', 'blog.post', '--idempotency-key', '']],
    ['invalid_request', ['charge', 'blog.post', '--idempotency-key', 'k'.repeat(256)]],
    ['invalid_request', ['charge', '']],
    ['invalid_request', ['charge', 'blog.post', '--label', `big=${'x'.repeat(1_025)}`]],
    ['invalid_request', ['extend', 'rs_99_0123456789', '--ttl', '-1']],
    ['invalid_request', ['reserve', 'blog.post', '--overrun', 'never']],
    ['invalid_request', ['settle', 'rs_99_0123456789', '--fault', 'nobody']],
    ['invalid_request', ['grant', '5', '--expires', 'tomorrow']],
    ['invalid_request', ['grant', '5', '--priority', 'first']],
    ['invalid_request', ['account', 'create', 'x', '--tz', 'Mars/Base']],
    ['invalid_request', ['usage', '--by', 'colour']],
    ['invalid_request', ['usage', '--since', 'yesterday']],
    ['invalid_request', ['usage', '--last', '0']],
    ['invalid_request', ['usage', '--last', '2', '--since', '2026-01-01']],
    ['invalid_request', ['history', '--type', 'gift']],
    ['invalid_request', ['history', '--limit', '1001']],
    ['invalid_request', ['history', '--cursor', '1.x']],
    ['invalid_request', ['history', '--csv']],
    ['invalid_request', ['explain']],
    ['invalid_request', ['doctor', '--head', '--since', 'x']],
    ['invalid_request', ['serve', '--toolsets', 'read,steal']],
    ['invalid_request', ['wrap', file('nowhere.json')]],
    ['invalid_request', ['wrap', file('bad.yaml')]],
    ['invalid_request', ['wrap', file('servers.json')]],
    ['invalid_request', ['init', '--', 'no-such-program']],
    ['invalid_request', ['charge']],
    ['invalid_request', ['charge', 'blog.post', '--discount', '5']],
    ['invalid_request', ['charge', 'blog.post', '--label']],
    ['invalid_request', ['chrage', 'blog.post']],
    ['invalid_request', ['account']],
    ['invalid_request', ['credits', 'too', 'many']],
    ['invalid_request', ['credits', '--db', '']],
  ]

  it.each(cases)('%s: %j', async (code, words) => {
    const { code: exit, stdout, stderr } = await runHere(home, withJson(words))
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; retryable: boolean } }
    expect({ exit, code: error.code, retryable: error.retryable }).toEqual({ exit: ERRORS[code].exit, code, retryable: ERRORS[code].retryable })
    expect(stderr.startsWith(`mcp-credits: ${error.message.split('\n')[0] ?? ''}`)).toBe(true)
    expect(stderr).not.toContain('    at ')
  })

  it.each([
    [1, ['charge', 'blog.post', '--idempotency-key', 'used']],
    [2, ['charge', 'blog.post', '--discount', '5']],
    [3, ['charge', 'website.generate', 'quantity=3']],
    [4, ['charge', 'video.clip', 'variant=premium']],
    [6, ['credits', '--db', 'text.db']],
  ] as const)('the process exits %i for %j, with nothing on standard output', async (exit, words) => {
    const { code, stdout, stderr } = await home.run(...words)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toMatch(/^mcp-credits: ./)
  })

  it.each([
    ['text.db', /SQLITE_NOTADB.*text\.db\n {2}The file is no ledger, or it is damaged/],
    ['no/such/folder/ledger.db', /folder of the ledger file does not exist: \S*no\/such\/folder\/ledger\.db\n {2}Make the folder first/],
  ])('a ledger that does not mend itself is named, and no retry is advised: %s', async (name, words) => {
    const { code, stdout, stderr } = await runHere(home, ['grant', '5', '--json', '--db', home.path(name)])
    expect(code).toBe(6)
    expect(stderr).toMatch(words)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ledger_unavailable', retryable: false } })
  })

  it('an address of another database is refused without its password', async () => {
    const { stderr } = await runHere(home, ['grant', '5', '--db', 'mysql://root:secret@host/ledger'])
    expect(stderr).toBe('mcp-credits: --db: expected a file, ":memory:" or a postgres:// address, found an address that begins with mysql:\n')
  })

  it.each([['credits'], ['grant', '5'], ['init'], ['serve', '--http', '0'], ['key', 'create'], ['doctor'], ['wrap', 'mcp.json']])('no command repeats an address that is written wrongly: %s', async (...words) => {
    for (const database of MISWRITTEN) {
      const { code, stdout, stderr } = await runHere(home, [...words, '--json', '--db', database])
      expect([code, stdout + stderr], database).toEqual([2, expect.not.stringContaining('hidden')])
    }
  })

  it('T40: the body of a refusal for money says that retrying is of no use, and what is', async () => {
    const { code, stdout, stderr } = await home.run('charge', 'website.generate', 'quantity=3')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^mcp-credits: Out of credits .*: 720 needed, 249 available\n {2}Add credits: npx mcp-credits grant 471 --account default\n/)
    expect(JSON.parse((await home.run('charge', 'website.generate', 'quantity=3', '--json')).stdout)).toMatchObject({
      error: {
        retryable: false,
        details: { required: 720, available: 249, reserved: 0, shortfall: 471, limited_by: { type: 'balance', id: 'default' } },
        affordable: { units: 1 },
        top_up_url: null,
        approval: null,
      },
    })
  })

  it.each([
    [['grant', '5', '--expires', '2027-02-30T00:00:00Z'], '--expires is "2027-02-30T00:00:00Z"; expected an instant: ISO 8601 text with a zone, epoch milliseconds or a Date'],
    [['grant', '5', '--from', 'x'.repeat(50)], '--from is a text of 50 characters; expected an instant: ISO 8601 text with a zone, epoch milliseconds or a Date'],
    [['grant', '5', '--priority', '101'], '--priority: expected at most 100, found 101'],
    [['charge', 'blog.post', '--idempotency-key', ''], '--idempotency-key: expected at least 1 character, found ""'],
    [['charge', 'blog.post', '--label', `${'n'.repeat(300)}=x`], `--label.${'n'.repeat(39)}…: a name: expected at most 255 characters, found a text of 300 characters`],
    [['charge', 'blog.post', '--label', '__proto__=x'], '--label: expected names other than __proto__'],
    [['account', 'create', 'x', '--tz', 'Mars/Base'], '--tz is "Mars/Base"; expected a name like Europe/Berlin or UTC'],
    [['reserve', 'blog.post', '--overrun', 'never'], '--overrun: expected one of cap, reject, debt, found "never"'],
    [['explain'], 'input: give either transaction or --idempotency-key'],
    [['doctor', '--since', '0000'], '--since: expected a head of 64 hexadecimal characters, found "0000"'],
    [['init', '--plan', 'hobby'], '--plan: the account default exists already, on the plan free'],
    [['init', '--plan', 'gold'], '--plan: there is no plan "gold", and the account default exists already, on the plan free'],
  ])('%j says what was expected in the words of the command line', async (words, message) => {
    expect((await runHere(home, words)).stderr.split('\n')[0]).toBe(`mcp-credits: ${message}`)
  })

  it('a head of the right shape that no account has is a finding, not a mistake in the words', async () => {
    expect((await runHere(home, ['doctor', '--since', '0'.repeat(64)])).code).toBe(1)
  })

  it.each([
    ['doctor'],
    ['credits'],
    ['usage'],
    ['history'],
    ['explain', 'tx_1_0123456789'],
    ['estimate', 'blog.post'],
    ['afford'],
    ['prices'],
    ['account', 'list'],
    ['account', 'show'],
    ['budget', 'list'],
    ['alert', 'list'],
    ['messages'],
    ['watch'],
    ['member', 'list'],
    ['key', 'list'],
    ['catalog', 'show'],
    ['catalog', 'diff', 'starter'],
  ])('%s only reads, and makes no ledger where there is none', async (...words) => {
    const typo = home.path('typo.db')
    const { code, stderr } = await runHere(home, [...words, '--db', typo])
    expect({ code, stderr }).toEqual({ code: 2, stderr: `mcp-credits: no ledger at ${typo}\n  Make one there: npx mcp-credits init --db ${typo}\n` })
    expect(existsSync(typo)).toBe(false)
  })

  it('a path by the environment is one that somebody has named as well', async () => {
    const other = new Home({ MCP_CREDITS_DB: home.path('typo.db') })
    expect((await runHere(other, ['credits'])).code).toBe(2)
    expect(existsSync(home.path('typo.db'))).toBe(false)
    other.remove()
  })

  it('a refund that is not allowed says where to look', async () => {
    const { stdout } = await runHere(home, ['history', '--type', 'grant', '--json'])
    const { transactions } = JSON.parse(stdout) as { transactions: readonly { id: string }[] }
    const id = String(transactions[0]?.id)
    expect((await runHere(home, ['refund', id])).stderr).toContain(`\n  What was charged and given back: npx mcp-credits explain ${id}\n`)
  })

  it('a command that cannot be read for its tools is to be tried by itself', async () => {
    expect((await runHere(home, ['init', '--catalog', home.path('none.yaml'), '--', 'no-such-program', 'a b'])).stderr).toContain("See that it starts by itself: no-such-program 'a b'")
  })

  it('none of them wrote an entry', async () => {
    expect(await home.json('credits')).toMatchObject({ balance: 249, reserved: 0 })
    expect((await home.json<{ transactions: readonly object[] }>('history')).transactions).toHaveLength(2)
    expect(await home.json('doctor')).toMatchObject({ ok: true })
  })
})
