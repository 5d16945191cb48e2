import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ended, Home } from '../cli/process.js'

it('the demo shows prices, receipts, a refusal, an explanation and a ledger that adds up, and leaves nothing behind', async () => {
  const home = new Home()
  const demo = fileURLToPath(new URL('demo.mjs', import.meta.url))
  const child = spawn(process.execPath, [demo], { env: { ...home.env, TMPDIR: home.folder } })
  child.stdin.end()
  const { code, stdout, stderr } = await ended(child)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const shown of [
    'get-tiny-image           Price: 600 credits ($6.00).',
    'receipt: 1 charged, 999 left, level ok',
    'refused, out_of_credits: Out of credits: 600 needed, 398 available',
    '$ npx mcp-credits grant 202',
    'receipt: 600 charged, 0 left, level exhausted',
    'The ledger adds up: 1 account, 10 transactions.',
  ]) {
    expect(stdout).toContain(shown)
  }
  expect(stdout).toMatch(/→ explain_charge .*\n {4}600 credits for /)
  expect(readdirSync(home.folder)).toEqual([])
  home.remove()
})
