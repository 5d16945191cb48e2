import { inputs } from '../facade/inputs.js'
import { asTool } from './admin-answers.js'
import { statementAnswer, verificationAnswer } from './report-answers.js'
import { adminRoute, type Route } from './route.js'

/** What happened in an account, as its operator sees it: what the meter holds as well. */
export const reportRoutes: readonly Route[] = [
  adminRoute({
    method: 'get',
    path: '/v1/admin/balance',
    operation: 'show_balance',
    summary: 'Show what an account has and where it comes from',
    input: inputs.account,
    example: {},
    answer: asTool('get_credit_balance'),
    run: (credits, input) => credits.balance(input),
  }),
  adminRoute({
    method: 'get',
    path: '/v1/admin/usage',
    operation: 'report_usage',
    summary: 'Report what an account spent in a period, by group',
    input: inputs.usage,
    example: { group_by: 'day', since: '2026-10-01T00:00:00Z' },
    answer: asTool('get_mcp_usage'),
    run: (credits, input) => credits.usage(input),
  }),
  adminRoute({
    method: 'get',
    path: '/v1/admin/transactions',
    operation: 'list_account_transactions',
    summary: 'List the transactions of an account, newest first, in pages',
    input: inputs.transactions,
    example: { type: 'charge', limit: 20 },
    answer: asTool('list_transactions'),
    run: (credits, input) => credits.transactions(input),
  }),
  adminRoute({
    method: 'get',
    path: '/v1/admin/explanation',
    operation: 'explain_transaction',
    summary: 'Say why a transaction cost what it cost, or what became of a call by its idempotency key',
    input: inputs.explain,
    example: { transaction: 'tx_3_1bfcd33eef' },
    answer: asTool('explain_charge'),
    run: (credits, input) => credits.explain(input),
  }),
  adminRoute({
    method: 'get',
    path: '/v1/admin/statement',
    operation: 'show_statement',
    summary: 'A calendar month of an account and of those that report to it: opening, what came and went, closing, proof',
    input: inputs.statement,
    example: { month: '2026-11' },
    answer: statementAnswer,
    run: (credits, input) => credits.statement(input),
  }),
  adminRoute({
    method: 'get',
    path: '/v1/admin/verification',
    operation: 'verify_ledger',
    summary: 'Recompute balances, grants, reservations and the hash chain from the journal',
    description: 'Of the account named; of the whole ledger unless told, for a key with the scope operator. With since, a head kept before, what led to it is proven to be still what it was.',
    input: inputs.verify,
    example: { account: 'acme' },
    answer: verificationAnswer,
    run: (credits, input) => credits.verify(input),
  }),
]
