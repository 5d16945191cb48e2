import { CreditError } from '../errors.js'

export interface GuardOptions {
  /** The address that is listened on. */
  readonly host: string
  /** Further names under which this server is reached: those of a proxy in front of it, for one. */
  readonly allowedHosts?: readonly string[]
  /** Origins of web pages that may call this server from a browser. */
  readonly allowedOrigins?: readonly string[]
}

export interface Guards {
  /** Why a request by this name is not served; null where it is. */
  readonly host: (header: string | null) => CreditError | null
  /** Why a request from this page is not served; null where it is, and for whoever is no browser. */
  readonly origin: (header: string | null) => CreditError | null
  /** Pages that may read what is answered to them, as they were named. */
  readonly sharedOrigins: readonly string[]
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'] as const

/**
 * Who may ask at all. A web page can make a browser send requests to any address that the browser reaches, under a name
 * that the page's own name server has just pointed there: so both names are looked at, the one that is asked for and the
 * one of the page that asks.
 *
 * @throws CreditError `invalid_request` for a name or an origin that is none
 */
export function guardsFor({ host, allowedHosts = [], allowedOrigins = [] }: GuardOptions): Guards {
  const names = new Set([...LOOPBACK_NAMES, ...(isWildcard(host) ? [] : [hostName(host, '--http')]), ...allowedHosts.map((name) => hostName(name, '--allowed-host'))])
  const origins = new Set(allowedOrigins.map(originOf))
  return {
    host: (header) => (header !== null && names.has(nameIn(`http://${header}`) ?? '') ? null : FOREIGN_HOST),
    origin: (header) => {
      if (header === null || origins.has(header.toLowerCase())) return null
      const name = /^https?:\/\//i.test(header) ? nameIn(header) : null
      return name !== null && names.has(name) ? null : FOREIGN_ORIGIN
    },
    sharedOrigins: [...origins],
  }
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1'
}

// Made once: what it is that was foreign is not repeated to whoever sent it.
const FOREIGN_HOST = new CreditError('forbidden', 'This server is not asked by this name', {
  advice: ['Start the server with --allowed-host <name> for each name under which it is reached.'],
})
const FOREIGN_ORIGIN = new CreditError('forbidden', 'This server takes no requests from pages of this origin', {
  advice: ['Start the server with --allowed-origin <origin> for each site that may call it from a browser.'],
})

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function hostName(word: string, option: string): string {
  const name = /[/?#@\s]/.test(word) ? null : nameIn(`http://${word.includes(':') && !word.includes('[') && !/^[^:]+:\d+$/.test(word) ? `[${word}]` : word}`)
  if (name !== null) return name
  throw new CreditError('invalid_request', `${option}: expected the name of a host, found ${JSON.stringify(word.slice(0, 80))}`)
}

function originOf(word: string): string {
  const url = URL.canParse(word) ? new URL(word) : null
  if (url !== null && url.origin !== 'null' && (word.toLowerCase() === url.origin || word.toLowerCase() === `${url.origin}/`)) return url.origin
  throw new CreditError('invalid_request', `--allowed-origin: expected an origin like https://app.example.com, found ${JSON.stringify(word.slice(0, 80))}`)
}

function nameIn(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname : null
}
