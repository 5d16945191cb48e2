import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../clock.js'
import { CreditError } from '../errors.js'
import { DOOR_SCOPES } from '../keys/key.js'
import { METADATA_PATH } from './app.js'
import type { VerifiedToken } from './identity.js'

export interface OAuthOptions {
  /** The authorization server, by the name that its tokens carry as `iss`. */
  readonly issuer: string
  /** This server as the authorization server knows it, the `aud` of its tokens: the address of `/mcp` that clients have. */
  readonly audience: string
}

/** This server as a resource server of OAuth 2.1 (RFC 9728). */
export interface ResourceServer {
  /** What the metadata of this resource says. */
  readonly metadata: object
  /** Where clients find the metadata. */
  readonly metadataUrl: string
  /** @throws CreditError `unauthenticated`, `authorization_unavailable` */
  readonly verify: (token: string) => Promise<VerifiedToken>
}

/** A request to the authorization server is given up after this long: a caller waits for it. */
const TIMEOUT_MS = 5_000

/** Clocks of two machines differ. */
const TOLERANCE_SECONDS = 30

/** Its description is a page; whatever is longer is none. */
const METADATA_BYTES_MAX = 256 * 1024

/** What a signature has to be made with: by a key of the issuer's that only the issuer has. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/**
 * Checks tokens of an authorization server: signature, issuer, audience and expiry. The issuer's keys are found by its own
 * metadata when the first token comes, and kept for ten minutes.
 *
 * @throws CreditError `invalid_request` for addresses that are none, or not safe
 */
export function resourceServer({ issuer, audience }: OAuthOptions, clock: Clock): ResourceServer {
  addressOf(issuer, '--oauth-issuer')
  const resource = addressOf(audience, '--oauth-audience')
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | null = null
  const keysOfIssuer = () => {
    keys ??= keysOf(issuer).catch((error: unknown) => {
      keys = null
      throw error
    })
    return keys
  }
  return {
    metadata: { resource: audience, authorization_servers: [issuer], scopes_supported: DOOR_SCOPES, bearer_methods_supported: ['header'], resource_name: 'mcp-credits' },
    metadataUrl: new URL(`${METADATA_PATH}${resource.pathname === '/' ? '' : resource.pathname}`, resource.origin).href,
    verify: async (token) => {
      try {
        const options = { issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['sub', 'exp'], clockTolerance: TOLERANCE_SECONDS, currentDate: new Date(clock.now()) }
        const { payload } = await jwtVerify(token, await keysOfIssuer(), options)
        return { issuer, subject: payload.sub ?? '', scopes: scopesOf(payload) }
      } catch (cause) {
        throw isAway(cause) ? unavailable(cause) : new CreditError('unauthenticated', 'The token is not valid', { cause })
      }
    },
  }
}

async function keysOf(issuer: string): Promise<ReturnType<typeof createRemoteJWKSet>> {
  let failure: unknown
  for (const url of metadataUrls(issuer)) {
    try {
      const metadata = await fetchJson(url)
      if (metadata['issuer'] !== issuer) throw new Error(`${url} describes another issuer than ${issuer}`)
      return createRemoteJWKSet(addressOf(String(metadata['jwks_uri']), 'jwks_uri'), { timeoutDuration: TIMEOUT_MS })
    } catch (error) {
      failure = error
    }
  }
  throw unavailable(failure)
}

/** Where an issuer describes itself: as RFC 8414 has it, as OpenID Connect does behind a path, and in front of one. */
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}/.well-known/openid-configuration${path}`, `${origin}${path}/.well-known/openid-configuration`]
}

async function fetchJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { headers: { accept: 'application/json' }, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength
    if (length > METADATA_BYTES_MAX) throw new Error(`${url} is longer than ${METADATA_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
}

/** Over anything but TLS whoever sits on the way could name the keys. On this machine nobody does. */
function addressOf(word: string, what: string): URL {
  const url = URL.canParse(word) ? new URL(word) : null
  const isSafe = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)))
  if (isSafe && url.hash === '') return url
  throw new CreditError('invalid_request', `${what}: expected an https:// address, found ${JSON.stringify(word.slice(0, 200))}`)
}

/** What a token allows, as most servers write it and as some do; null where it says nothing of it. */
function scopesOf({ scope, scp }: JWTPayload): readonly string[] | null {
  const said = scope ?? scp
  if (typeof said === 'string') return said.split(' ').filter((word) => word !== '')
  if (Array.isArray(said)) return said.filter((word): word is string => typeof word === 'string')
  return said === undefined ? null : []
}

/** Whether the issuer could not be asked, which says nothing of the token. */
function isAway(error: unknown): boolean {
  if (error instanceof CreditError) return true
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC'
}

function unavailable(cause: unknown): CreditError {
  if (cause instanceof CreditError && cause.code === 'authorization_unavailable') return cause
  return new CreditError('authorization_unavailable', 'The authorization server cannot be asked; nothing was done', { cause })
}
