import type * as results from '../usage/results.js'
import { writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readInput } from './read-input.js'

export async function subscribe(desk: Desk, input: Input<'subscribe'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.subscribe, input)
  return writeResult(await desk.write('subscribe', asked, { plan: asked.plan, when: asked.when }))
}

export async function cancelSubscription(desk: Desk, input: Input<'write'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.write, input)
  return writeResult(await desk.write('unsubscribe', asked, {}))
}
