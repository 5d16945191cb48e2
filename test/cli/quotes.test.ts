import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { jsonHere, runHere } from './in-process.js'
import { Home } from './process.js'

let home: Home

beforeEach(async () => {
  home = new Home()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-10-05T08:00:00Z') })
  await json('init', '--catalog', 'neural-draft', '--plan', 'none')
  await json('grant', '1000')
  return () => {
    vi.useRealTimers()
    home.remove()
  }
})

const json = <T = Record<string, unknown>>(...words: readonly string[]) => jsonHere<T>(home, ...words)
const text = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await runHere(home, words)
  expect({ code, stderr }, words.join(' ')).toEqual({ code: 0, stderr: '' })
  return stdout.replaceAll(/ +/g, ' ')
}
const refusal = async (...words: readonly string[]) => {
  const { code, stderr } = await runHere(home, words)
  return { code, stderr: stderr.split('\n')[0] }
}

function callsFile(content: string): string {
  const file = join(home.folder, 'calls.json')
  writeFileSync(file, content)
  return file
}

interface Quoted {
  readonly quote_id: string
  readonly expires_at: string
}

describe('quotes on the command line', () => {
  it('AX-01: quote binds a price, charge --quote spends it once, explain tells it', async () => {
    const { quote_id: id, expires_at: end } = await json<Quoted>('quote', 'blog.post', 'quantity=2', '--ttl', '600')
    expect(end).toBe('2026-10-05T08:10:00.000Z')
    const { transaction } = await json<{ transaction: string }>('charge', 'blog.post', 'quantity=2', '--quote', id)
    expect(await text('explain', transaction)).toContain(`Quote ${id}, at most 120 credits`)
    expect(await refusal('charge', 'blog.post', 'quantity=2', '--quote', id)).toEqual({ code: 1, stderr: expect.stringContaining(`What the quote ${id} allows of this is spent or set aside already`) as unknown })
    vi.setSystemTime(Date.parse('2026-10-05T08:10:00Z'))
    expect(await refusal('charge', '--quote', id)).toEqual({ code: 1, stderr: expect.stringContaining(`The quote ${id} held until 2026-10-05T08:10:00.000Z`) as unknown })
  })

  it('tells people the id, until when it holds, and the estimate', async () => {
    expect(await text('quote', 'blog.post', '+', 'translate', 'quantity=4')).toMatch(/^quote_2_[0-9a-f]{10} holds until 2026-10-05T08:15:00.000Z: spend it with --quote quote_2_[0-9a-f]{10}\n\n88 credits/)
  })

  it('AX-02: a plan comes from a file, is set aside as one, spent down and the rest of it given back', async () => {
    const file = callsFile('\uFEFF[{ "operation": "blog.post" }, { "operation": "translate", "quantity": 4 }]')
    const { quote_id: id } = await json<Quoted>('quote', '--calls', file)
    const reserved = await text('reserve', '--quote', id)
    expect(reserved).toMatch(new RegExp(`^88 credits reserved until .*; 912 left \\(${id}\\)\\n blog.post × 1: 60 credits \\(rs_3_\\w+\\)\\n translate × 4: 28 credits \\(rs_4_\\w+\\)\\n$`))
    expect(await text('charge', 'blog.post', '--quote', id)).toMatch(/^60 credits charged; 912 left/)
    expect(await text('extend', id, '--ttl', '3600')).toBe(`${id} is kept until 2026-10-05T09:00:00.000Z\n`)
    expect(await text('release', id)).toBe('28 credits given back; 940 left\n')
    expect(await json('reserve', '--calls', file)).toMatchObject({ reservation: expect.stringMatching(/^quote_/) as unknown, reserved: 88, calls: [{ reserved: 60 }, { reserved: 28 }] })
  })

  it('says what is wrong with a file, and what goes with what', async () => {
    expect(await refusal('quote', '--calls', join(home.folder, 'nowhere.json'))).toEqual({ code: 2, stderr: expect.stringMatching(/--calls: ".*nowhere.json" cannot be used: it is not there, or cannot be read$/) as unknown })
    expect(await refusal('quote', '--calls', callsFile('{'))).toEqual({ code: 2, stderr: expect.stringContaining('expected JSON') as unknown })
    expect(await refusal('reserve', '--calls', callsFile('{}'))).toEqual({ code: 2, stderr: expect.stringContaining('expected a list of calls') as unknown })
    expect(await refusal('quote', 'blog.post', '--calls', callsFile('[]'))).toEqual({ code: 2, stderr: expect.stringContaining('--calls: the file says all calls') as unknown })
    expect(await refusal('charge')).toEqual({ code: 2, stderr: expect.stringContaining('operation: expected the id of an operation, or --quote') as unknown })
    expect(await refusal('reserve')).toEqual({ code: 2, stderr: expect.stringContaining('or calls, or --quote') as unknown })
    expect(await refusal('quote')).toEqual({ code: 2, stderr: expect.stringContaining('an operation is missing') as unknown })
    expect(await refusal('reserve', '--quote', 'quote_1_0123456789', '--overrun', 'debt')).toEqual({ code: 2, stderr: expect.stringContaining('--overrun: a quote is never exceeded') as unknown })
    expect(await refusal('charge', '--quote', 'quote_1_0123456789')).toEqual({ code: 2, stderr: expect.stringContaining('There is no quote quote_1_0123456789') as unknown })
  })
})
