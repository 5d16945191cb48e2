import { expect, it } from 'vitest'
import { sumByChance } from './sum-by-chance.js'
it('x', async () => { for (const n of [50_000, 200_000]) { const t = process.cpuUsage(); const w = Date.now(); expect(await sumByChance(3, n)).toEqual({ problems: [], differences: [] }); console.log(n, process.cpuUsage(t).user / n, 'us/op', Date.now() - w) } }, 300000)
