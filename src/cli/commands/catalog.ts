import type { Credits } from '../../credits.js'
import { CreditError } from '../../errors.js'
import type { AppliedCatalog } from '../../facade/change-catalog.js'
import { command, type CommandDefinition } from '../definition.js'
import { count } from '../format.js'
import { printable, type Style } from '../output.js'
import { shellWord } from '../shell-word.js'
import { appliedLines, differenceLines } from './prices.js'
import { SOURCE, whatIfCommand } from './what-if.js'

const validate = command({
  name: 'catalog validate',
  summary: 'check a catalog without touching a ledger: all mistakes of its shape at once, then all that does not agree',
  arguments: [SOURCE],
  example: 'catalog validate catalog.yaml',
  run: async ({ arguments: [source = ''], style }) => {
    const { readCatalog } = await import('../../facade/catalog-source.js')
    const catalog = await readCatalog(source)
    const size = (part: object): number => Object.keys(part).length
    const result = { valid: true, id: catalog.id, operations: size(catalog.operations), tools: size(catalog.tools), plans: size(catalog.plans) }
    const { id, operations, tools, plans } = result
    return {
      result,
      text: () => [`${style.good('valid')}: ${printable(id)}, ${count(operations, 'operation')}, ${count(tools, 'tool')}, ${count(plans, 'plan')}`],
    }
  },
})

const show = command({
  name: 'catalog show',
  isReading: true,
  summary: 'print the catalog in force, in a form that `catalog apply` takes',
  example: 'catalog show > catalog.yaml',
  run: async ({ open, io, settings }) => {
    const { version, effectiveAt, document } = await (await open()).catalog()
    const { stringify } = await import('yaml')
    if (!settings.isJson) io.note(`version ${version}, in effect from ${effectiveAt}`)
    return { result: { version, effective_at: effectiveAt, document }, isWire: true, text: () => [stringify(document).trimEnd()] }
  },
})

const diff = command({
  name: 'catalog diff',
  isReading: true,
  summary: 'say how a catalog differs from the one in force',
  arguments: [SOURCE],
  example: 'catalog diff catalog.yaml',
  run: async ({ open, arguments: [source = ''], style }) => {
    const { version, differences } = await (await open()).compareCatalog(source)
    const head = differences.length === 0 ? `Nothing differs from version ${version}.` : `Against version ${version}:`
    return { result: { version, differences }, text: () => [head, ...differenceLines(differences, style)] }
  },
})

const apply = command({
  name: 'catalog apply',
  summary: 'put a catalog into force as a new version: at once, or after the notice period if it raises a price',
  arguments: [SOURCE],
  example: 'catalog apply catalog.yaml',
  run: async ({ open, arguments: [source = ''], style }) => {
    const applied = await (await open()).applyCatalog(source)
    return { result: applied, text: () => appliedLines(applied, style) }
  },
})

const announce = command({
  name: 'catalog announce',
  summary: 'announce a catalog that raises prices: all of it holds once the notice period has passed, and nothing before',
  arguments: [SOURCE],
  example: 'catalog announce dearer.yaml',
  run: async ({ open, arguments: [source = ''], style }) => {
    const ledger = await open()
    await seeThatItRaises(ledger, source)
    const announced = await ledger.applyCatalog(source)
    return { result: announced, text: () => announcedLines(announced, style) }
  },
})

/** What raises nothing needs no notice: it is put into force, and not by a command that says it changes nothing yet. */
async function seeThatItRaises(ledger: Credits, source: string): Promise<void> {
  const { version, differences } = await ledger.compareCatalog(source)
  if (differences.some(({ increase }) => increase)) return
  throw new CreditError('invalid_request', `Nothing in the catalog is dearer than in version ${version}: there is nothing to announce`, {
    advice: differences.length === 0 ? [] : [`Put it into force at once: npx mcp-credits catalog apply ${shellWord(source)}`],
  })
}

function announcedLines(announced: AppliedCatalog, style: Style): readonly string[] {
  const { version, effectiveAt, differences, applied } = announced
  if (!applied) return [`It is announced already: version ${version}, in effect from ${effectiveAt}.`]
  const isMixed = differences.some(({ increase }) => !increase)
  return [
    ...appliedLines(announced, style),
    'Until then the prices in force hold. Who asks for them is told: npx mcp-credits prices --changes',
    // Another catalog would take the place of this one, announced or not; a single price leaves it as it is.
    ...(isMixed ? ['What is not dearer waits with the rest. A lower price holds at once by: npx mcp-credits price <target> <credits>'] : []),
  ]
}

export const catalogCommands: readonly CommandDefinition[] = [validate, show, diff, apply, announce, whatIfCommand]
