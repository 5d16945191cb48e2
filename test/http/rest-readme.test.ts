import { describe, expect, it } from 'vitest'
import { openApiDocument } from '../../src/http/open-api.js'
import { restHandler } from '../../src/http/rest.js'
import { textOf } from '../support/files.js'
import { served } from './support.js'

const DECEMBER = Date.UTC(2026, 11, 1)

/** The lines of the README that send a request to the REST API, in its order. */
const lines = [...textOf('README.md').matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n')).filter((line) => line.startsWith('curl ') && line.includes('$API'))

/** A command line as a shell would cut it, its variables filled in. */
function wordsOf(line: string, variables: Readonly<Record<string, string>>): readonly string[] {
  const filled = (text: string) => text.replaceAll(/\$(\w+)/g, (_, name: string) => variables[name] ?? expect.fail(`${name} is set`))
  const words = line.replace(/\s+#.*$/, '').match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []
  return words.map((word) => (word.startsWith("'") ? word.slice(1, -1) : filled(word.replace(/^"(.*)"$/, '$1'))))
}

function requestOf([command, ...words]: readonly string[]): { readonly url: string; readonly init: RequestInit } {
  expect(command).toBe('curl')
  const headers: [string, string][] = []
  let [url, method, body]: (string | undefined)[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '-s') continue
    if (word === '-H') headers.push((words[(at += 1)] ?? '').split(/: (.*)/s).slice(0, 2) as [string, string])
    else if (word === '-X') method = words[(at += 1)]
    else if (word === '-d') body = words[(at += 1)]
    else url = word
  }
  return { url: url ?? '', init: { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, ...(body === undefined ? {} : { body }) } }
}

describe('the README on REST', () => {
  it('has examples that are answered as they are written', async () => {
    const { server, ledger } = await served({
      catalog: 'starter',
      rest: restHandler({ version: '1', report: (line) => expect.fail(line) }),
      openApi: () => openApiDocument({ version: '1' }),
    })
    ledger.clock.at = DECEMBER
    const { key } = await ledger.credits.createKey({ scopes: ['operator'] })
    const variables = { API: `${server.address}/v1`, AUTH: `Authorization: Bearer ${key ?? ''}` }
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) {
      const { url, init } = requestOf(wordsOf(line, variables))
      const response = await fetch(url, init)
      expect(response.status, `${line}\n${await response.clone().text()}`).toBe(200)
    }
    expect(await ledger.credits.transactions({ type: 'charge' })).toMatchObject({ transactions: [{ labels: { customer_id: 'c1' }, idempotencyKey: 'job-1' }] })
  })
})
