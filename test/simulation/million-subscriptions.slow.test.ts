import { it } from 'vitest'
import { playOperations } from './million.js'

// The other half is in a file of its own, so that both run at once.
it('T27: half a million operations by chance over products with plans leave sums, reports and reasons exact to the millionth of a credit', async () => {
  await playOperations(['neural-draft', 'social-neuron', 'soku'], 500_000)
}, 600_000)
