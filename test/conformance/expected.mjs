/**
 * The scenarios that need nothing of a server but the protocol, with the least number of checks that pass on ours; zero
 * for all of them. `server-stateless` has checks that call fixtures by name, which only the server of the fixtures has.
 *
 * @type {Record<string, number>}
 */
export const OWN = {
  'server-initialize': 0,
  ping: 0,
  'tools-list': 0,
  'resources-list': 0,
  'prompts-list': 0,
  'dns-rebinding-protection': 0,
  'server-session-lifecycle': 0,
  'server-sse-multiple-streams': 0,
  'sep-2164-resource-not-found': 0,
  caching: 0,
  'http-header-validation': 0,
  'server-stateless': 24,
}

/**
 * A server that closes the stream of a call that goes on closes it to the relay, which comes back for the answer by itself
 * and keeps the client's own stream open all the while: there is no closed stream to be seen.
 */
const KEPT_OPEN = { passed: 2, failed: 0 }

/**
 * Where a leg cannot give what the server gives by itself, and why.
 *
 * @type {Record<string, Record<string, { passed: number, failed: number }>>}
 */
export const EXPECTED = {
  proxy: { 'server-sse-polling': KEPT_OPEN },
  gateway: { 'server-sse-polling': KEPT_OPEN },
}
