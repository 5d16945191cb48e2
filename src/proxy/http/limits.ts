import { DEFAULT_LIMITS, type ProxyLimits } from '../ports.js'

export interface DoorLimits extends ProxyLimits {
  /** Upstreams that are open at once: one a session, and one a caller who speaks 2026-07-28. */
  readonly upstreamsMax: number
  /** Of them, one caller's. */
  readonly upstreamsPerCallerMax: number
  /** A session without a request, an open stream or a task ends after this. */
  readonly sessionIdleMs: number
  /** What a caller who speaks 2026-07-28 has open ends after this: state between the rounds of a call lives as long. */
  readonly callerIdleMs: number
  /** Work under way to which nobody is connected holds its upstream no longer than this. */
  readonly unattendedMs: number
  /** Between the comments that tell everybody on the way that a stream is alive. */
  readonly keepAliveMs: number
  /** A stream that is full and that nobody reads is cut after this: the same upstream has others to serve. */
  readonly stallMs: number
  /** What a stream holds for its reader, in bytes, before it counts as full. */
  readonly streamBytesMax: number
  /** Events of a session that are kept for a client whose connection broke, in number and in bytes. */
  readonly eventsMax: number
  readonly eventBytesMax: number
  /** Streams by GET that a session has open at once. */
  readonly standaloneStreamsMax: number
}

export const DEFAULT_DOOR_LIMITS: DoorLimits = {
  ...DEFAULT_LIMITS,
  requestsInFlightMax: 256,
  // The server in front of the door gives all of its work ten seconds: what ends by this is settled within them as well.
  answerGraceMs: 8_000,
  upstreamsMax: 64,
  upstreamsPerCallerMax: 32,
  sessionIdleMs: 30 * 60_000,
  callerIdleMs: 5 * 60_000,
  // As long as a reservation lives at most: what the work costs is charged by then.
  unattendedMs: 24 * 60 * 60_000,
  // Proxies on the way give up on a silent connection after a minute, or half of one.
  keepAliveMs: 15_000,
  stallMs: 30_000,
  streamBytesMax: 1024 * 1024,
  eventsMax: 1_000,
  eventBytesMax: 4 * 1024 * 1024,
  standaloneStreamsMax: 4
}
