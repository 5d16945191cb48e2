import { CreditError } from '../../errors.js'
import type { Input } from '../../facade/inputs.js'
import type { EstimateResult } from '../../usage/results.js'
import { readCallsFile } from '../calls-file.js'
import { command } from '../definition.js'
import type { Style } from '../output.js'
import { readLabels, readOptionalNumber } from '../words.js'
import { estimateLines, type Work, workOf } from './estimate.js'
import { CALL_WORDS } from './prices.js'
import { CALLS, given, IDEMPOTENCY_KEY } from './spend.js'

interface Options {
  readonly usage?: readonly string[]
  readonly label?: readonly string[]
  readonly calls?: string
  readonly ttl?: string
  readonly idempotencyKey?: string
}

export const quoteCommand = command<Options>({
  name: 'quote',
  scope: 'credits:read',
  summary: 'have the price of an operation bind for a time, or of several together (with + between them)',
  arguments: [{ flags: '[operation]', summary: 'its id, from `prices`, which also names tools: tool:create_issue' }, CALL_WORDS],
  options: [
    CALLS,
    { flags: '--ttl <seconds>', summary: 'how long it holds; 15 minutes unless told, 24 hours at most' },
    { flags: '--usage <name=count>', summary: 'counted units of a pass-through price, like input_tokens=1000', isRepeatable: true },
    { flags: '--label <name=value>', summary: 'a label that the calls would carry; budgets may count by it', isRepeatable: true },
    IDEMPOTENCY_KEY,
  ],
  example: 'quote blog.post + translate quantity=4 --ttl 3600',
  run: async ({ open, arguments: words, options, style }) => {
    const input = given<Input<'estimate'>>({
      ...(await workQuoted(words, options)),
      labels: readLabels(options.label),
      quote: true,
      quoteTtlSeconds: readOptionalNumber(options.ttl, '--ttl'),
      idempotencyKey: options.idempotencyKey,
    })
    const ledger = await open()
    const quoted = await ledger.estimate(input)
    return { result: quoted, text: () => quoteLines(quoted, style) }
  },
})

/** @throws CreditError `invalid_request` */
async function workQuoted(words: readonly string[], { calls, usage }: Options): Promise<Work> {
  if (calls === undefined) return workOf(words, usage === undefined ? {} : { usage })
  if (words.length > 0 || usage !== undefined) {
    throw new CreditError('invalid_request', '--calls: the file says all calls; leave out other words and --usage')
  }
  return { calls: (await readCallsFile(calls)) as NonNullable<Work['calls']> }
}

function quoteLines(quoted: EstimateResult, style: Style): readonly string[] {
  const { quoteId = null, expiresAt } = quoted
  if (quoteId === null) return ['It costs nothing and needs no quote.', '', ...estimateLines(quoted, style)]
  const sentence = `${style.bold(quoteId)} holds until ${expiresAt}: spend it with --quote ${quoteId}`
  return [sentence, '', ...estimateLines(quoted, style)]
}
