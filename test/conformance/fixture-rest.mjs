import { acceptedContent, inputRequired, ResourceTemplate } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { embedded, form, image, IMAGE, text } from './samples.mjs'

/**
 * The resources, prompts and small requests that the suite's scenarios make.
 *
 * @param {import('@modelcontextprotocol/server').McpServer} server
 */
export function registerRest(server) {
  registerResources(server)
  registerPrompts(server)
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
  server.server.setRequestHandler('logging/setLevel', () => ({}))
  server.server.setRequestHandler('completion/complete', () => ({ completion: { values: [], total: 0, hasMore: false } }))
}

/** @param {import('@modelcontextprotocol/server').McpServer} server */
function registerResources(server) {
  const plain = { mimeType: 'text/plain', description: 'A text' }
  const textAt = (/** @type {string} */ body) => (/** @type {URL} */ uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: body }] })
  server.registerResource('static-text', 'test://static-text', plain, textAt('This is the content of the static text resource.'))
  server.registerResource('watched-resource', 'test://watched-resource', plain, textAt('Watched'))
  server.registerResource('static-binary', 'test://static-binary', { mimeType: 'image/png', description: 'A picture' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'image/png', blob: IMAGE.data }],
  }))
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  server.registerResource('template', template, { mimeType: 'application/json', description: 'Data by id' }, (uri, { id }) => ({
    contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }],
  }))
}

/** @param {import('@modelcontextprotocol/server').McpServer} server */
function registerPrompts(server) {
  const says = (/** @type {any[]} */ ...contents) => ({ messages: contents.map((content) => ({ role: /** @type {const} */ ('user'), content })) })
  server.registerPrompt('test_simple_prompt', { description: 'One message' }, () => says(text('This is a simple prompt for testing.')))
  const two = z.object({ arg1: z.string().describe('First'), arg2: z.string().describe('Second') })
  server.registerPrompt('test_prompt_with_arguments', { description: 'Two arguments', argsSchema: two }, ({ arg1, arg2 }) =>
    says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)))
  const one = z.object({ resourceUri: z.string().describe('Which resource') })
  server.registerPrompt('test_prompt_with_embedded_resource', { description: 'A resource within', argsSchema: one }, ({ resourceUri }) =>
    says(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.'), text('Read it.')))
  server.registerPrompt('test_prompt_with_image', { description: 'A picture within' }, () => says(image(), text('Look at it.')))
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first' }, /** @type {any} */ (
    (/** @type {import('@modelcontextprotocol/server').ServerContext} */ { mcpReq }) => {
      const context = /** @type {any} */ (acceptedContent(mcpReq.inputResponses, 'user_context'))?.context
      if (typeof context === 'string') return says(text(`Use this: ${context}`))
      const requestedSchema = form({ context: { type: 'string' } })
      return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message: 'In which context?', requestedSchema }) } })
    }
  ))
}
