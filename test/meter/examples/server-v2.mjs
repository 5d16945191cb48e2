// A server on SDK v2 whose tools are paid with credits.
import { fileURLToPath } from 'node:url'
import { McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { meter, openCredits } from 'mcp-credits'
import { z } from 'zod'

const [, , database = 'ledger.db'] = process.argv
const catalog = fileURLToPath(new URL('catalog.yaml', import.meta.url))
const credits = await openCredits({ database, catalog, defaultAccount: { id: 'acme' } })

serveStdio(() => {
  const server = meter(new McpServer({ name: 'studio', version: '1.0.0' }), {
    credits,
    account: 'acme',
    price: {
      generate_image: 'image.generate',
      translate: { operation: 'text.translate', quantity: ({ text }) => text.split(' ').length },
      write_story: 'text.story',
    },
    // Of a story what it did cost is charged; null leaves every other tool at its price.
    cost: (_args, result, { tool }) => (tool === 'write_story' ? result.structuredContent.pages * 2 : null),
    report: (line) => console.error(line),
  })

  // The tools know nothing of credits.
  server.registerTool('generate_image', { inputSchema: z.object({ prompt: z.string() }) }, ({ prompt }) => ({
    content: [{ type: 'text', text: `An image of ${prompt}` }],
  }))
  server.registerTool('translate', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: 'text', text: text.toUpperCase() }],
  }))
  server.registerTool(
    'write_story',
    { inputSchema: z.object({ about: z.string() }), outputSchema: z.object({ pages: z.number() }) },
    ({ about }) => ({ content: [{ type: 'text', text: `A story about ${about}` }], structuredContent: { pages: 3 } }),
  )
  server.registerTool('list_styles', { description: 'Names the styles there are.' }, () => ({
    content: [{ type: 'text', text: 'plain, fine' }],
  }))
  return server
})
