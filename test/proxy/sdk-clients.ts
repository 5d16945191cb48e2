import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import type { RecordingTransport } from './sdk-transport.js'

/** Where a client has roots, the server asks for them after a while of its own choosing; only some cases wait for that. */
export async function oldClient(transport: RecordingTransport, options: { readonly hasRoots: boolean } = { hasRoots: false }): Promise<OldClient> {
  const roots = options.hasRoots ? { roots: { listChanged: true } } : {}
  const client = new OldClient({ name: 'old', version: '1' }, { capabilities: { sampling: {}, elicitation: {}, ...roots } })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada', check: true } }))
  client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }))
  if (options.hasRoots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///tmp', name: 'tmp' }] }))
  await client.connect(transport as never)
  return client
}

/** server-everything registers the tools that need a client's capabilities after the handshake, and says so. */
export function isToolsChanged(line: string): boolean {
  return line.includes('notifications/tools/list_changed')
}
