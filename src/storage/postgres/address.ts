import { LedgerUnavailable } from '../port.js'

/**
 * Connections of one process to the server unless its address says otherwise: one writes, for a process has one write
 * under way, and the rest read. A server takes a hundred in all as it is delivered, which is ten such processes.
 */
const CONNECTIONS = 10

/** One to write and one to read. */
const CONNECTIONS_MIN = 2

/** More than any server serves at once; a larger number is a slip. */
const CONNECTIONS_MAX = 1_000

/** What the address of a database says to us, beside what it says to the driver. */
export interface Address {
  readonly location: string
  readonly connections: number
  /** The address of the server that reports may be read from; null without one. */
  readonly replica: string | null
}

/**
 * Reads `postgres://user@host/database?connections=20&replica=host:port`. A replica has the same users and databases as
 * its primary, so that its place is all there is to say.
 *
 * @throws LedgerUnavailable for what is no such address
 */
export function addressOf(url: string): Address {
  return { location: locationOf(url), connections: connectionsOf(urlOf(url)), replica: replicaOf(urlOf(url)) }
}

/** Host and database; no user, password or setting. @throws LedgerUnavailable for what is no address */
export function locationOf(url: string): string {
  const { host, pathname } = urlOf(url)
  return `postgres://${host}${pathname}`
}

function urlOf(url: string): URL {
  try {
    return new URL(url)
  } catch (error) {
    throw new LedgerUnavailable('the address of the database is not a URL; expected postgres://user@host/database', 'none', error)
  }
}

function connectionsOf({ searchParams }: URL): number {
  const text = searchParams.get('connections')
  if (text === null) return CONNECTIONS
  const connections = Number(text)
  const isCount = /^\d+$/.test(text) && connections >= CONNECTIONS_MIN && connections <= CONNECTIONS_MAX
  if (isCount) return connections
  throw new LedgerUnavailable(
    `the address of the database has connections=${text}; expected a whole number from ${CONNECTIONS_MIN} to ${CONNECTIONS_MAX}`,
    'none',
  )
}

function replicaOf(primary: URL): string | null {
  const place = primary.searchParams.get('replica')
  if (place === null) return null
  const [, host, port = ''] = /^([\w.-]+|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(place) ?? []
  if (host === undefined || Number(port) > 65_535) {
    throw new LedgerUnavailable('the address of the database has a replica that is not a host; expected replica=host or replica=host:port', 'none')
  }
  const replica = new URL(primary.href)
  replica.hostname = host
  replica.port = port
  // The driver heeds these before the place itself.
  for (const name of ['host', 'port']) replica.searchParams.delete(name)
  return replica.href
}
