import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between a client and a server; while it is stalled nothing gets through, and nobody is told, as when a network loses what is sent. */
export interface StallingRelay {
  /** The address of the server, by way of the relay. */
  readonly url: string
  stall(): void
  goOn(): void
  close(): Promise<void>
}

export async function relayThatStalls(url: string): Promise<StallingRelay> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isStalled = false
  const relay = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from)
      from.on('data', (bytes) => to.write(bytes))
      from.on('error', () => to.destroy()).on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (isStalled) from.pause()
    }
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const address = new URL(url)
  address.hostname = '127.0.0.1'
  address.port = String((relay.address() as AddressInfo).port)
  return {
    url: address.href,
    stall: () => {
      isStalled = true
      for (const socket of sockets) socket.pause()
    },
    goOn: () => {
      isStalled = false
      for (const socket of sockets) socket.resume()
    },
    close: async () => {
      const closed = new Promise((resolve) => relay.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
