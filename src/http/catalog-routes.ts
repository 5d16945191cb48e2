import { z } from 'zod'
import { bundledNames } from '../facade/catalog-source.js'
import { amount, id } from '../facade/input-parts.js'
import { inputs } from '../facade/inputs.js'
import { appliedAnswer, catalogAnswer, differencesAnswer, toolPricesAnswer, whatIfAnswer } from './report-answers.js'
import { adminRoute, type Route } from './route.js'

/** A document, or the name of a bundled catalog. Never a file: a request must not choose what the server reads. */
const catalog = z
  .union([z.enum(bundledNames() as readonly [string, ...string[]]), z.record(z.string(), z.unknown())])
  .describe('The document of a catalog, or the name of one that comes with the product')

const EXAMPLE = {
  id: 'product',
  name: 'Product',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 30,
  operations: { 'report.write': { name: 'Report', price: { model: 'flat', credits: '60' } } },
}

/** What things cost, now and later. The prices of all are for a key with the scope `operator` to change. */
export const catalogRoutes: readonly Route[] = [
  adminRoute({
    method: 'get',
    path: '/v1/admin/catalog',
    operation: 'show_catalog',
    summary: 'Show the catalog in force',
    input: z.strictObject({}),
    example: {},
    answer: catalogAnswer,
    run: (credits) => credits.catalog(),
  }),
  adminRoute({
    method: 'put',
    path: '/v1/admin/catalog',
    operation: 'apply_catalog',
    summary: 'Put a catalog into force as a new version',
    description: 'At once, or after the notice period if it raises a price. It takes the place of what was announced before.',
    input: z.strictObject({ catalog }),
    example: { catalog: EXAMPLE },
    answer: appliedAnswer,
    run: (credits, input) => credits.applyCatalog(input.catalog),
  }),
  adminRoute({
    method: 'post',
    path: '/v1/admin/catalog/diff',
    operation: 'compare_catalog',
    summary: 'Say how a catalog differs from the one in force; changes nothing',
    input: z.strictObject({ catalog }),
    example: { catalog: EXAMPLE },
    answer: differencesAnswer,
    run: (credits, input) => credits.compareCatalog(input.catalog),
  }),
  adminRoute({
    method: 'post',
    path: '/v1/admin/catalog/what-if',
    operation: 'try_catalog',
    summary: 'Say what was really spent, and what it would have come to by a draft; changes nothing',
    description: 'Of the accounts named; of every live account unless told, for a key with the scope operator.',
    input: z.strictObject({ catalog, ...inputs.whatIf.shape }),
    example: { catalog: EXAMPLE, accounts: ['acme'], since: '2026-10-01T00:00:00Z' },
    answer: whatIfAnswer,
    run: (credits, { catalog: draft, ...input }) => credits.whatIf(draft, input),
  }),
  adminRoute({
    method: 'get',
    path: '/v1/admin/catalog/tool-prices',
    operation: 'list_tool_prices',
    summary: 'List what calls of the upstream tools cost that the catalog names',
    input: inputs.operations,
    example: { search: 'issue' },
    answer: toolPricesAnswer,
    run: async (credits, input) => ({ tool_prices: await credits.toolPrices(input) }),
  }),
  adminRoute({
    method: 'post',
    path: '/v1/admin/catalog/prices',
    operation: 'set_price',
    summary: 'Set the price of a tool, an operation or operation/variant, as a new version of the catalog',
    description: 'A lower price holds at once, a higher one after the notice period. The rest stays as it is and as it was announced.',
    input: z.strictObject({ target: id, credits: amount }),
    example: { target: 'create_issue', credits: 2 },
    answer: appliedAnswer,
    run: (credits, { target, credits: price }) => credits.setPrice({ target, credits: price as number }),
  }),
]
