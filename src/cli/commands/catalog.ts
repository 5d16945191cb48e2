import { command, type CommandDefinition } from '../definition.js'
import { count } from '../format.js'
import { printable } from '../output.js'
import { appliedLines, differenceLines } from './prices.js'

const SOURCE = { flags: '<catalog>', summary: 'a file (JSON or YAML) or the name of a bundled catalog' } as const

const validate = command({
  name: 'catalog validate',
  summary: 'check a catalog without touching a ledger',
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
  summary: 'put a catalog into force as a new version; one that raises a price waits for the notice period',
  arguments: [SOURCE],
  example: 'catalog apply catalog.yaml',
  run: async ({ open, arguments: [source = ''], style }) => {
    const applied = await (await open()).applyCatalog(source)
    return { result: applied, text: () => appliedLines(applied, style) }
  },
})

export const catalogCommands: readonly CommandDefinition[] = [validate, show, diff, apply]
