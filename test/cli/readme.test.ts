import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { allCommands } from '../../src/cli/commands.js'
import { COMMON_OPTIONS } from '../../src/cli/settings.js'
import { ERRORS } from '../../src/index.js'
import { Home } from './process.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const home = new Home()
afterAll(() => home.remove())

describe('the README', () => {
  it('lists every refusal as it is', () => {
    const rows = Object.entries(ERRORS).map(([code, { status, exit, retryable, title }]) => `| \`${code}\` | ${status} | ${exit} | ${retryable ? 'yes' : 'no'} | ${title} |`)
    expect(readme.split('\n').filter((line) => /^\| `[a-z_]+` \| \d{3} /.test(line))).toEqual(rows)
  })

  it('names commands that there are, with options that they have', async () => {
    const commands = await allCommands()
    const lines = blocks('sh').flatMap((block) => block.split('\n')).filter((line) => line.startsWith('npx mcp-credits '))
    expect(lines.length).toBeGreaterThan(10)
    const unknown = lines.filter((line) => {
      const words = line.replace(/\s+#.*$/, '').split(' ').slice(2)
      const command = commands.find(({ name }) => name === words[0] || name === `${words[0]} ${words[1]}`)
      const ours = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
      const flags = [...(command?.options ?? []), ...COMMON_OPTIONS].map(({ flags }) => flags.split(' ')[0])
      return command === undefined || !ours.filter((word) => word.startsWith('--')).every((word) => flags.includes(word))
    })
    expect(unknown).toEqual([])
  })

  it('has a library example that prints what its comments say', async () => {
    const [example = ''] = blocks('js')
    const file = home.path('example.mjs')
    writeFileSync(file, example.replace("'mcp-credits'", JSON.stringify(new URL('../../dist/src/index.js', import.meta.url).href)))
    const { stdout } = await promisify(execFile)(process.execPath, [file])
    const said = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, comment]) => comment)
    expect(said).toHaveLength(4)
    expect(stdout.trimEnd().split('\n')).toEqual(said)
  })

  it('begins with two commands that the package has', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { scripts: Record<string, string> }
    expect(blocks('sh')[0]?.split('\n').map((line) => line.replace(/\s+#.*$/, ''))).toEqual(['npm install && npm run demo', 'npm install && npm test', ''])
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['prepare', 'demo', 'test']))
  })
})

function blocks(language: string): readonly string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block ?? '')
}
