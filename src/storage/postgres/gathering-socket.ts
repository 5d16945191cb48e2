import { Socket } from 'node:net'

type Told = (error?: Error | null) => void

/**
 * A socket that sends what is written in one turn together. The driver corks it for some statements one by one and for
 * others not at all, and each would be a call of the machine and a packet that wakes the server; what is asked in one turn
 * is one packet instead.
 */
export class GatheringSocket extends Socket {
  override uncork(): void {
    process.nextTick(() => super.uncork())
  }

  override write(chunk: string | Uint8Array, encoding?: BufferEncoding | Told, told?: Told): boolean {
    if (this.writableCorked === 0) {
      this.cork()
      this.uncork()
    }
    return typeof encoding === 'string' ? super.write(chunk, encoding, told) : super.write(chunk, encoding)
  }
}
