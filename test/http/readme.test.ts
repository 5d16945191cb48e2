import { describe, expect, it } from 'vitest'
import { textOf } from '../support/files.js'
import { EventReader, served } from './support.js'

const [, section = ''] = /^## Over HTTP\n(.*?)^## /ms.exec(textOf('README.md')) ?? []

describe('the README on HTTP', () => {
  it('has a request that is answered as it is written', async () => {
    const { url, key } = await served()
    const [, address = ''] = /^curl -s (\S+)/m.exec(section) ?? []
    const [, body = ''] = / -d '(.*)'$/m.exec(section) ?? []
    const headers = [...section.matchAll(/-H ["'](.*?): (.*?)["']/g)].map(([, name = '', value = '']): [string, string] => [name, value.replace('$KEY', key)])
    expect([address, headers.length]).toEqual(['http://127.0.0.1:8321/mcp', 3])
    const response = await fetch(url, { method: 'POST', headers, body })
    expect(await new EventReader(response).next()).toMatchObject({ id: 1, result: { structuredContent: { account: 'default', balance: 250 } } })
  })

  it('has a configuration for clients that is one', () => {
    const [, text = ''] = /^```json\n(.*?)^```$/ms.exec(section) ?? []
    expect(JSON.parse(text)).toEqual({
      mcpServers: { credits: { type: 'http', url: 'http://127.0.0.1:8321/mcp', headers: { Authorization: expect.stringMatching(/^Bearer mc_/) as string } } },
    })
  })
})
