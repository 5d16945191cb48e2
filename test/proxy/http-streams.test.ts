import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EventLog } from '../../src/proxy/http/event-log.js'
import { EventStream, messageEvent } from '../../src/proxy/http/event-stream.js'
import { DEFAULT_DOOR_LIMITS } from '../../src/proxy/http/limits.js'

const LIMITS = { ...DEFAULT_DOOR_LIMITS, streamBytesMax: 10, keepAliveMs: 1_000, stallMs: 5_000 }

describe('a stream of events', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function opened(): { stream: EventStream; reader: ReadableStreamDefaultReader<Uint8Array>; gone: () => number; beats: () => number } {
    const [gone, beat] = [vi.fn(), vi.fn()]
    const stream = new EventStream(LIMITS, { onGone: gone, onBeat: beat })
    return { stream, reader: stream.body.getReader(), gone: () => gone.mock.calls.length, beats: () => beat.mock.calls.length }
  }

  const text = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> => {
    const { value } = await reader.read()
    return value === undefined ? undefined : new TextDecoder().decode(value)
  }

  it('that is full has its writer wait until it is read', async () => {
    const { stream, reader, gone } = opened()
    expect(stream.write('short')).toBeUndefined()
    const drained = stream.write('as long as it may be')
    expect(drained).toBeInstanceOf(Promise)
    expect(await text(reader)).toBe('short')
    expect(await text(reader)).toBe('as long as it may be')
    await drained
    expect(stream.write('more')).toBeUndefined()
    stream.end()
    expect([await text(reader), await text(reader)]).toEqual(['more', undefined])
    expect(gone()).toBe(0)
  })

  it('that nobody reads is cut, and its writer waits no longer', async () => {
    const { stream, reader, gone } = opened()
    const drained = stream.write('longer than it may be')
    vi.advanceTimersByTime(LIMITS.stallMs)
    await drained
    expect([gone(), stream.isOpen, stream.write('more')]).toEqual([1, false, undefined])
    await expect(reader.read()).rejects.toThrow('not read')
  })

  it('that its reader leaves is gone once, and takes nothing more', async () => {
    const { stream, reader, gone } = opened()
    const drained = stream.write('longer than it may be')
    await reader.cancel()
    await drained
    stream.end()
    expect([gone(), stream.write('more')]).toEqual([1, undefined])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('shows that it is alive, but not to a reader who is behind', async () => {
    const { stream, reader, beats } = opened()
    vi.advanceTimersByTime(LIMITS.keepAliveMs)
    expect(await text(reader)).toBe(': keepalive\n\n')
    void stream.write('longer than it may be')
    vi.advanceTimersByTime(LIMITS.keepAliveMs)
    expect(await text(reader)).toBe('longer than it may be')
    expect(beats()).toBe(2)
    stream.end()
    expect(await text(reader)).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has JSON of several lines on one', () => {
    expect(messageEvent('{\r\n "a":\n1}', '1-2')).toBe('event: message\nid: 1-2\ndata: {  "a": 1}\n\n')
  })
})

describe('the events that are kept', () => {
  it('follow the one that was seen last, of its stream alone', () => {
    const log = new EventLog({ eventsMax: 10, eventBytesMax: 100 })
    const ids = [log.append(1, 'a', true), log.append(2, 'b', true), log.append(1, 'c', true)]
    expect(log.after(ids[0] ?? '')).toEqual({ stream: 1, events: [{ id: ids[2], message: 'c' }] })
    expect(log.after(ids[2] ?? '')).toEqual({ stream: 1, events: [] })
    expect([log.after('1-4'), log.after(''), log.after('1-2-3'), log.after('a-1')]).toEqual([undefined, undefined, undefined, undefined])
  })

  it('are told once to whoever comes without having seen any', () => {
    const log = new EventLog({ eventsMax: 10, eventBytesMax: 100 })
    log.append(0, 'delivered', true)
    log.append(0, 'kept', false)
    expect(log.undelivered(0).map(({ message }) => message)).toEqual(['kept'])
    expect(log.undelivered(0)).toEqual([])
  })

  it('are so many and so much, and the oldest go first', () => {
    const log = new EventLog({ eventsMax: 2, eventBytesMax: 6 })
    for (const message of ['aaa', 'bb', 'cc']) log.append(0, message, false)
    expect(log.undelivered(0).map(({ message }) => message)).toEqual(['bb', 'cc'])
    log.append(0, 'longer than all', false)
    expect(log.undelivered(0)).toEqual([])
    log.append(0, 'dd', false)
    expect(log.undelivered(0).map(({ message }) => message)).toEqual(['dd'])
  })
})
