import { CreditError, ERRORS } from '../errors.js'
import { refusalBody } from '../refusal-body.js'
import { callNamed } from './answer-call.js'
import type { OpenCredits } from './ledger-access.js'
import { ResourceWatch, type Watched } from './resource-watch.js'

/** A resource is the answer of a tool without arguments, so that it can be attached and subscribed to. */
const RESOURCES = [
  { uri: 'credits://balance', name: 'balance', title: 'Credit balance', description: 'What is left and can be spent', tool: 'get_credit_balance' },
  { uri: 'credits://prices', name: 'prices', title: 'Prices', description: 'Operations and what they cost', tool: 'list_operations' },
] as const

const MIME_TYPE = 'application/json'

/** Resources of which there are many: each is the answer of a tool to the one argument in its address. */
const TEMPLATES = [
  {
    uriTemplate: 'credits://usage/{period}',
    name: 'usage',
    title: 'Usage',
    description: 'Spending of day, week, month, or of one as YYYY-MM or YYYY-MM-DD, by tool',
    tool: 'get_mcp_usage',
    argument: 'period',
  },
  {
    uriTemplate: 'credits://transactions/{id}',
    name: 'transaction',
    title: 'Transaction',
    description: 'Why a transaction cost what it cost',
    tool: 'explain_charge',
    argument: 'transaction',
  },
] as const

export type DescribedTemplate = Omit<DescribedResource, 'uri'> & { readonly uriTemplate: string }

export const resourceTemplates: readonly DescribedTemplate[] = TEMPLATES.map(({ tool: _, argument: __, ...described }) => ({
  ...described,
  mimeType: MIME_TYPE,
}))

export type DescribedResource = {
  readonly uri: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly mimeType: string
}

export const resources: readonly DescribedResource[] = RESOURCES.map(({ tool: _, ...described }) => ({ ...described, mimeType: MIME_TYPE }))

export function isResource(uri: string): boolean {
  return answeringTool(uri) !== null
}

/** The tool whose answer a resource is, with its arguments; null for an address that is none of ours. */
function answeringTool(uri: string): { readonly tool: string; readonly args: Readonly<Record<string, string>> } | null {
  const resource = RESOURCES.find((candidate) => candidate.uri === uri)
  if (resource !== undefined) return { tool: resource.tool, args: {} }
  const [, scheme, value] = /^(credits:\/\/[a-z]+\/)([\w-]{1,64})$/.exec(uri) ?? []
  const template = TEMPLATES.find(({ uriTemplate }) => uriTemplate.replace(/\{\w+\}$/, '') === scheme)
  return template === undefined || value === undefined ? null : { tool: template.tool, args: { [template.argument]: value } }
}

export type ResourceContents = { contents: [{ uri: string; mimeType: string; text: string }] }

/**
 * Reads one of our resources. Unlike a tool's result, a resource has no room for a refusal: doors answer a
 * `CreditError` as {@link resourceRefusal}.
 *
 * @throws CreditError whatever the facade refuses
 */
export async function readResource(uri: string, open: OpenCredits): Promise<ResourceContents | null> {
  const answering = answeringTool(uri)
  if (answering === null) return null
  return { contents: [{ uri, mimeType: MIME_TYPE, text: JSON.stringify(await callNamed(answering.tool, open, answering.args)) }] }
}

/** Tells which of our resources read differently than before, while somebody listens. */
export function watchOver(open: OpenCredits, { changed, ticker }: Pick<Watched, 'changed' | 'ticker'>): ResourceWatch {
  return new ResourceWatch({
    mark: async () => (await open('credits:read')).changeMark(),
    read: async (uri) => (await readResource(uri, open))?.contents[0].text ?? '',
    changed,
    ticker,
  })
}

export type ProtocolFailure = { readonly code: number; readonly message: string; readonly data: unknown }

/** A refusal as a JSON-RPC error: its HTTP status as code, which lies outside every range that the protocol keeps. */
export function resourceRefusal(error: CreditError): ProtocolFailure {
  return { code: ERRORS[error.code].status, message: error.message, data: refusalBody(error) }
}

/** An unknown resource, by the code of the request's era: -32002 up to 2025-11-25, invalid params since. */
export function resourceNotFound(uri: string, era: 'legacy' | 'modern'): ProtocolFailure {
  return { code: era === 'legacy' ? -32002 : -32602, message: `Resource not found: ${uri.slice(0, 255)}`, data: { uri } }
}
