import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allCommands, commandsFor, groups } from '../../src/cli/commands.js'
import { buildProgram } from '../../src/cli/program.js'
import { openCredits } from '../../src/index.js'
import { createTestDatabase } from '../support/postgres.js'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

/** A migration is a file, and a schema's number is that of its last. */
const SCHEMA = readdirSync(new URL('../../schema/sqlite', import.meta.url)).length

const home = new Home()
afterAll(() => home.remove())

/** What is one card or table for people, without its spaces. */
const squeezed = (text: string) => text.replaceAll(/ +/g, ' ')

describe('a new user', () => {
  it('makes a ledger in the data folder, which nobody else may read', async () => {
    const { code, stdout, stderr } = await home.run('init', '--catalog', 'neural-draft')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(squeezed(stdout)).toContain(`Ledger ${home.ledger}\nCatalog neural-draft, version 1\nAccount default\nPlan free\nBalance 250 credits\n`)
    expect(statSync(dirname(home.ledger)).mode & 0o777).toBe(0o700)
  })

  it('does it again without harm, and the catalog is remembered', async () => {
    expect(await jsonHere(home, 'init')).toMatchObject({ catalog: 'neural-draft', price_version: 1, account: { balance: 250, plan: 'free' } })
  })

  it('SN-13: sees the balance with its ledger and account', async () => {
    const { code, stdout, stderr } = await home.run('credits')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(squeezed(stdout)).toMatch(/^Balance 250 credits\nLevel ok\nPlan Free, 250 credits a month, next grant \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC\nUsed so far 0 credits\nAccount default\nLedger /)
    expect(stdout).toContain(home.ledger)
    expect((await home.run('balance')).stdout).toBe(stdout)
  })

  it('reads prices, estimates and what the balance pays for', async () => {
    const prices = await jsonHere<readonly { id: string }[]>(home, 'prices')
    expect(prices.find(({ id }) => id === 'blog.post')).toMatchObject({ id: 'blog.post', price: '60 credits a post' })
    expect(squeezed((await home.run('prices', '--search', 'video clip')).stdout)).toContain('video.clip/premium 300 credits a clip video build')
    expect(await jsonHere(home, 'prices', '--changes')).toEqual([])
    expect(squeezed((await home.run('estimate', 'translate', 'quantity=4')).stdout)).toMatch(/^28 credits\nAffordable; 222 credits would be left\.\n/)
    expect(await jsonHere(home, 'estimate', 'video.clip', 'variant=premium')).toMatchObject({ minimum: 300, affordable: false, blocked_by: [{ code: 'plan_required' }, { code: 'out_of_credits' }] })
    expect(squeezed((await home.run('afford')).stdout)).toContain('250 credits pay for one of these:\nOperation Units\nchat.message 250\n')
    expect(await jsonHere(home, 'afford', '120')).toMatchObject({ credits: 120, rows: expect.arrayContaining([{ operation: 'blog.post', variant: null, units: 2 }]) as unknown })
  })
})

describe('spending', () => {
  it('a charge with a key is made once, and its answer is the same again', async () => {
    const words = ['charge', 'blog.post', '--label', 'customer_id=acme', '--idempotency-key', 'job-1']
    const first = await jsonHere(home, ...words)
    expect(first).toMatchObject({ charged: 60, balance: 190, replayed: false })
    expect(await jsonHere(home, ...words)).toEqual({ ...first, replayed: true })
    expect((await home.run(...words)).stdout).toBe(`60 credits charged before, with the same key; 190 left (${String(first['transaction'])})\n`)
  })

  it('a reservation is extended and settled, another is released', async () => {
    const held = await jsonHere(home, 'reserve', 'video.clip', '--ttl', '60')
    expect(held).toMatchObject({ reserved: 40, balance: 150 })
    const reservation = String(held['reservation'])
    expect(Date.parse(String((await jsonHere(home, 'extend', reservation, '--ttl', '600'))['expires_at']))).toBeGreaterThan(Date.parse(String(held['expires_at'])))
    expect(await jsonHere(home, 'settle', reservation, '30')).toMatchObject({ charged: 30, released: 10, uncollected: 0, balance: 160 })
    const other = String((await jsonHere(home, 'reserve', 'video.clip'))['reservation'])
    expect((await home.run('release', other, '--fault', 'provider')).stdout).toBe('40 credits given back; 160 left\n')
  })

  it('a charge is explained and refunded, and the explanation knows of the refund', async () => {
    const { transactions } = await jsonHere<{ transactions: readonly { id: string }[] }>(home, 'history', '--type', 'charge')
    const id = String(transactions[0]?.id)
    expect(squeezed((await home.run('explain', id)).stdout)).toContain(`Transaction ${id} (charge)`)
    expect(await jsonHere(home, 'refund', id, '10', '--reason', 'late')).toMatchObject({ refunded: 10, balance: 170 })
    expect(await jsonHere(home, 'explain', id)).toMatchObject({ outcome: 'charged', charged: 60, refunded: 10 })
    expect(await jsonHere(home, 'explain', '--idempotency-key', 'never-sent')).toMatchObject({ outcome: 'not_charged' })
  })

  it('a grant may end at an instant', async () => {
    expect(await jsonHere(home, 'grant', '100', '--expires', '2100-01-01', '--source', 'promotion')).toMatchObject({ granted: 100, balance: 270, expires_at: '2100-01-01T00:00:00.000Z' })
    expect((await home.run('grant', '0.5')).stdout).toMatch(/^0\.5 credits granted; the balance is 270\.5 \(tx_\d+_\w+\)\n$/)
  })
})

describe('reports', () => {
  it('SN-13, WC-13: usage adds up by operation, the largest first, by day and by label, for people, as JSON and as CSV', async () => {
    const usage = await jsonHere<{ rows: readonly object[] }>(home, 'usage', '--by', 'operation')
    expect(usage).toMatchObject({ total_calls: 2, total_credits: 80, period: { time_zone: 'UTC' } })
    expect(usage.rows).toMatchObject([{ key: 'blog.post', credits: 50, calls: 1 }, { key: 'video.clip', credits: 30, calls: 1 }])
    const { stdout } = await home.run('usage', '--by', 'operation', '--last', '2')
    expect(squeezed(stdout)).toContain('blog.post 1 50 62.5 %\nvideo.clip 1 30 37.5 %\n\n80 credits in 2 calls;')
    const byLabel = await home.run('usage', '--by', 'label:customer_id', '--csv')
    expect(byLabel.stdout).toBe('key,calls,credits,usd,share\r\nacme,1,50,,0.625\r\n,1,30,,0.375\r\n')
  })

  it('the last days begin at midnight in the zone that is told', async () => {
    const { period } = await jsonHere<{ period: { since: string; time_zone: string } }>(home, 'usage', '--last', '3', '--tz', 'Asia/Kolkata')
    expect(period).toMatchObject({ since: expect.stringMatching(/T18:30:00\.000Z$/) as unknown, time_zone: 'Asia/Kolkata' })
    const { since } = (await jsonHere<{ period: { since: string } }>(home, 'usage', '--by', 'month', '--last', '2')).period
    expect(since).toMatch(/-01T00:00:00\.000Z$/)
  })

  it('WC-13: history is a table, a page of JSON that goes on and CSV, by type and by operation', async () => {
    const page = await jsonHere<{ transactions: readonly { id: string }[]; next_cursor: string }>(home, 'history', '--limit', '2')
    const next = await jsonHere<{ transactions: readonly { id: string }[] }>(home, 'history', '--limit', '2', '--cursor', page.next_cursor)
    const all = await jsonHere<{ transactions: readonly { id: string }[]; next_cursor: null }>(home, 'history')
    expect([...page.transactions, ...next.transactions]).toEqual(all.transactions.slice(0, 4))
    expect(all.next_cursor).toBeNull()
    const ofOperation = await jsonHere<{ transactions: readonly { operation: string; type: string }[] }>(home, 'history', '--operation', 'video.clip')
    expect(ofOperation.transactions.map(({ type }) => type)).toEqual(['release', 'reserve', 'settle', 'reserve'])
    const labelled = await home.run('history', '--label', 'customer_id=acme', '--type', 'charge', '--csv')
    const [head, row, end] = labelled.stdout.split('\r\n')
    expect(head).toBe('id,type,at,operation,variant,tool,credits,balance_after,labels,reservation,idempotency_key')
    expect(row).toMatch(/^tx_\w+,charge,[^,]+Z,blog\.post,,,60,190,"\{""customer_id"":""acme""\}",,job-1$/)
    expect(end).toBe('')
    expect(squeezed((await home.run('history', '--limit', '1')).stdout)).toMatch(/^At \(UTC\) Type Credits Balance For Transaction\n\S+ \S+ grant 0\.5 270\.5 tx_\S+\n\nMore: --cursor \S+\n$/)
  })
})

describe('operators', () => {
  it('make, list, show, suspend, resume and close accounts', async () => {
    expect(await jsonHere(home, 'account', 'create', 'acme', '--tz', 'Europe/Berlin')).toMatchObject({ id: 'acme', plan: 'free', time_zone: 'Europe/Berlin', balance: 250 })
    expect((await jsonHere<readonly { id: string }[]>(home, 'account', 'list')).map(({ id }) => id)).toEqual(['acme', 'default'])
    expect((await home.run('account', 'suspend', 'acme', '--reason', 'unpaid')).stdout).toBe('acme is suspended\n')
    expect((await home.run('charge', 'blog.post', '--account', 'acme')).code).toBe(4)
    expect(await jsonHere(home, 'account', 'show', 'acme')).toMatchObject({ state: 'suspended' })
    await jsonHere(home, 'account', 'resume', '--account', 'acme')
    expect(await jsonHere(home, 'charge', 'blog.post', '--account', 'acme')).toMatchObject({ charged: 60, balance: 190 })
    expect((await home.run('account', 'close')).code).toBe(2)
    await jsonHere(home, 'account', 'close', 'acme')
    expect((await home.run('charge', 'blog.post', '--account', 'acme')).code).toBe(4)
    expect(squeezed((await home.run('account', 'list')).stdout)).toContain('acme closed 190 Europe/Berlin\n')
  })

  it('check, show, compare and apply catalogs; what is shown can be applied', async () => {
    const { stdout, stderr } = await home.run('catalog', 'show')
    expect(stderr).toBe('version 1, in effect from 1970-01-01T00:00:00.000Z\n')
    writeFileSync(home.path('catalog.yaml'), stdout)
    expect((await home.run('catalog', 'validate', 'catalog.yaml')).stdout).toMatch(/^valid: neural-draft, \d+ operations, 0 tools, 5 plans\n$/)
    expect(await jsonHere(home, 'catalog', 'apply', home.path('catalog.yaml'))).toMatchObject({ applied: false, version: 1, differences: [] })
    writeFileSync(home.path('cheaper.yaml'), stdout.replace('credits: "60"', 'credits: "50"'))
    expect(await jsonHere(home, 'catalog', 'diff', home.path('cheaper.yaml'))).toMatchObject({ differences: [{ path: 'operations/blog.post/price/credits', before: '60', after: '50', increase: false }] })
    expect((await home.run('catalog', 'apply', 'cheaper.yaml')).stdout).toMatch(/^Version 2 of the catalog, in effect from .*\n {2}operations\/blog\.post\/price\/credits: "60" → "50"\n$/)
    expect(await jsonHere(home, 'estimate', 'blog.post')).toMatchObject({ minimum: 50, price_version: 2 })
    expect(await jsonHere(home, 'catalog', 'show')).toMatchObject({ version: 2, document: { id: 'neural-draft' } })
  })

  it('a price that is raised waits for the notice period and is announced meanwhile', async () => {
    const { effective_at: at } = await jsonHere<{ effective_at: string }>(home, 'price', 'blog.post', '70')
    expect(await jsonHere(home, 'estimate', 'blog.post')).toMatchObject({ minimum: 50 })
    expect(await jsonHere(home, 'prices', '--changes')).toEqual([
      { id: 'operations/blog.post/price/credits', path: 'operations/blog.post/price/credits', effective_at: at, before: '50', after: '70', increase: true },
    ])
    expect(squeezed((await home.run('prices', '--changes')).stdout)).toContain(`${at.slice(0, 10)} operations/blog.post/price/credits "50" "70"\n`)
  })

  it('doctor proves the ledger, prints a head, and proves from that head that nothing before it was changed', async () => {
    expect((await home.run('doctor')).stdout).toMatch(/^The ledger adds up: 2 accounts, \d+ transactions\.\n$/)
    const head = (await home.run('doctor', '--head')).stdout.trim()
    expect(head).toMatch(/^[0-9a-f]{64}$/)
    await jsonHere(home, 'grant', '1')
    expect(await jsonHere(home, 'doctor', '--since', head)).toMatchObject({ ok: true, problems: [] })
  })

  it('migrate says from which version to which', async () => {
    expect((await home.run('migrate')).stdout).toBe(`${home.ledger} is at schema ${SCHEMA} already\n`)
    expect(await jsonHere(home, 'migrate', '--db', home.path('new.db'))).toEqual({ ledger: home.path('new.db'), from: 0, to: SCHEMA })
  })
})

describe('doctor on a ledger that somebody has edited', () => {
  const edited = new Home()
  const transactions: string[] = []
  let head = ''
  beforeAll(async () => {
    await jsonHere(edited, 'init')
    for (const amount of ['5', '6', '7']) transactions.push((await jsonHere<{ transaction: string }>(edited, 'grant', amount)).transaction)
    head = (await jsonHere<{ head: string }>(edited, 'doctor', '--head')).head
    await jsonHere(edited, 'grant', '8')
  })
  afterAll(() => edited.remove())

  /** A copy of the ledger with a statement that no program of ours would run. */
  async function tampered(name: string, statement: string): Promise<string> {
    const file = edited.path(name)
    const { default: Database } = await import('better-sqlite3')
    const database = new Database(edited.ledger)
    await database.backup(file)
    database.close()
    const copy = new Database(file)
    copy.exec(`pragma foreign_keys = off; pragma ignore_check_constraints = on; ${statement}`)
    copy.close()
    return file
  }

  it('AX-21: a row that was changed is named, and the exit code is 1', async () => {
    const ledger = await tampered('changed.db', "update transactions set operation = 'edited' where sequence = 3")
    const { code, stdout } = await edited.run('doctor', '--db', ledger)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^The ledger does not add up: 1 account, 5 transactions, \d+ problems?\.\nThe first bad row is /)
    expect(stdout).toContain(`The first bad row is ${transactions[1]} of account default.`)
    const { code: again, stdout: body } = await runHere(edited, ['doctor', '--db', ledger, '--json'])
    expect({ again, body: JSON.parse(body) as object }).toMatchObject({ again: 1, body: { ok: false, problems: [{ account: 'default', row: transactions[1] }] } })
  })

  it('AX-21: a row that was deleted is found where it is missing', async () => {
    const ledger = await tampered('deleted.db', 'delete from transactions where sequence = 3')
    const { code, stdout } = await runHere(edited, ['doctor', '--db', ledger, '--json'])
    expect({ code, body: JSON.parse(stdout) as object }).toMatchObject({ code: 1, body: { ok: false } })
    expect(stdout).toContain(transactions[2])
  })

  it('AX-21: a head that was printed earlier proves what led to it, and is missed once that was cut off', async () => {
    expect((await runHere(edited, ['doctor', '--since', head])).code).toBe(0)
    const ledger = await tampered('cut.db', 'delete from transactions where sequence >= 4')
    const { code, stdout } = await runHere(edited, ['doctor', '--db', ledger, '--since', head])
    expect(code).toBe(1)
    expect(stdout).toContain(head)
  })
})

const commands = await allCommands()

describe('the table of commands', () => {
  it('leads from the word that is typed to the command, and for serve to nothing else', async () => {
    const typed = commands.flatMap(({ name, alias = name }) => [name, alias]).map((words) => words.split(' '))
    for (const [word = '', ...member] of typed) {
      const found = await commandsFor(word)
      expect(found.length, word).toBeLessThan(commands.length)
      expect(found.flatMap(({ name, alias = name }) => [name, alias]), word).toContain([word, ...member].join(' '))
    }
    expect((await commandsFor('serve')).map(({ name }) => name)).toEqual(['serve'])
  })

  it('leads to all of them for no word, an option and a word that is no command', async () => {
    for (const word of [undefined, '--help', 'servee']) expect(await commandsFor(word), word).toEqual(commands)
  })
})

describe('help', () => {
  it.each(commands.map(({ name, example }) => ({ name, example })))('$name --help shows an example of it and the options that all have', async ({ name, example }) => {
    let help = ''
    const program = buildProgram({
      version: '0',
      definitions: commands,
      groups,
      run: () => Promise.reject(new Error('help runs nothing')),
      writeHelp: (text) => (help += text),
      writeHint: () => undefined,
    })
    await expect(program.parseAsync([...name.split(' '), '--help'], { from: 'user' })).rejects.toMatchObject({ exitCode: 0 })
    expect(help).toContain(`Example:\n  npx mcp-credits ${example}\n`)
    for (const option of ['--db', '--account', '--key', '--json']) expect(help).toContain(option)
  })

  it('without a command it is shown as a hint on standard error', async () => {
    const { code, stdout, stderr } = await home.run()
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: mcp-credits')
  })

  it('the version is the package its', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
    expect(await home.run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('help, version and a catalog check touch no ledger', async () => {
    const other = new Home()
    for (const words of [['--help'], ['--version'], ['credits', '--help'], ['catalog', 'validate', 'starter']]) expect((await other.run(...words)).code).toBe(0)
    expect(existsSync(other.path('data'))).toBe(false)
    other.remove()
  })
})

describe('init on a terminal', () => {
  it('asks for catalog and plan of whoever can choose, once', async () => {
    const asked = new Home()
    const first = await runHere(asked, ['init'], ['neural-draft', ''])
    expect(first.questions).toEqual([
      'Catalog, a file or one of starter, neural-draft, social-neuron, soku, synfluencer, workspace-credits [starter]: ',
      'Plan, one of build, enterprise, free, hobby, scale [free]: ',
    ])
    expect(squeezed(first.stdout)).toContain('Catalog neural-draft, version 1\nAccount default\nPlan free\n')
    asked.remove()
  })

  it('takes the usual where nothing is typed, and asks nothing that an option has answered', async () => {
    const usual = new Home()
    expect((await runHere(usual, ['init'], ['', ''])).stdout).toContain('starter, version 1')
    const other = new Home()
    expect((await runHere(other, ['init', '--catalog', 'neural-draft', '--plan', 'free'], [])).questions).toEqual([])
    usual.remove()
    other.remove()
  })
})

describe('a ledger on PostgreSQL', () => {
  it('takes the same commands, and its password is not shown', async () => {
    const { url, drop } = await createTestDatabase()
    const secret = new URL(url)
    const remote = new Home({ MCP_CREDITS_DB: secret.href })
    try {
      expect(await jsonHere(remote, 'migrate')).toMatchObject({ from: 0, to: SCHEMA })
      expect(await jsonHere(remote, 'grant', '5')).toMatchObject({ granted: 5, balance: 1_005 })
      const { code, stdout } = await remote.run('credits')
      expect(code).toBe(0)
      expect(squeezed(stdout)).toMatch(/^Balance 1,005 credits\n/)
      expect(stdout).toContain(secret.pathname.slice(1))
      if (secret.password !== '') expect(stdout).not.toContain(secret.password)
      expect(existsSync(remote.path('data'))).toBe(false)
    } finally {
      remote.remove()
      await drop()
    }
  })
})

describe('several processes', () => {
  it('two at once on a ledger that is not there yet make one ledger, one account and both charges', async () => {
    const fresh = new Home()
    await fresh.run('catalog', 'validate', 'starter')
    const ran = await Promise.all([1, 2, 3, 4].map((n) => fresh.run('grant', '10', '--idempotency-key', `grant-${n}`, '--json')))
    expect(ran.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(4).fill({ code: 0, stderr: '' }))
    expect(await jsonHere(fresh, 'credits')).toMatchObject({ balance: 1_040 })
    expect(await jsonHere(fresh, 'doctor')).toMatchObject({ ok: true, accounts: 1, transactions: 5 })
    fresh.remove()
  })

  it('history --follow prints what another process does, one JSON object a line, and ends at a signal', async () => {
    const fresh = new Home()
    await jsonHere(fresh, 'init')
    const follower = fresh.start(['history', '--follow', '--json'])
    const lines = lineReader(follower.stdout)
    expect(JSON.parse(await lines.next())).toMatchObject({ type: 'grant', credits: 1_000, balance_after: 1_000 })
    const credits = await openCredits({ database: fresh.ledger })
    await credits.grant({ account: 'default', credits: 7 })
    await credits.grant({ account: 'default', credits: 8 })
    expect([await lines.next(), await lines.next()].map((line) => JSON.parse(line) as object)).toMatchObject([
      { type: 'grant', credits: 7 },
      { type: 'grant', credits: 8, balance_after: 1_015 },
    ])
    const closed = new Promise((resolve) => follower.on('close', resolve))
    follower.kill('SIGINT')
    expect(await closed).toBe(0)
    await credits.close()
    fresh.remove()
  })

  it('a reader that has seen enough is no failure', async () => {
    const child = home.start(['history'])
    child.stdout.destroy()
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  })
})

function lineReader(stream: NodeJS.ReadableStream): { readonly next: () => Promise<string> } {
  const lines: string[] = []
  let rest = ''
  let waiting: ((line: string) => void) | undefined
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    const line = waiting === undefined ? undefined : lines.shift()
    if (line !== undefined) {
      waiting?.(line)
      waiting = undefined
    }
  })
  return {
    next: () => {
      const line = lines.shift()
      return line === undefined ? new Promise((resolve) => (waiting = resolve)) : Promise.resolve(line)
    },
  }
}
