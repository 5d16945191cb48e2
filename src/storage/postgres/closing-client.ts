import type { Client, ClientConfig } from 'pg'
import { GatheringSocket } from './gathering-socket.js'

/**
 * The driver's client, made to close the connection that it could not log in by. The driver itself leaves it to the server,
 * which waits a minute for the password that it asked for, and for as long a process would not end.
 */
export function closingClient(Driver: typeof Client): typeof Client {
  return class extends Driver {
    readonly #socket: GatheringSocket

    constructor(config: ClientConfig) {
      const socket = new GatheringSocket()
      super({ ...config, stream: () => socket })
      this.#socket = socket
    }

    override connect(): Promise<Client>
    override connect(callback: (error: Error) => void): void
    override connect(callback?: (error: Error) => void): Promise<Client> | void {
      if (callback === undefined) return super.connect()
      super.connect((error: Error | null) => {
        if (error !== null) this.#socket.destroy()
        callback(error as Error)
      })
    }
  }
}
