import { describe, expect, it } from 'vitest'
import { wrapConfiguration } from '../../src/cli/commands/wrap.js'
import { csv } from '../../src/csv.js'
import { compileCacheFolders } from '../../src/cli/compile-cache.js'
import { defaultDatabase } from '../../src/cli/default-database.js'
import { creditsOf, localTime, moment, usd } from '../../src/cli/format.js'
import { printable, styleFor } from '../../src/cli/output.js'
import { readSettings } from '../../src/cli/settings.js'
import { cardLines, tableLines } from '../../src/cli/table.js'
import { upstreamEnvironment } from '../../src/cli/upstream-environment.js'
import { isAddress } from '../../src/database-text.js'
import { MISWRITTEN } from './miswritten.js'
import { readCall, readLabel, readLabels, readUsage } from '../../src/cli/words.js'

const plain = styleFor({ isTTY: false }, {})

describe('name=value words', () => {
  it('variant and quantity belong to the call, everything else is an argument; JSON is read where it is JSON', () => {
    expect(readCall(['variant=premium', 'quantity=2.5', 'n=3', 'hd=true', 'none=null', 'list=[1,2]', 'title=3pm', 'url=a=b', 'empty='])).toEqual({
      variant: 'premium',
      quantity: 2.5,
      args: { n: 3, hd: true, none: null, list: [1, 2], title: '3pm', url: 'a=b', empty: '' },
    })
  })

  it('a variant that looks like a number stays a text', () => {
    expect(readCall(['variant=2'])).toEqual({ variant: '2' })
  })

  it('a name that every object has is a name like any other', () => {
    expect(readCall(['__proto__=1', 'constructor=2']).args).toEqual(Object.fromEntries([['__proto__', 1], ['constructor', 2]]))
  })

  it.each([
    ['a word without a name', () => readCall(['=1'])],
    ['a word without a value', () => readCall(['premium'])],
    ['a name given twice', () => readCall(['n=1', 'n=2'])],
    ['a quantity that is no number', () => readCall(['quantity=NaN'])],
    ['a quantity that is infinite in words', () => readCall(['quantity=Infinity'])],
    ['a quantity in another base', () => readCall(['quantity=0x10'])],
    ['an empty quantity', () => readCall(['quantity='])],
    ['a label without a value', () => readLabels(['customer'])],
    ['a label to look for without a value', () => readLabel('customer')],
    ['a usage that is no number', () => readUsage(['input_tokens=many'])],
  ])('%s is refused', (_what, read) => {
    expect(read).toThrowError(expect.objectContaining({ code: 'invalid_request' }) as Error)
  })

  it('labels and usage that were not given are left out', () => {
    expect([readLabels(), readUsage(), readLabel(undefined)]).toEqual([undefined, undefined, undefined])
    expect([readLabels(['a=1']), readUsage(['input_tokens=5'])]).toEqual([{ a: '1' }, { input_tokens: 5 }])
  })
})

describe('the ledger when nobody names one', () => {
  const at = (platform: NodeJS.Platform, env: Record<string, string>, home: string) => defaultDatabase({ platform, env, home })

  it.each([
    ['Linux', at('linux', {}, '/home/ada'), '/home/ada/.local/share/mcp-credits/ledger.db'],
    ['XDG_DATA_HOME', at('linux', { XDG_DATA_HOME: '/data' }, '/home/ada'), '/data/mcp-credits/ledger.db'],
    ['a relative XDG_DATA_HOME, which does not count', at('linux', { XDG_DATA_HOME: 'data' }, '/home/ada'), '/home/ada/.local/share/mcp-credits/ledger.db'],
    ['macOS', at('darwin', {}, '/Users/ada'), '/Users/ada/Library/Application Support/mcp-credits/ledger.db'],
    ['Windows', at('win32', { LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local' }, 'C:\\Users\\ada'), 'C:\\Users\\ada\\AppData\\Local\\mcp-credits\\ledger.db'],
    ['Windows without its variable', at('win32', {}, 'C:\\Users\\ada'), 'C:\\Users\\ada\\AppData\\Local\\mcp-credits\\ledger.db'],
  ])('on %s', (_where, found, expected) => {
    expect(found).toBe(expected)
  })
})

describe('the folder of compiled code', () => {
  const at = (platform: NodeJS.Platform, env: Record<string, string>, home: string) => compileCacheFolders({ platform, env, home }).at(-1)

  it.each([
    ['Linux', at('linux', {}, '/home/ada'), '/home/ada/.cache/mcp-credits/compiled'],
    ['XDG_CACHE_HOME', at('linux', { XDG_CACHE_HOME: '/cache' }, '/home/ada'), '/cache/mcp-credits/compiled'],
    ['a relative XDG_CACHE_HOME, which does not count', at('linux', { XDG_CACHE_HOME: 'cache' }, '/home/ada'), '/home/ada/.cache/mcp-credits/compiled'],
    ['macOS', at('darwin', {}, '/Users/ada'), '/Users/ada/Library/Caches/mcp-credits/compiled'],
    ['Windows', at('win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\ada'), 'D:\\Local\\mcp-credits\\compiled'],
    ['a user without a home, who has none', at('linux', {}, ''), undefined],
    ['Windows with a relative folder, which would be below where we are started', at('win32', { LOCALAPPDATA: 'Local' }, 'C:\\Users\\ada'), undefined],
  ])('on %s', (_where, found, expected) => {
    expect(found).toBe(expected)
  })
})

describe('settings', () => {
  const machine = { platform: 'linux', home: '/home/ada', env: { MCP_CREDITS_DB: 'env.db', MCP_CREDITS_ACCOUNT: 'acme' } } as const

  it('options win over the environment, and the environment over what is usual', () => {
    expect(readSettings({ db: 'x.db', account: 'bob' }, machine)).toMatchObject({ database: 'x.db', account: 'bob', isMadeWhenMissing: false })
    expect(readSettings({}, machine)).toMatchObject({ database: 'env.db', account: 'acme', isMadeWhenMissing: true })
    expect(readSettings({}, { ...machine, env: { MCP_CREDITS_DB: '', MCP_CREDITS_ACCOUNT: '' } })).toMatchObject({
      database: '/home/ada/.local/share/mcp-credits/ledger.db',
      account: 'default',
      isDefaultDatabase: true,
    })
  })

  it('a key is never ignored: the option wins over the environment, and an empty one is refused', () => {
    const env = { MCP_CREDITS_KEY: 'mc_env', MCP_CREDITS_RUN: 'nightly' }
    expect(readSettings({ key: 'mc_option' }, { ...machine, env }).key).toBe('mc_option')
    expect(readSettings({}, { ...machine, env })).toMatchObject({ key: 'mc_env', run: 'nightly' })
    expect(readSettings({}, { ...machine, env: { MCP_CREDITS_RUN: '' } })).toMatchObject({ key: null, run: null })
    const empty = (message: string) => expect.objectContaining({ code: 'unauthenticated', message }) as Error
    expect(() => readSettings({ key: '' }, { ...machine, env })).toThrowError(empty('--key is empty: expected the secret of a key'))
    expect(() => readSettings({}, { ...machine, env: { MCP_CREDITS_KEY: '' } })).toThrowError(empty('MCP_CREDITS_KEY is empty: expected the secret of a key'))
    expect(readSettings({ key: 'mc_option' }, { ...machine, env: { MCP_CREDITS_KEY: '' } }).key).toBe('mc_option')
  })

  it('a run that no ledger can keep is refused', () => {
    expect(() => readSettings({}, { ...machine, env: { MCP_CREDITS_RUN: 'r'.repeat(256) } })).toThrowError(expect.objectContaining({ code: 'invalid_request' }) as Error)
  })

  it('an upstream server gets our environment without what is ours', () => {
    const env = { PATH: '/bin', MCP_CREDITS_KEY: 's', MCP_CREDITS_DB: 'postgres://u:p@h/d', GITHUB_TOKEN: 't' }
    expect(upstreamEnvironment(env, 'ledger.db')).toEqual({ PATH: '/bin', GITHUB_TOKEN: 't' })
  })

  it('T46: what the driver takes a password from is ours where the ledger is on PostgreSQL, and only there', () => {
    const env = { PATH: '/bin', PGPASSWORD: 'hidden', PGPASSFILE: '/home/ada/.pgpass', PGHOST: 'h', pgpassword: 'hidden' }
    for (const database of ['postgres://u@h/d', 'postgresql://u@h/d', 'Postgres://u@h/d']) {
      expect(upstreamEnvironment(env, database), database).toEqual({ PATH: '/bin', PGHOST: 'h' })
    }
    expect(upstreamEnvironment(env, '/home/ada/ledger.db')).toEqual(env)
  })

  it('an address is known by its scheme, however that is written; anything else is a file', () => {
    const addresses = ['postgres://h/d', 'postgresql://h/d', 'POSTGRES://h/d']
    expect([...addresses, 'ledger.db', ':memory:', 'postgres/ledger.db', 'postgresq://h/d', 'C:\\ledger.db'].filter(isAddress)).toEqual(addresses)
  })

  it.each(MISWRITTEN)('an address that is written wrongly is refused and not repeated: %s', (database) => {
    const said = 'expected a file, ":memory:" or a postgres:// address, found an address that is written wrongly; one begins with postgres:// or postgresql://, with no blank and no quote before it'
    const refused = (message: string) => expect.objectContaining({ code: 'invalid_request', message }) as Error
    expect(() => readSettings({ db: database }, machine)).toThrowError(refused(`--db: ${said}`))
    expect(() => readSettings({}, { ...machine, env: { MCP_CREDITS_DB: database } })).toThrowError(refused(`MCP_CREDITS_DB: ${said}`))
  })

  it.each(['a@b.db', 'with password.db', '/srv/postgres//ledger.db', './postgres/ledger.db', 'C:\\Users\\ada\\ledger.db', '//server/share/ledger.db', 'postgres.db', 'day:1.db'])('the name of a file is none: %s', (database) => {
    expect(readSettings({ db: database }, machine).database).toBe(database)
  })
})

describe('text for people', () => {
  it('is coloured on a terminal only, and not with NO_COLOR', () => {
    const bold = '\u001B[1mx\u001B[22m'
    expect(styleFor({ isTTY: true }, {}).bold('x')).toBe(bold)
    expect(styleFor({ isTTY: true }, { NO_COLOR: '' }).bold('x')).toBe(bold)
    expect([styleFor({}, {}), styleFor({ isTTY: true }, { NO_COLOR: '1' }), styleFor({ isTTY: true }, { TERM: 'dumb' })].map(({ bold }) => bold('x'))).toEqual(['x', 'x', 'x'])
  })

  it('a text by others commands no terminal and stays in its line', () => {
    expect(printable('a\u001B[31mred\nnext\u202Eend')).toBe('a\uFFFD[31mred\uFFFDnext\uFFFDend')
  })

  it('numbers are aligned at their right ends, wide signs take two columns', () => {
    const rows = [{ name: 'echo', price: '1' }, { name: '画像', price: '1,000' }]
    const columns = [
      { head: 'Tool', cell: (row: (typeof rows)[number]) => row.name },
      { head: 'Price', cell: (row: (typeof rows)[number]) => row.price, isNumber: true as const },
    ]
    expect(tableLines(rows, columns, plain)).toEqual(['Tool  Price', 'echo      1', '画像  1,000'])
  })

  it('a card leaves out what there is not', () => {
    expect(cardLines([['Balance', '1'], ['Reserved', null], ['To', '2']], plain)).toEqual(['Balance  1', 'To       2'])
  })

  it('amounts are grouped and exact to six decimals, instants in the time zone that is told', () => {
    const unit = { name: 'credit', plural: 'credits' }
    expect([creditsOf(1, unit), creditsOf(1_234.000001, unit), creditsOf(2_000_000_000, unit)]).toEqual(['1 credit', '1,234.000001 credits', '2,000,000,000 credits'])
    expect([usd(0.6), usd(0.0125), usd(1_000)]).toEqual(['$0.60', '$0.0125', '$1,000.00'])
    expect([moment('2026-12-31T23:30:00.000Z', 'Europe/Berlin'), localTime('2026-12-31T23:30:00.000Z', 'UTC')]).toEqual(['2027-01-01 00:30 Europe/Berlin', '2026-12-31 23:30'])
  })

  it('CSV quotes what would break a line or a field, and disarms what a spreadsheet would run', () => {
    expect(csv(['key', 'credits'], [['a,b', 1], ['say "hi"\n', -2], ['=1+1', 0.02], [null, 3]])).toBe(
      'key,credits\r\n"a,b",1\r\n"say ""hi""\n",-2\r\n\'=1+1,0.02\r\n,3\r\n',
    )
  })
})

describe('wrap', () => {
  it('AX-26: every stdio server gets the meter before its command; everything else in the configuration stays', () => {
    const configuration = {
      theme: 'dark',
      mcpServers: {
        files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/tmp'], env: { LEVEL: '1' }, disabled: false },
        plain: { command: 'server' },
        web: { type: 'http', url: 'https://example.com/mcp' },
        metered: { command: 'npx', args: ['-y', 'mcp-credits@0.1.0', 'serve', '--', 'server'] },
        credits: { command: 'mcp-credits', args: ['serve'] },
        broken: { command: 'server', args: 'x' },
        empty: {},
        number: { command: 5 },
      },
    }
    const { configuration: wrapped, left } = wrapConfiguration(configuration, [])
    expect(wrapped).toEqual({
      ...configuration,
      mcpServers: {
        ...configuration.mcpServers,
        files: {
          command: 'npx',
          args: ['-y', 'mcp-credits', 'serve', '--', 'npx', '-y', '@modelcontextprotocol/server-filesystem', '/tmp'],
          env: { LEVEL: '1' },
          disabled: false,
        },
        plain: { command: 'npx', args: ['-y', 'mcp-credits', 'serve', '--', 'server'] },
      },
    })
    expect(left.map(({ name }) => name)).toEqual(['web', 'metered', 'credits', 'broken', 'empty', 'number'])
    expect(left.slice(-2).map(({ reason }) => reason)).toEqual(Array(2).fill('it has neither a "command" nor a "url" that is a text'))
  })

  it('what is wrapped already is left, so that wrapping twice is wrapping once', () => {
    const once = wrapConfiguration({ servers: { a: { command: 'server', args: ['mcp-credits', 'serve'] } } }, ['--db', '/x.db']).configuration
    expect(once).toEqual({ servers: { a: { command: 'npx', args: ['-y', 'mcp-credits', 'serve', '--db', '/x.db', '--', 'server', 'mcp-credits', 'serve'] } } })
    expect(wrapConfiguration(once, []).configuration).toEqual(once)
  })
})
