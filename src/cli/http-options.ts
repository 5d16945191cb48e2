import { CreditError } from '../errors.js'
import { isLoopback } from '../http/guards.js'

/** What `serve --http` was typed with. */
export interface TypedHttp {
  /** True where no address was given. */
  readonly http?: string | true
  readonly auth: boolean
  readonly allowedHost?: readonly string[]
  readonly allowedOrigin?: readonly string[]
  readonly bodyLimit?: string
  readonly rateLimit?: string
  readonly sessions?: string
  readonly log?: string
  readonly oauthIssuer?: string
  readonly oauthAudience?: string
}

export interface HttpOptions {
  readonly host: string
  readonly port: number
  /** Whether callers need a key. */
  readonly hasAuth: boolean
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  /** Undefined for what is usual, as the rate. */
  readonly bodyBytesMax: number | undefined
  readonly rateMax: number | undefined
  /** How many upstream servers may run at once, one a session; half of them for one caller. */
  readonly sessionsMax: number | undefined
  readonly hasLog: boolean
  readonly oauth: { readonly issuer: string; readonly audience: string } | null
}

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 8321

/**
 * Reads the options of `serve --http`; null without it.
 *
 * @throws CreditError `invalid_request` for what is not understood, and for what makes no sense without `--http`: an option
 *   that is passed over would leave somebody believing in it
 */
export function readHttpOptions(typed: TypedHttp): HttpOptions | null {
  const { http, auth, allowedHost = [], allowedOrigin = [], bodyLimit, rateLimit, sessions, log, oauthIssuer, oauthAudience } = typed
  if (http === undefined) {
    const [unused] = Object.entries({ '--no-auth': !auth, '--allowed-host': allowedHost.length > 0, '--allowed-origin': allowedOrigin.length > 0, '--body-limit': bodyLimit, '--rate-limit': rateLimit, '--sessions': sessions, '--log': log, '--oauth-issuer': oauthIssuer, '--oauth-audience': oauthAudience }).find(
      ([, given]) => given !== undefined && given !== false,
    ) ?? []
    if (unused === undefined) return null
    throw new CreditError('invalid_request', `${unused}: only with --http`)
  }
  const address = http === true ? { host: DEFAULT_HOST, port: DEFAULT_PORT } : readAddress(http)
  return {
    ...address,
    hasAuth: seeThatItIsSafe(auth, address.host),
    allowedHosts: allowedHost,
    allowedOrigins: allowedOrigin,
    bodyBytesMax: bodyLimit === undefined ? undefined : readBytes(bodyLimit),
    rateMax: rateLimit === undefined ? undefined : readCount(rateLimit, '--rate-limit', 'requests a second'),
    sessionsMax: sessions === undefined ? undefined : readCount(sessions, '--sessions', 'sessions'),
    hasLog: readLog(log),
    oauth: readOAuth(oauthIssuer, oauthAudience),
  }
}

/** `8321`, `0.0.0.0:8321`, `[::1]:8321`, `credits.example.com:8321` */
function readAddress(word: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([\da-f:.]+)\]|([a-z\d.-]+)):)?(\d{1,5})$/i.exec(word) ?? []
  const port = Number(digits)
  if (digits !== '' && port <= 65_535) return { host: bracketed ?? plain ?? DEFAULT_HOST, port }
  throw new CreditError('invalid_request', `--http: expected [host:]port, found ${shown(word)}`)
}

function seeThatItIsSafe(auth: boolean, host: string): boolean {
  if (auth || isLoopback(host)) return auth
  throw new CreditError('invalid_request', `--no-auth: ${host} is reached from other machines, and whoever reaches it could spend`, {
    advice: ['Leave out --no-auth and make a key: npx mcp-credits key create', `For a trial on this machine alone: serve --http ${DEFAULT_PORT} --no-auth`],
  })
}

const UNITS: Readonly<Record<string, number>> = { '': 1, kib: 1024, mib: 1024 ** 2 }
/** The longest that is read at all: a body is held in memory, for as many callers as there are at once. */
const BODY_BYTES_MAX = 256 * 1024 ** 2

function readBytes(word: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,10})\s*(kib|mib)?$/i.exec(word) ?? []
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN)
  if (bytes > 0 && bytes <= BODY_BYTES_MAX) return bytes
  throw new CreditError('invalid_request', `--body-limit: expected bytes up to 256MiB, like 1048576, 512KiB or 4MiB, found ${shown(word)}`)
}

function readCount(word: string, option: string, what: string): number {
  const count = /^\d{1,7}$/.test(word) ? Number(word) : 0
  if (count > 0) return count
  throw new CreditError('invalid_request', `${option}: expected a number of ${what}, found ${shown(word)}`)
}

function readLog(word = 'json'): boolean {
  if (word === 'json' || word === 'off') return word === 'json'
  throw new CreditError('invalid_request', `--log: expected json or off, found ${shown(word)}`)
}

function readOAuth(issuer: string | undefined, audience: string | undefined): HttpOptions['oauth'] {
  if (issuer === undefined && audience === undefined) return null
  if (issuer !== undefined && audience !== undefined) return { issuer, audience }
  throw new CreditError('invalid_request', `${issuer === undefined ? '--oauth-audience takes --oauth-issuer' : '--oauth-issuer takes --oauth-audience'} as well`, {
    advice: ['The issuer is the authorization server, the audience the address of /mcp that clients have.'],
  })
}

function shown(word: string): string {
  return JSON.stringify(word.slice(0, 64))
}
