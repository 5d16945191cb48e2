import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { main } from '../../src/cli/main.js'
import { styleFor } from '../../src/cli/output.js'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

const homes: Home[] = []
const opened: Credits[] = []
afterEach(async () => {
  for (const credits of opened.splice(0)) await credits.close()
  for (const home of homes.splice(0)) home.remove()
})

async function newHome(): Promise<Home> {
  const home = new Home()
  homes.push(home)
  await jsonHere(home, 'init')
  return home
}

/** The ledger in the hands of somebody else. */
async function library(home: Home): Promise<Credits> {
  const credits = await openCredits({ database: home.ledger })
  opened.push(credits)
  return credits.as({ account: 'default' })
}

const squeezed = (text: string) => text.replaceAll(/ +/g, ' ')

/** Watches until it is told to stop; what is written is waited for, and no longer than a poll. */
function watching(home: Home, words: readonly string[], isTerminal: boolean) {
  const stop = new AbortController()
  const written: string[] = []
  let wake: () => void = () => undefined
  const ended = main(['watch', ...words], {
    machine: { platform: 'linux', env: home.env, home: home.folder },
    style: styleFor({ isTTY: false }, {}),
    streams: {
      write: (text) => {
        written.push(text)
        wake()
        return Promise.resolve()
      },
      note: () => undefined,
      isTerminal,
      isErrorTerminal: false,
      isInteractive: false,
      ask: () => Promise.resolve(''),
      stop: () => stop.signal,
    },
  })
  const next = async (count: number): Promise<readonly string[]> => {
    while (written.length < count) await new Promise<void>((resolve) => (wake = resolve))
    return written
  }
  return { written, next, ended, end: () => (stop.abort(), ended) }
}

describe('watch', () => {
  it('once: shows balance, burn rate and the last charges, and ends', async () => {
    const home = await newHome()
    expect(squeezed((await runHere(home, ['watch', '--once'])).stdout)).toBe('Balance 1,000 credits\nLevel ok\nBurn rate 0 credits a day\nAccount default\n\nNothing was charged yet.\n')
    await jsonHere(home, 'budget', 'set', 'daily', '50', '--window', 'day')
    await jsonHere(home, 'charge', 'tool.call', 'quantity=3')
    const text = squeezed((await runHere(home, ['watch', '--once'])).stdout)
    expect(text).toMatch(/^Balance 997 credits\nSpendable 47 credits\nLevel ok\nTightest daily: 47 of 50 credits left today, resets .*\nBurn rate [\d.,]+ credits a day\n/)
    expect(text).toMatch(/\nAt \(UTC\) Credits Balance For\n\S+ \S+ 3 997 tool\.call\n$/)
    expect(await jsonHere(home, 'watch', '--once')).toMatchObject({ account: 'default', balance: 997, burn_rate_per_day: expect.any(Number) as unknown, last_charges: [{ type: 'charge', credits: 3 }] })
  })

  it('without a terminal: one line for each change, and none where another account has changed', async () => {
    const home = await newHome()
    const ledger = await library(home)
    const watch = watching(home, [], false)
    expect(await watch.next(1)).toEqual(['1,000 credits, ok\n'])
    await ledger.createAccount({ id: 'other' })
    await ledger.charge({ operation: 'tool.call', quantity: 5, idempotencyKey: 'a' })
    expect((await watch.next(2))[1]).toMatch(/^995 credits, ok; last charge 5 for tool\.call, \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC \(tx_\S+\)\n$/)
    await ledger.reserve({ operation: 'tool.call', quantity: 10 })
    expect((await watch.next(3))[2]).toMatch(/^985 credits, 10 reserved, ok; last charge 5 /)
    expect(await watch.end()).toBe(0)
    expect(watch.written).toHaveLength(3)
  })

  it('with --json: one object a line', async () => {
    const home = await newHome()
    const watch = watching(home, ['--json'], true)
    const [line = ''] = await watch.next(1)
    expect(line.split('\n')).toHaveLength(2)
    expect(JSON.parse(line)).toMatchObject({ account: 'default', balance: 1_000, last_charges: [] })
    expect(await watch.end()).toBe(0)
  })

  it('on a terminal: drawn again in place on the other screen, and what was seen last stays when it ends', async () => {
    const home = await newHome()
    const ledger = await library(home)
    const watch = watching(home, [], true)
    await watch.next(1)
    await ledger.charge({ operation: 'tool.call', quantity: 5 })
    const [first = '', second = ''] = await watch.next(2)
    expect(first.startsWith('\u001B[?1049h\u001B[H\u001B[JBalance  ')).toBe(true)
    expect(second.startsWith('\u001B[H\u001B[JBalance  ')).toBe(true)
    expect(second).toContain('995 credits')
    expect(await watch.end()).toBe(0)
    expect(watch.written.at(-1)).toBe(second.replace('\u001B[H\u001B[J', '\u001B[?1049l'))
  })

  it('a key that is revoked sees no more', async () => {
    const home = await newHome()
    const { id, key } = await jsonHere<{ id: string; key: string }>(home, 'key', 'create')
    const watch = watching(home, ['--key', key], false)
    await watch.next(1)
    await (await library(home)).revokeKey({ id })
    expect(await watch.ended).toBe(4)
    expect(watch.written).toHaveLength(1)
  })

  it('what another process grants is seen, and a signal ends it with 0', async () => {
    const home = await newHome()
    const child = home.start(['watch'])
    let output = ''
    const seen = (text: string) => new Promise<void>((resolve) => {
      child.stdout.on('data', function look() {
        if (output.includes(text)) resolve()
      })
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    await seen('1,000 credits')
    const changed = seen('1,007 credits')
    await (await library(home)).grant({ credits: 7 })
    await changed
    const closed = new Promise((resolve) => child.on('close', resolve))
    child.kill('SIGTERM')
    expect(await closed).toBe(0)
  })
})
