import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import type { EstimateResult } from '../../usage/results.js'
import { fromWire, wireName } from '../../wire.js'
import { command } from '../definition.js'
import { count, creditRange, credits, usd } from '../format.js'
import { printable, type Style } from '../output.js'
import { readCall, readLabels, readUsage } from '../words.js'
import { CALL_WORDS, estimateTable } from './prices.js'
import { given } from './spend.js'

interface Options {
  readonly usage?: readonly string[]
  readonly label?: readonly string[]
  readonly campaign?: boolean
}

export type Work = Pick<Input<'estimate'>, 'operation' | 'tool' | 'variant' | 'quantity' | 'args' | 'usage' | 'calls' | 'campaign'>

export const estimateCommand = command<Options>({
  name: 'estimate',
  isReading: true,
  summary: 'say what an operation, several together (with + between them) or a campaign would cost now, and what would stop it',
  arguments: [
    { flags: '[operation]', summary: 'its id, from `prices`, which also names tools: tool:create_issue' },
    { ...CALL_WORDS, summary: `${CALL_WORDS.summary}; variant=auto picks the cheapest that meets them` },
  ],
  options: [
    { flags: '--usage <name=count>', summary: 'counted units of a pass-through price, like input_tokens=1000', isRepeatable: true },
    { flags: '--label <name=value>', summary: 'a label that the calls would carry; budgets may count by it', isRepeatable: true },
    { flags: '--campaign', summary: 'the words are those of a campaign: platforms=3 weeks=2 posts_per_week=5 complexity=standard' },
  ],
  example: 'estimate blog.post + translate quantity=4',
  run: async ({ open, arguments: words, options, style }) => {
    const work = workOf(words, options)
    const labels = readLabels(options.label)
    const ledger = await open()
    const estimate = await ledger.estimate(given<Input<'estimate'>>({ ...work, labels })).catch((error: unknown) => {
      throw work.campaign === undefined ? error : inWordsOfCampaign(error)
    })
    return { result: estimate, text: () => estimateLines(estimate, style) }
  },
})

/**
 * What the words of a command line say is to be done: one operation, or several with `+` between them.
 *
 * @throws CreditError `invalid_request`
 */
export function workOf(words: readonly string[], { usage, campaign }: Pick<Options, 'usage' | 'campaign'>): Work {
  const calls = splitAtPlus(words)
  if (usage !== undefined && (campaign === true || calls.length > 1)) {
    throw new CreditError('invalid_request', '--usage: is of one operation; it goes with no others and with no campaign')
  }
  if (campaign === true) return { campaign: readCampaign(words) as NonNullable<Work['campaign']> }
  const [first, ...more] = calls.map(readOperation)
  return more.length === 0 ? { ...first, usage: readUsage(usage) } : { calls: [first, ...more] as NonNullable<Work['calls']> }
}

function splitAtPlus(words: readonly string[]): readonly (readonly string[])[] {
  const at = words.indexOf('+')
  return at === -1 ? [words] : [words.slice(0, at), ...splitAtPlus(words.slice(at + 1))]
}

function readOperation([operation, ...words]: readonly string[]): Work {
  if (operation === undefined) throw new CreditError('invalid_request', 'an operation is missing: npx mcp-credits prices lists them')
  return { operation, ...readCall(words) }
}

/** What a campaign may say and has to is for the library to check. */
function readCampaign(words: readonly string[]): object {
  const { args, ...others } = readCall(words)
  return { ...others, ...fromWire(args ?? {}) }
}

/** A part of a campaign is called as it was typed. */
function inWordsOfCampaign(error: unknown): unknown {
  if (!(error instanceof CreditError) || error.code !== 'invalid_request') return error
  const message = error.message.replaceAll(/\bcampaign\.([a-zA-Z]+)/g, (_, field: string) => wireName(field))
  return new CreditError(error.code, message, { ...error, cause: error })
}

export function estimateLines(estimate: EstimateResult, style: Style): readonly string[] {
  return [
    `${style.bold(creditRange(estimate.minimum, estimate.maximum))}${worthOf(estimate)}`,
    estimate.affordable
      ? style.good(`Affordable; ${leftWords(estimate)} would be left.`)
      : style.bad('It would be refused now.'),
    ...estimate.blockedBy.map(({ code, message }) => `  ${code}: ${printable(message)}`),
    ...estimate.picked.map(({ operation, reason }) => `Picked for ${printable(operation)}: ${printable(reason)}`),
    ...(estimate.lines.length === 0 ? [] : ['', ...estimateTable(estimate.lines, style)]),
    ...(estimate.cheaper.length === 0 ? [] : ['', 'Cheaper:']),
    ...estimate.cheaper.map(cheaperLine),
  ]
}

function cheaperLine({ change, minimum, maximum, saves }: EstimateResult['cheaper'][number]): string {
  return `  ${printable(change)}: ${creditRange(minimum, maximum)}, saves ${credits(saves)}`
}

/** In dollars it is the most that it can cost, where the catalog says what a credit is worth. */
function worthOf({ minimum, maximum, usd: dollars }: EstimateResult): string {
  if (dollars === null) return ''
  return minimum === maximum ? ` (${usd(dollars)})` : ` (at most ${usd(dollars)})`
}

function leftWords({ minimum, maximum, balanceAfter }: EstimateResult): string {
  return `${minimum === maximum ? '' : 'at least '}${count(balanceAfter, 'credit')}`
}
