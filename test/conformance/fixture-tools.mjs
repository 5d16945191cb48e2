import { CLIENT_CAPABILITIES_META_KEY, fromJsonSchema, inputRequired, acceptedContent } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { audio, embedded, form, image, text } from './samples.mjs'

/**
 * @typedef {import('@modelcontextprotocol/server').ServerContext} Context
 * @typedef {(args: any, context: Context) => unknown} Work
 *
 * What the fixtures need of the server that they stand in.
 * @typedef {object} Surroundings
 * @property {{ mint(payload: Record<string, unknown>): Promise<string> }} states seals the state of a call of several rounds
 * @property {{ toolsChanged(): void, promptsChanged(): void }} notify
 * @property {(context: Context) => void} closeStream closes the stream of a call that is under way
 */

/**
 * The tools that the suite's scenarios call by name. Each does what its scenario asks of a server and nothing else.
 *
 * @param {import('@modelcontextprotocol/server').McpServer} server
 * @param {Surroundings} surroundings
 */
export function registerTools(server, surroundings) {
  const all = { ...answering, ...sending, ...asking, ...rounds(surroundings), ...triggering(surroundings) }
  for (const [name, work] of Object.entries(all)) {
    server.registerTool(name, { description: describe(name), inputSchema: INPUTS[name] ?? z.object({}) }, /** @type {any} */ (work))
  }
}

/** @param {string} name */
const describe = (name) => `Fixture of the conformance suite: ${name.replace(/^test_/, '').replaceAll('_', ' ')}`

/** @type {Record<string, any>} Inputs of the tools that take any. */
const INPUTS = {
  test_sampling: z.object({ prompt: z.string() }),
  test_elicitation: z.object({ message: z.string() }),
  test_x_mcp_header: fromJsonSchema(/** @type {any} */ ({
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, level: { type: 'integer' } },
  })),
  json_schema_2020_12_tool: fromJsonSchema({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  }),
}

/** @param {...any} content */
const answer = (...content) => ({ content })

/** @type {Record<string, Work>} Tools that answer at once. */
const answering = {
  test_simple_text: () => answer(text('This is a simple text response for testing.')),
  test_image_content: () => answer(image()),
  test_audio_content: () => answer(audio()),
  test_embedded_resource: () => answer(embedded('test://embedded-resource', 'text/plain', 'An embedded resource.')),
  test_multiple_content_types: () =>
    answer(text('Several kinds:'), image(), embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')),
  test_error_handling: () => {
    throw new Error('This tool intentionally returns an error for testing')
  },
  test_streaming_elicitation: () => answer(text('nothing but this result')),
  test_x_mcp_header: ({ region }) => answer(text(`region=${region ?? ''}`)),
  json_schema_2020_12_tool: (args) => answer(text(JSON.stringify(args))),
}

/** @type {Record<string, Work>} Tools that send notifications before they answer. */
const sending = {
  test_tool_with_logging: async (_, context) => {
    for (const data of ['started', 'processing', 'completed']) {
      await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } })
      await turn()
    }
    return answer(text('logged'))
  },
  test_logging_tool: async (_, context) => {
    await context.mcpReq.log('info', 'told only to who asked for it')
    return answer(text('logged'))
  },
  test_tool_with_progress: async (_, context) => {
    const progressToken = context.mcpReq._meta?.progressToken
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: /** @type {string} */ (progressToken), progress, total: 100 } })
      await turn()
    }
    return answer(text(String(progressToken)))
  },
}

/** Clients drop a notification that comes together with the answer. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 50))

/** @type {Record<string, Work>} Tools that ask the client by requests of their own, as up to 2025-11-25. */
const asking = {
  test_sampling: ({ prompt }, context) =>
    asked(context, { method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 } }),
  test_elicitation: ({ message }, context) => asked(context, elicitation(message, form({ response: { type: 'string' } }))),
  test_elicitation_sep1034_defaults: (_, context) =>
    asked(context, elicitation('Change what is not so', form({
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }, []))),
  test_elicitation_sep1330_enums: (_, context) =>
    asked(context, elicitation('Choose', form({
      untitledSingle: { type: 'string', enum: OPTIONS },
      titledSingle: { type: 'string', oneOf: TITLED },
      legacyEnum: { type: 'string', enum: OPTIONS, enumNames: ['One', 'Two', 'Three'] },
      untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: OPTIONS } },
      titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: TITLED } },
    }, []))),
}

const OPTIONS = ['option1', 'option2', 'option3']
const TITLED = OPTIONS.map((value, index) => ({ const: value, title: `Choice ${index + 1}` }))

/**
 * @param {string} message
 * @param {object} requestedSchema
 */
const elicitation = (message, requestedSchema) => ({ method: 'elicitation/create', params: { message, requestedSchema } })

/**
 * @param {Context} context
 * @param {object} request
 */
async function asked(context, request) {
  try {
    const result = await context.mcpReq.send(/** @type {any} */ (request))
    return answer(text(JSON.stringify(result)))
  } catch (error) {
    return answer(text(`the client did not answer: ${String(error)}`))
  }
}

/**
 * Tools that ask for input within their answer and are called again with it, as from 2026-07-28 on.
 *
 * @param {Surroundings} surroundings
 * @returns {Record<string, Work>}
 */
function rounds({ states }) {
  return {
    test_missing_capability: (_, { mcpReq }) =>
      mcpReq.inputResponses?.['word'] === undefined ? inputRequired({ inputRequests: { word: completion('Say pong') } }) : answer(text('complete')),
    test_input_required_result_elicitation: (_, { mcpReq }) => {
      const name = accepted(mcpReq, 'user_name', 'name')
      return name === undefined ? inputRequired({ inputRequests: { user_name: nameForm() } }) : answer(text(`Hello, ${name}!`))
    },
    test_input_required_result_sampling: (_, { mcpReq }) => {
      const said = mcpReq.inputResponses?.['capital_question']
      const inputRequests = { capital_question: completion('What is the capital of France?') }
      return said === undefined ? inputRequired({ inputRequests }) : answer(text(JSON.stringify(said)))
    },
    test_input_required_result_list_roots: (_, { mcpReq }) => {
      const roots = rootsIn(mcpReq, 'client_roots')
      return roots === undefined ? inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } }) : answer(text(JSON.stringify(roots)))
    },
    test_input_required_result_request_state: async (_, { mcpReq }) =>
      accepted(mcpReq, 'confirm', 'ok') === undefined || mcpReq.requestState() === undefined
        ? inputRequired({ inputRequests: { confirm: confirmation() }, requestState: await states.mint({ tool: 'request_state' }) })
        : answer(text('state-ok')),
    test_input_required_result_tampered_state: async (_, { mcpReq }) =>
      accepted(mcpReq, 'confirm', 'ok') === undefined || mcpReq.requestState() === undefined
        ? inputRequired({ inputRequests: { confirm: confirmation() }, requestState: await states.mint({ tool: 'tampered_state' }) })
        : answer(text('integrity-ok')),
    test_input_required_result_multiple_inputs: async (_, { mcpReq }) => {
      const [name, greeting, roots] = [accepted(mcpReq, 'user_name', 'name'), mcpReq.inputResponses?.['greeting'], rootsIn(mcpReq, 'client_roots')]
      if (name !== undefined && greeting !== undefined && roots !== undefined) return answer(text(`${name}: ${JSON.stringify(greeting)}, ${roots.length} roots`))
      return inputRequired({
        inputRequests: { user_name: nameForm(), greeting: completion('Greet somebody'), client_roots: inputRequired.listRoots() },
        requestState: await states.mint({ tool: 'multiple_inputs' }),
      })
    },
    test_input_required_result_multi_round: async (_, { mcpReq }) => {
      const { round, name } = /** @type {{ round?: number, name?: string }} */ (mcpReq.requestState() ?? {})
      if (round === 2) return answer(text(`${name} likes ${accepted(mcpReq, 'step2', 'color')}`))
      if (round === 1) {
        const requestState = await states.mint({ round: 2, name: accepted(mcpReq, 'step1', 'name') ?? 'nobody' })
        return inputRequired({ inputRequests: { step2: question('Which color?', 'color') }, requestState })
      }
      return inputRequired({ inputRequests: { step1: question('Which name?', 'name') }, requestState: await states.mint({ round: 1 }) })
    },
    test_input_required_result_capabilities: (_, { mcpReq }) => {
      const declared = /** @type {any} */ (mcpReq.envelope)?.[CLIENT_CAPABILITIES_META_KEY] ?? {}
      const inputRequests = {
        ...(declared.elicitation === undefined ? {} : { user_name: nameForm() }),
        ...(declared.sampling === undefined ? {} : { greeting: completion('Greet somebody') }),
        ...(declared.roots === undefined ? {} : { client_roots: inputRequired.listRoots() }),
      }
      const isDone = mcpReq.inputResponses !== undefined || Object.keys(inputRequests).length === 0
      return isDone ? answer(text('asked for nothing that the client cannot give')) : inputRequired({ inputRequests })
    },
  }
}

const nameForm = () => question('What is your name?', 'name')
const confirmation = () => inputRequired.elicit({ message: 'Is that so?', requestedSchema: form({ ok: { type: 'boolean' } }) })

/**
 * @param {string} message
 * @param {string} field
 */
const question = (message, field) => inputRequired.elicit({ message, requestedSchema: form({ [field]: { type: 'string' } }) })

/** @param {string} prompt */
const completion = (prompt) => inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 })

/**
 * What a person has filled in, undefined where that is nothing of the kind.
 *
 * @param {Context['mcpReq']} request
 * @param {string} id
 * @param {string} field
 */
function accepted({ inputResponses }, id, field) {
  const value = /** @type {Record<string, unknown> | undefined} */ (acceptedContent(inputResponses, id))?.[field]
  return ['string', 'boolean'].includes(typeof value) ? value : undefined
}

/**
 * @param {Context['mcpReq']} request
 * @param {string} id
 * @returns {unknown[] | undefined}
 */
function rootsIn({ inputResponses }, id) {
  const roots = /** @type {any} */ (inputResponses?.[id])?.roots
  return Array.isArray(roots) ? roots : undefined
}

/**
 * @param {Surroundings} surroundings
 * @returns {Record<string, Work>}
 */
function triggering({ notify, closeStream }) {
  return {
    test_trigger_tool_change: () => {
      notify.toolsChanged()
      return answer(text('told'))
    },
    test_trigger_prompt_change: () => {
      notify.promptsChanged()
      return answer(text('told'))
    },
    test_reconnection: async (_, context) => {
      closeStream(context)
      await turn()
      await turn()
      return answer(text('read after the client came back'))
    },
  }
}
