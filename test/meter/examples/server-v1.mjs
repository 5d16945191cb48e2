// A server on SDK v1 whose tools are paid with credits: the same as on v2, and only the server is another.
import { fileURLToPath } from 'node:url'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { meter, openCredits } from 'mcp-credits'
import { z } from 'zod'

const [, , database = 'ledger.db'] = process.argv
const catalog = fileURLToPath(new URL('catalog.yaml', import.meta.url))
const credits = await openCredits({ database, catalog, defaultAccount: { id: 'acme' } })

const server = meter(new McpServer({ name: 'studio', version: '1.0.0' }), {
  credits,
  account: 'acme',
  price: {
    generate_image: 'image.generate',
    translate: { operation: 'text.translate', quantity: ({ text }) => text.split(' ').length },
    write_story: 'text.story',
  },
  cost: (_args, result, { tool }) => (tool === 'write_story' ? result.structuredContent.pages * 2 : null),
  report: (line) => console.error(line),
})

server.registerTool('generate_image', { inputSchema: { prompt: z.string() } }, ({ prompt }) => ({
  content: [{ type: 'text', text: `An image of ${prompt}` }],
}))
server.registerTool('translate', { inputSchema: { text: z.string() } }, ({ text }) => ({
  content: [{ type: 'text', text: text.toUpperCase() }],
}))
server.registerTool(
  'write_story',
  { inputSchema: { about: z.string() }, outputSchema: { pages: z.number() } },
  ({ about }) => ({ content: [{ type: 'text', text: `A story about ${about}` }], structuredContent: { pages: 3 } }),
)
server.registerTool('list_styles', { description: 'Names the styles there are.' }, () => ({
  content: [{ type: 'text', text: 'plain, fine' }],
}))

await server.connect(new StdioServerTransport())
