import { benchBudgets } from './budgets.mjs'
import { benchCalls } from './calls.mjs'
import { benchHttp } from './http.mjs'
import { benchProcesses } from './processes.mjs'
import { benchReads } from './reads.mjs'
import { benchStart } from './start.mjs'
import { benchUsage } from './usage.mjs'
import { benchWrites } from './writes.mjs'

/**
 * `npm run bench`, or `npm run bench -- writes calls` for some of it. Absolute figures speak of this machine on this
 * day; the ratios are what is compared.
 */
const ROUNDS = 5
const asked = process.argv.slice(2)
const isAsked = (/** @type {string} */ leg) => asked.length === 0 || asked.includes(leg)

if (isAsked('writes')) await benchWrites(ROUNDS)
if (isAsked('processes')) await benchProcesses()
if (isAsked('calls')) await benchCalls(ROUNDS)
if (isAsked('http')) await benchHttp(ROUNDS)
if (isAsked('start')) await benchStart(ROUNDS * 2)
if (isAsked('reads')) await benchReads(ROUNDS)
if (isAsked('usage')) await benchUsage()
if (isAsked('budgets')) await benchBudgets(ROUNDS)
