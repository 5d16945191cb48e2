import { describe, expect, it } from 'vitest'
import { tools } from '../../tools/index.js'
import { CLIENT_KINDS, connect, testLedger } from './support.js'

describe.each(CLIENT_KINDS)('with %s', (kind) => {
  it('prompts are listed with what they are for, and their texts name tools that there are, and no price', async () => {
    const { client } = await connect(kind, await testLedger())
    const { prompts } = await client.listPrompts()
    expect(prompts.map(({ name }) => name)).toEqual(['review_spending', 'plan_within_budget'])
    for (const { name, description } of prompts) {
      expect(description).toMatch(/\w+ \w+/)
      const { messages } = await client.getPrompt({ name, arguments: { task: 'a page' } })
      const text = messages.map(({ content }) => content.text).join()
      const named = text.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? []
      expect(named.length).toBeGreaterThan(0)
      for (const tool of named) expect(tools.map((one) => one.name)).toContain(tool)
      expect(text).not.toMatch(/\d/)
    }
  })

  it('arguments stand in the text; one that is missing and a prompt that is none are refused', async () => {
    const { client } = await connect(kind, await testLedger())
    const { messages } = await client.getPrompt({ name: 'plan_within_budget', arguments: { task: 'a landing page', credits: '300' } })
    expect(messages[0]?.content.text).toMatch(/at most 300 credits: a landing page/)
    await expect(client.getPrompt({ name: 'plan_within_budget' })).rejects.toThrow(/takes the argument task/)
    await expect(client.getPrompt({ name: 'nothing' })).rejects.toThrow(/not found/)
  })
})
