import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What becomes of bytes that a client sends: cut before they arrive, or once the server has answered them. */
export type Fate = 'forward' | 'cut before' | 'cut after'

/** Puts another text of the same length in the place of one. */
export function replacing(text: string, other: string): (bytes: Buffer) => Buffer {
  assert.equal(other.length, text.length, 'what is on the wire says how long it is')
  return (bytes) => {
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at)) bytes.write(other, at)
    return bytes
  }
}

export interface CuttingRelay {
  /** The address of the server, by way of the relay. */
  readonly url: string
  /** Decides over each piece that a client sends. */
  fateOf: (bytes: Buffer) => Fate
  /** What becomes of a piece that a client sends, before its fate is decided; of the same length. */
  changeOf: (bytes: Buffer) => Buffer
  /** Which piece of the server's answer a 'cut after' waits for; those before it are lost as well. */
  isAwaited: (bytes: Buffer) => boolean
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
    client.on('data', (sent) => {
      const bytes = relay.changeOf(sent)
      const fate = relay.fateOf(bytes)
      if (fate === 'cut before') return cut()
      isLosing ||= fate === 'cut after'
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (!isLosing) client.write(bytes)
      else if (relay.isAwaited(bytes)) cut()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = new URL(url)
  address.hostname = '127.0.0.1'
  address.port = String((server.address() as AddressInfo).port)
  const relay: CuttingRelay = {
    url: address.href,
    fateOf: () => 'forward',
    changeOf: (bytes) => bytes,
    isAwaited: () => true,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  return relay
}
