import { it } from 'vitest'
import { playOperations } from './million.js'

// The other half is in a file of its own, so that both run at once.
it('T27: half a million operations by chance over products that are bought as they are used leave the same', async () => {
  await playOperations(['synfluencer', 'workspace-credits', 'lingua-studio'], 500_000)
}, 600_000)
