import { AsyncLocalStorage } from 'node:async_hooks'
import { CreditError, type ErrorCode } from '../errors.js'
import type { Caller, McpDoor, Telling } from '../http/ports.js'
import { callKeyOf, type WithCallKey } from '../mcp/call-key.js'
import { ownServer } from '../mcp/own-server.js'
import type { CallerParts } from '../proxy/http/relay-door.js'
import type { JsonObject, MeteredAnswer, OwnServer, Prices } from '../proxy/ports.js'
import type { OpenUpstream } from '../proxy/upstream-link.js'
import { randomId } from '../random.js'
import { REFUSAL_META, refusalResult } from '../refusal-body.js'
import type { OpenDoor } from './serve-http.js'
import { toolsetsBeside } from './toolsets.js'

/** What is served at `/mcp` where there is an upstream: its tools, metered to whoever calls them, and ours beside them. */
export function relayDoor(upstream: OpenUpstream): OpenDoor {
  return async ({ options, http, prices, report }): Promise<McpDoor> => {
    const [{ relayHttpDoor }, { instructionsFor }, { accessOf }, { NEWS_ROUTE }, { IDEMPOTENCY_KEY_META }] = await Promise.all([
      import('../proxy/http/relay-door.js'),
      import('../mcp/instructions.js'),
      import('../mcp/http-caller.js'),
      import('../mcp/http-door.js'),
      import('../usage/metered-call.js'),
    ])
    const offered = await toolsetsBeside(options.toolsets)
    const tellings = new Tellings()
    void prices.refresh()
    const partsFor = (caller: () => Caller): CallerParts => ({
      meter: (call) => tellings.upstream(call.tool, caller().credits.meter(call, { withoutNotes: !options.hasNotes })),
      own: tellings.own(keyed(ownServer({ credits: (need) => accessOf(caller())(need), toolsets: offered }), { member: IDEMPOTENCY_KEY_META, withCallKey: callKeyOf(offered) })),
      prices: tellings.listed(prices),
      instructions: instructionsFor(offered, 'upstream'),
    })
    const door = relayHttpDoor<Caller>({ upstream, partsFor, mayListen, idempotencyMember: IDEMPOTENCY_KEY_META, newId: randomId, report, ...limitsOf(http.sessionsMax) })
    return {
      fetch: (request, caller, tell) => {
        if (listens(request)) tell.route(NEWS_ROUTE)
        return tellings.during(tell, () => door.fetch(request, caller))
      },
      close: () => door.close(),
    }
  }
}

function limitsOf(sessionsMax: number | undefined) {
  return sessionsMax === undefined ? {} : { limits: { upstreamsMax: sessionsMax, upstreamsPerCallerMax: Math.ceil(sessionsMax / 2) } }
}

/** Whether it is asked for news, which comes for as long as somebody listens. */
function listens({ method, headers }: Request): boolean {
  return method === 'GET' || headers.get('mcp-method') === 'subscriptions/listen'
}

/** A call of ours with the key that it carries as any metered call does. */
function keyed(own: OwnServer, { member, withCallKey }: { readonly member: string; readonly withCallKey: WithCallKey }): OwnServer {
  return {
    ...own,
    call: async (name, args, asked) => {
      const key = asked.meta?.[member]
      if (typeof key !== 'string') return own.call(name, args, asked)
      try {
        return await own.call(name, withCallKey(name, args ?? {}, key), asked)
      } catch (error) {
        if (error instanceof CreditError) return { ...refusalResult(error) }
        throw error
      }
    },
  }
}

/** What is open ends with the key that opened it. A ledger that is away is no reason. */
async function mayListen(caller: Caller): Promise<boolean> {
  return caller.again().then(
    () => true,
    (error: unknown) => !(error instanceof CreditError && error.code === 'unauthenticated'),
  )
}

type Outcome = 'ok' | 'error' | ErrorCode

/** Tells of each call to whoever logs and counts the request that it came with. */
class Tellings {
  readonly #current = new AsyncLocalStorage<Telling>()
  /** The upstream's tools as it has listed them. A name that nobody has listed may be anything that a client made up. */
  readonly #names = new Set<string>()

  during<T>(tell: Telling, work: () => T): T {
    return this.#current.run(tell, work)
  }

  listed(prices: Prices): Prices {
    const decorate: Prices['decorate'] = (tool) => {
      if (this.#names.size < NAMES_MAX) this.#names.add(tool.name)
      return prices.decorate(tool)
    }
    return { ...prices, decorate }
  }

  async upstream(tool: string, call: Promise<MeteredAnswer>): Promise<MeteredAnswer> {
    const tell = (outcome: Outcome): void => this.#tell(this.#names.has(tool) ? tool : UNLISTED, outcome)
    const answer = await toldIfItFails(call, tell)
    if (answer.kind !== 'task') tell(outcomeOfAnswer(answer))
    // How a task ends is known long after its request.
    else void answer.end.then((last) => tell(outcomeOfAnswer(last)), () => tell('error'))
    return answer
  }

  own(own: OwnServer): OwnServer {
    return {
      ...own,
      call: async (name, args, asked) => {
        const result = await toldIfItFails(own.call(name, args, asked), (outcome) => this.#tell(name, outcome))
        this.#tell(name, outcomeOf(result))
        return result
      },
    }
  }

  #tell(tool: string, outcome: Outcome): void {
    this.#current.getStore()?.call(tool, outcome)
  }
}

/** More tools than any upstream has that somebody uses. */
const NAMES_MAX = 10_000

const UNLISTED = 'unlisted'

function toldIfItFails<T>(work: Promise<T>, tell: (outcome: Outcome) => void): Promise<T> {
  return work.catch((error: unknown) => {
    tell('error')
    throw error
  })
}

function outcomeOfAnswer(answer: MeteredAnswer): Outcome {
  return answer.kind === 'result' ? outcomeOf(answer.result) : 'error'
}

function outcomeOf({ isError, _meta }: JsonObject): Outcome {
  if (isError !== true) return 'ok'
  const refusal = (_meta as JsonObject | undefined)?.[REFUSAL_META] as { readonly error?: { readonly code: ErrorCode } } | undefined
  return refusal?.error?.code ?? 'error'
}
