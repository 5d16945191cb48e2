import { PRIORITY_ALLOWANCE, PRIORITY_DEFAULT } from '../ledger/grant.js'
import { parsePositiveCredits, parseSignedCredits } from '../money/credits.js'
import type * as results from '../usage/results.js'
import { grantResult, writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput, readInstant } from './read-input.js'

export async function grant(desk: Desk, input: Input<'grant'>): Promise<results.GrantResult> {
  const asked = readInput(inputs.grant, input)
  return grantResult(
    await desk.write('grant', asked, {
      amount: readAmount(parsePositiveCredits, asked.credits, 'credits'),
      source: asked.source,
      priority: asked.priority ?? (asked.source === 'allowance' ? PRIORITY_ALLOWANCE : PRIORITY_DEFAULT),
      isPaid: asked.paid,
      effectiveAt: readInstant(asked.effectiveAt, 'effectiveAt'),
      expiresAt: readInstant(asked.expiresAt, 'expiresAt'),
      reason: asked.reason ?? null,
    }),
  )
}

export async function adjust(desk: Desk, input: Input<'adjust'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.adjust, input)
  const amount = readAmount(parseSignedCredits, asked.credits, 'credits')
  return writeResult(await desk.write('adjust', asked, { amount, reason: asked.reason ?? null }))
}
