import { isObject, type JsonObject } from './json-rpc.js'

/** What a request carries of the rounds before it: answers to questions, and the state of whoever asked them. */
export interface Rounds {
  readonly inputResponses?: JsonObject | undefined
  readonly requestState?: string | undefined
}

/** The rounds in a request's params; undefined where they are none that could be written again as they came. */
export function roundsIn(params: JsonObject | undefined): Rounds | undefined {
  const { inputResponses, requestState } = params ?? {}
  if (inputResponses !== undefined && !isObject(inputResponses)) return undefined
  if (requestState !== undefined && typeof requestState !== 'string') return undefined
  return roundsOf(inputResponses, requestState)
}

export function roundsOf(inputResponses: JsonObject | undefined, requestState: string | undefined): Rounds {
  return { ...(inputResponses === undefined ? {} : { inputResponses }), ...(requestState === undefined ? {} : { requestState }) }
}

/** The same params with other rounds, or with none. */
export function withRounds(params: JsonObject | undefined, rounds: Rounds): JsonObject {
  const { inputResponses: _, requestState: __, ...rest } = params ?? {}
  return { ...rest, ...rounds }
}

/** Whether a request goes on with rounds before it. */
export function hasRounds(rounds: Rounds | undefined): boolean {
  return rounds?.inputResponses !== undefined || rounds?.requestState !== undefined
}

/** Whether a client that declares these capabilities shows forms: one that says nothing of the mode means forms. */
export function showsForms(capabilities: unknown): boolean {
  const elicitation = isObject(capabilities) ? capabilities['elicitation'] : undefined
  return isObject(elicitation) && (isObject(elicitation['form']) || elicitation['url'] === undefined)
}

/** What a person said: yes, no, or nothing, which a dialogue that was closed is as well. */
export type ClientAnswer = 'accepted' | 'declined' | 'unanswered'

/** The params of an `elicitation/create` that asks for a yes. It stands at no: a form that is sent as it is approves nothing. */
export function yesOrNo(message: string): JsonObject {
  const approve = { type: 'boolean', title: 'Approve', description: 'Spend these credits, once', default: false }
  return { message, requestedSchema: { type: 'object', properties: { [FIELD]: approve }, required: [FIELD] } }
}

/** What the result of {@link yesOrNo} comes to. Whatever is not plainly a yes is none. */
export function readYesOrNo(result: unknown): ClientAnswer {
  if (!isObject(result)) return 'unanswered'
  const { action, content } = result
  if (action === 'decline') return 'declined'
  if (action !== 'accept') return 'unanswered'
  return isObject(content) && content[FIELD] === true ? 'accepted' : 'declined'
}

const FIELD = 'approve'
