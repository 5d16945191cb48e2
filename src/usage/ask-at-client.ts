import { CreditError } from '../errors.js'
import { type ClientAnswer, hasRounds, readYesOrNo, type Rounds, roundsIn, roundsOf, yesOrNo } from '../json/elicitation.js'
import { isObject, type JsonObject } from '../json/json-rpc.js'

/** What a person at the client is asked: may this be spent. */
export interface Question {
  /** The approval that the answer is for. */
  readonly id: string
  readonly message: string
  /** The most that a yes to it lets be spent, in credits. */
  readonly maximum: number
  readonly askedAt: string
  readonly expiresAt: string
}

/**
 * How a door reaches the person at its client. One that has neither way leaves the refusal to be answered elsewhere (AX-04).
 */
export interface Asker {
  /** What the request carries of earlier rounds; undefined where the door could not take our answer out of it again. */
  readonly rounds?: Rounds | undefined
  /** The client takes a result that asks for input, and can show a form. */
  readonly canAskByRound?: boolean | undefined
  /** What the client has sent as the call's arguments: shown to its person, who is to know what it is about, and kept nowhere. */
  readonly sent?: unknown
  /**
   * Asks while the call waits. It never rejects, and resolves soon after the call is cancelled; unanswered, the question
   * stays open for whoever else may answer it.
   */
  readonly ask?: ((question: Question) => Promise<ClientAnswer>) | undefined
}

/** What the ledger knows of its questions, for the party that calls. */
export interface Questions {
  /** Whether a call of this party has asked it. */
  readonly isOurs: (id: string) => Promise<boolean>
  /** @throws CreditError where the account does not let the client answer, or nothing waits for an answer */
  readonly answer: (id: string, isApproved: boolean) => Promise<{ readonly transaction: object | null }>
  /** Answers to one question, each with the work that goes on by it, one after another. */
  readonly inTurn: <T>(id: string, work: () => Promise<T>) => Promise<T>
}

export type Asking<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** A result that asks the person at the client; the same request comes again with the answer. */
  | { readonly kind: 'asks'; readonly result: JsonObject }

/**
 * Does some work and, where it is refused for want of a person's yes, asks the person at the client, in the one way in
 * which that client can be asked. Takes our own answers out of a request that comes back: what is left of its rounds is
 * what `work` gets, as whoever is behind us knows them. A no, silence or a closed dialogue leave the refusal as it is.
 *
 * An answer and its state need no signature: the ledger knows which call, key and sum a question is about, and a client
 * that says yes by itself says it for its own call, where the account lets it.
 *
 * @throws CreditError whatever refuses the work, its want of a yes included
 */
export async function askingAtClient<T>(questions: Questions, asker: Asker, work: (rounds: Rounds | undefined) => Promise<T>): Promise<Asking<T>> {
  const taken = await takeAnswers(questions, asker.rounds)
  try {
    return { kind: 'done', value: await work(taken.rounds) }
  } catch (error) {
    const question = questionIn(error, asker.sent)
    const said = question === null ? undefined : taken.answered.get(question.id)
    if (question === null || said === 'accepted' || said === 'unanswered') throw error
    if (said === 'declined') return { kind: 'done', value: await refusedAnew(questions, question, () => work(taken.rounds)) }
    if (asker.canAskByRound === true && taken.rounds !== undefined) return { kind: 'asks', result: askingResult(question, taken.rounds) }
    const answer = (await asker.ask?.(question)) ?? 'unanswered'
    if (answer === 'unanswered') throw error
    const value = await questions.inTurn(question.id, () => workOnAnswer(questions, question, answer === 'accepted', () => work(taken.rounds)))
    return { kind: 'done', value }
  }
}

/**
 * Goes on by what the person said. Equal calls have one question, which each of them has asked: where its yes went into
 * another, this one's own is the answer to the question that it leaves. It answers one question, so that a yes is spent once.
 * A no that changed nothing, for its question was used or over, is the answer to that one too: nobody else is left to be asked.
 */
async function workOnAnswer<T>(questions: Questions, question: Question, isApproved: boolean, work: () => Promise<T>): Promise<T> {
  const became = await settle(questions, question.id, isApproved)
  try {
    return await work()
  } catch (error) {
    const next = questionIn(error)
    if (next !== null && !isApproved) return refusedAnew(questions, next, work)
    if (next === null || became !== 'spare' || next.maximum > question.maximum || next.askedAt >= question.expiresAt) throw error
    await settle(questions, next.id, true)
    return work()
  }
}

/** Says no to a question that was asked anew after the person had said it, so that the refusal tells so. */
async function refusedAnew<T>(questions: Questions, { id }: Question, work: () => Promise<T>): Promise<T> {
  await settle(questions, id, false)
  return work()
}

/** The question that a refusal has left for the person at the client; null for none. */
function questionIn(error: unknown, sent?: unknown): Question | null {
  if (!(error instanceof CreditError) || error.code !== 'approval_required') return null
  const { status, atClient, ...asked } = error.approval ?? {}
  if (status !== 'pending' || atClient !== true) return null
  const { id, maximum, askedAt, expiresAt } = asked as unknown as Omit<Question, 'message'>
  return { id, maximum, askedAt, expiresAt, message: `${error.message}. Approve it once?${subjectWords(error.details, sent)}` }
}

/** A form is read at a glance, and may go through a client's log. */
const SENT_MAX = 300

function subjectWords({ variant, quantity }: CreditError['details'], sent: unknown): string {
  const facts = [...(typeof variant === 'string' ? [`Variant: ${variant}`] : []), ...(typeof quantity === 'number' ? [`Quantity: ${quantity}`] : [])]
  const text = isObject(sent) && Object.keys(sent).length > 0 ? JSON.stringify(sent) : ''
  // Half of a character in two parts would be none.
  const shown = text.length > SENT_MAX ? `${text.slice(0, SENT_MAX - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text
  return [...facts, ...(shown === '' ? [] : [`Arguments: ${shown}`])].map((line) => `\n${line}`).join('')
}

/** The name of our question among a client's answers; its id keeps it apart from that of another ledger behind us. */
const QUESTION_PREFIX = 'io.github.mcp-credits/approval:'
/** Our state: whose question it goes with, and what the request had carried before. */
const STATE_PREFIX = 'mcp-credits:'
/** A client answers what it was asked, one question a round; more than this is nobody's answer. */
const ANSWERS_MAX = 8

interface Taken {
  readonly rounds: Rounds | undefined
  /**
   * What was said with this very request, by the question: nobody is asked the same again by it. A yes that the ledger has
   * taken and that an equal call has spent is not in it: whether a request was sent twice is not to be seen, so a person says
   * it again.
   */
  readonly answered: ReadonlyMap<string, ClientAnswer>
}

async function takeAnswers(questions: Questions, rounds: Rounds | undefined): Promise<Taken> {
  const answered = new Map<string, ClientAnswer>()
  let rest = rounds
  for (const [name, answer] of Object.entries(rounds?.inputResponses ?? {}).slice(0, ANSWERS_MAX)) {
    if (rest === undefined || !name.startsWith(QUESTION_PREFIX)) continue
    const id = name.slice(QUESTION_PREFIX.length)
    if (!(await questions.isOurs(id))) continue
    const said = readYesOrNo(answer)
    const became = said === 'unanswered' ? 'refused' : await settle(questions, id, said === 'accepted')
    if (said !== 'accepted' || became === 'refused') answered.set(id, said)
    rest = withoutOurs(rest, name, id)
  }
  return { rounds: rest, answered }
}

/**
 * What became of an answer. `spare`: the question was answered alike before, by the person of an equal call. `refused`: it
 * came too late, or the account does not take it from a client; it changes nothing, and the work says why.
 */
type Became = 'taken' | 'spare' | 'refused'

async function settle(questions: Questions, id: string, isApproved: boolean): Promise<Became> {
  try {
    const { transaction } = await questions.answer(id, isApproved)
    return transaction === null ? 'spare' : 'taken'
  } catch (error) {
    if (!(error instanceof CreditError) || error.code === 'ledger_unavailable') throw error
    return error.details['status'] === 'used' ? 'spare' : 'refused'
  }
}

function withoutOurs({ inputResponses = {}, requestState }: Rounds, name: string, id: string): Rounds {
  const { [name]: _, ...others } = inputResponses
  const before = requestState === undefined ? undefined : readState(requestState, id)
  const responses = { ...before?.inputResponses, ...others }
  return roundsOf(Object.keys(responses).length === 0 ? undefined : responses, before === undefined ? requestState : before.requestState)
}

function askingResult(question: Question, rounds: Rounds): JsonObject {
  const state = hasRounds(rounds) ? { requestState: writeState(question.id, rounds) } : {}
  const request = { method: 'elicitation/create', params: { mode: 'form', ...yesOrNo(question.message) } }
  return { resultType: 'input_required', inputRequests: { [`${QUESTION_PREFIX}${question.id}`]: request }, ...state }
}

function writeState(id: string, rounds: Rounds): string {
  return `${STATE_PREFIX}${id}:${Buffer.from(JSON.stringify(rounds)).toString('base64url')}`
}

/** What a request had carried before our question of this id; undefined for a state that is somebody else's. */
function readState(state: string, id: string): Rounds | undefined {
  const prefix = `${STATE_PREFIX}${id}:`
  if (!state.startsWith(prefix)) return undefined
  try {
    const value = JSON.parse(Buffer.from(state.slice(prefix.length), 'base64url').toString()) as unknown
    return (isObject(value) ? roundsIn(value) : undefined) ?? {}
  } catch {
    return {}
  }
}
