import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What becomes of bytes that a client sends: cut before they arrive, or once the server has answered them. */
export type Fate = 'forward' | 'cut before' | 'cut after'

export interface CuttingRelay {
  /** The address of the server, by way of the relay. */
  readonly url: string
  /** Decides over each piece that a client sends. */
  fateOf: (bytes: Buffer) => Fate
  close(): Promise<void>
}

/** Stands between a client and a server, so that a test can lose a connection at the very message that it means. */
export async function relayThatCuts(url: string): Promise<CuttingRelay> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isLosing = false
    const cut = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', cut).on('close', () => {
        sockets.delete(socket)
        cut()
      })
    }
    client.on('data', (bytes) => {
      const fate = relay.fateOf(bytes)
      if (fate === 'cut before') return cut()
      isLosing ||= fate === 'cut after'
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => (isLosing ? cut() : client.write(bytes)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = new URL(url)
  address.hostname = '127.0.0.1'
  address.port = String((server.address() as AddressInfo).port)
  const relay: CuttingRelay = {
    url: address.href,
    fateOf: () => 'forward',
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  return relay
}
