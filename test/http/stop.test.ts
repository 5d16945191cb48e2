import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { HTTP_LIMITS } from '../../src/http/limits.js'
import type { McpDoor } from '../../src/http/ports.js'
import { creditsHttpDoor } from '../../src/mcp/http-door.js'
import { EventReader, modernRequest, served, signal } from './support.js'

/** A door whose calls are answered when the test says so. */
function slowDoor() {
  const [begun, finished] = [signal(), signal()]
  let isClosed = false
  const door: McpDoor = {
    fetch: async () => {
      if (isClosed) return new Response(null, { status: 503 })
      begun.give()
      await finished.given
      return Response.json({ isClosed })
    },
    close: async () => {
      isClosed = true
      await finished.given
    },
  }
  return { door, hasBegun: begun.given, finish: finished.give }
}

describe('a server that is told to stop', () => {
  it('answers what is under way, takes nothing new, and is done once all is answered', async () => {
    const { door, hasBegun, finish } = slowDoor()
    const { server, fetch: send } = await served({ door, rest: () => Promise.resolve(new Response('done')) })
    const underWay = send('/mcp', { method: 'POST', body: '{}' })
    await hasBegun
    let isDone = false
    const closed = server.close().then(() => (isDone = true))
    const later = [await send('/mcp', { method: 'POST', body: '{}' }), await send('/v1/balance'), await send('/healthz')]
    expect(later.map(({ status }) => status)).toEqual([503, 503, 503])
    expect(await later[1]?.json()).toMatchObject({ status: 503, error: { code: 'ledger_unavailable', retryable: true } })
    expect(isDone).toBe(false)
    finish()
    const response = await underWay
    expect([response.status, response.headers.get('connection'), await response.json()]).toEqual([200, 'close', { isClosed: true }])
    await closed
    await expect(send('/mcp', { method: 'POST', body: '{}' })).rejects.toThrow()
  })

  it('T03: goes on listening for what its door still has to hear, the answer to a question of a call that is under way', async () => {
    const [asked, answered] = [signal(), signal()]
    const door: McpDoor = {
      fetch: async (request) => {
        if ((await request.text()) === 'answer') answered.give()
        asked.give()
        await answered.given
        return new Response('done')
      },
      close: () => answered.given,
    }
    const { server, fetch: send } = await served({ door })
    const call = send('/mcp', { method: 'POST', body: 'call' })
    await asked.given
    const closed = server.close()
    expect((await send('/mcp', { method: 'POST', body: 'answer' })).status).toBe(200)
    expect(await (await call).text()).toBe('done')
    await closed
  })

  it('a request whose body arrives too late is told that the server stops, and not that something failed', async () => {
    const [handed, inner] = [signal(), creditsHttpDoor({ toolsets: ['read'], version: '1', report: () => undefined })]
    const door: McpDoor = {
      fetch: (asked, caller, tell) => {
        handed.give()
        return inner.fetch(asked, caller, tell)
      },
      close: () => inner.close(),
    }
    const { server, url, key, reports } = await served({ door })
    const { headers, body } = modernRequest('tools/list', {})
    const late = request(url, { method: 'POST', headers: { ...headers, authorization: `Bearer ${key}`, 'content-length': body.length } })
    late.write(body.slice(0, 10))
    await handed.given
    const closed = server.close()
    late.end(body.slice(10))
    const [response] = (await once(late, 'response')) as [IncomingMessage]
    response.resume()
    expect([response.statusCode, reports]).toEqual([503, []])
    await closed
  })

  it('waits no longer than its time for what does not end', async () => {
    const { door, hasBegun } = slowDoor()
    const { server, fetch: send } = await served({ door, limits: { graceMs: 1 } })
    const underWay = send('/mcp', { method: 'POST', body: '{}' }).catch(() => 'cut off')
    await hasBegun
    await server.close()
    expect(await underWay).toBe('cut off')
  })

  it('does not wait for a connection that was opened in advance and has asked nothing', async () => {
    const { server } = await served({ limits: { graceMs: HTTP_LIMITS.requestMs } })
    const socket = connect(server.port, '127.0.0.1')
    const cut = once(socket, 'close')
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    // A request after it shows that the server has taken the connection.
    await fetch(`${server.address}/healthz`, { headers: { connection: 'close' } })
    await server.close()
    await cut
  })

  it('waits no longer once it is hurried', async () => {
    const { door, hasBegun } = slowDoor()
    const { server, fetch: send } = await served({ door, limits: { graceMs: HTTP_LIMITS.requestMs } })
    const underWay = send('/mcp', { method: 'POST', body: '{}' }).catch(() => 'cut off')
    await hasBegun
    const hurry = new AbortController()
    const closed = server.close(hurry.signal)
    hurry.abort()
    await closed
    expect(await underWay).toBe('cut off')
  })

  it('ends streams of news as the protocol has it, and connections that stand idle at once', async () => {
    const { server, fetch: send, call } = await served()
    await call('get_credit_balance')
    const { headers, body } = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: ['credits://balance'] } })
    const news = new EventReader(await send('/mcp', { method: 'POST', body, headers }))
    await news.next()
    await server.close()
    expect(await news.next()).toMatchObject({ id: 1, result: { resultType: 'complete' } })
    expect(await news.next()).toBeNull()
  })

  it('loses nothing of a hundred charges that are on their way: each is answered and stands in the ledger, or is neither', async () => {
    const { server, call, ledger } = await served({ catalog: 'starter' })
    await ledger.credits.grant({ credits: 1_000 })
    const { operations } = await ledger.credits.operations()
    const operation = operations[0]?.id ?? ''
    const answers = Array.from({ length: 100 }, (_, job) => call('charge_credits', { operation, idempotency_key: `job-${job}` }).catch(() => null))
    await Promise.race(answers)
    await server.close()
    const charged = (await Promise.all(answers)).flatMap((answer) => (answer?.body.result?.['structuredContent'] === undefined ? [] : [answer.body.result['structuredContent']]))
    const { transactions } = await ledger.credits.transactions({ type: 'charge', limit: 200 })
    expect(charged.length).toBeGreaterThan(0)
    expect(transactions.map(({ id }) => id).sort()).toEqual(charged.map((each) => (each as { transaction: string }).transaction).sort())
  })
})
