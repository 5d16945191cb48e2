import { Socket } from 'node:net'

/**
 * A socket that sends what is written in one turn together. The driver corks it for each statement by itself, and each
 * would be a call of the machine and a packet that wakes the server; the statements of one turn are one packet instead.
 */
export class GatheringSocket extends Socket {
  override uncork(): void {
    process.nextTick(() => super.uncork())
  }
}
