// A server on SDK v2 over HTTP, where whoever calls pays: the bearer token is a key of the ledger, and the key's account pays.
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { createMcpHandler, McpServer, OAuthError, OAuthErrorCode, requireBearerAuth } from '@modelcontextprotocol/server'
import { meter, openCredits } from 'mcp-credits'
import { z } from 'zod'

const [, , database = 'ledger.db'] = process.argv
const catalog = fileURLToPath(new URL('catalog.yaml', import.meta.url))
const credits = await openCredits({ database, catalog })

const handler = createMcpHandler(() => {
  const server = meter(new McpServer({ name: 'studio', version: '1.0.0' }), {
    credits,
    // Asked again for each call, so that a key that was revoked since pays for nothing.
    account: ({ authInfo }) => credits.authenticate(authInfo?.token ?? ''),
    price: { generate_image: 'image.generate' },
    report: (line) => console.error(line),
  })
  server.registerTool('generate_image', { inputSchema: z.object({ prompt: z.string() }) }, ({ prompt }) => ({
    content: [{ type: 'text', text: `An image of ${prompt}` }],
  }))
  return server
})

const authenticate = requireBearerAuth({
  verifier: {
    async verifyAccessToken(token) {
      const key = await credits.authenticate(token)
      if (key === null) throw new OAuthError(OAuthErrorCode.InvalidToken, 'The key is not valid')
      return { token, clientId: key.key, scopes: [...key.scopes], expiresAt: Math.floor(Date.now() / 1000) + 3600 }
    },
  },
})

const server = serve({ port: 0, hostname: '127.0.0.1', fetch }, ({ port }) => console.log(`http://127.0.0.1:${port}/mcp`))
process.once('SIGTERM', () => server.close(() => credits.close()))

/** @param {Request} request */
async function fetch(request) {
  const caller = await authenticate(request)
  return caller instanceof Response ? caller : handler.fetch(request, { authInfo: caller })
}
