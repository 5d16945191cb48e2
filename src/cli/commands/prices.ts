import type { AppliedCatalog } from '../../facade/change-catalog.js'
import { valueWords } from '../../facade/difference-words.js'
import type { ToolPrice } from '../../facade/tool-prices.js'
import type { AffordResult, EstimateLine, OperationResult, OperationsResult, PriceChange } from '../../usage/results.js'
import { command } from '../definition.js'
import { count, credits, range } from '../format.js'
import { printable, type Style } from '../output.js'
import { tableLines } from '../table.js'

export const CALL_WORDS = {
  flags: '[words...]',
  summary: 'name=value: variant= and quantity= of the call, anything else is an argument of the operation',
} as const

/** The lines of a price, as an estimate and an explanation show them. */
export function estimateTable(lines: readonly EstimateLine[], style: Style): readonly string[] {
  return tableLines(
    lines,
    [
      { head: 'Operation', cell: ({ operation, variant }) => (variant === null ? operation : `${operation}/${variant}`) },
      { head: 'Quantity', cell: ({ quantity }) => credits(quantity), isNumber: true },
      { head: 'Unit price', cell: ({ unitPrice }) => (unitPrice === null ? '' : credits(unitPrice)), isNumber: true },
      { head: 'Credits', cell: ({ minimum, maximum }) => range(minimum, maximum), isNumber: true },
    ],
    style,
  )
}

export const affordCommand = command<{ readonly category?: string }>({
  name: 'afford',
  isReading: true,
  summary: 'list how much of each operation the balance, or so many credits, would pay for',
  arguments: [{ flags: '[credits]', summary: 'what can be spent now unless told' }],
  options: [{ flags: '--category <id>', summary: 'only operations of this category' }],
  example: 'afford 250',
  run: async ({ open, arguments: [amount], options: { category }, style }) => {
    const ledger = await open()
    const afford = await ledger.afford({ ...(amount === undefined ? {} : { credits: amount }), ...(category === undefined ? {} : { category }) })
    return { result: afford, text: () => affordLines(afford, style) }
  },
})

function affordLines({ credits: amount, rows }: AffordResult, style: Style): readonly string[] {
  if (rows.length === 0) return ['The catalog has no such operations.']
  const table = tableLines(
    rows,
    [
      { head: 'Operation', cell: ({ operation, variant }) => (variant === null ? operation : `${operation}/${variant}`) },
      { head: 'Units', cell: ({ units }) => credits(units), isNumber: true },
    ],
    style,
  )
  return [`${style.bold(count(amount, 'credit'))} ${amount === 1 ? 'pays' : 'pay'} for one of these:`, ...table]
}

interface PricesOptions {
  readonly category?: string
  readonly search?: string
  readonly changes?: boolean
  readonly since?: string
}

export const pricesCommand = command<PricesOptions>({
  name: 'prices',
  isReading: true,
  summary: 'list what operations and the tools of upstream servers cost',
  options: [
    { flags: '--category <id>', summary: 'only operations of this category' },
    { flags: '--search <words>', summary: 'only operations with these words' },
    { flags: '--changes', summary: 'the announced changes instead, with the day on which each takes effect' },
    { flags: '--since <instant>', summary: 'with --changes: also what has taken effect since this instant (ISO 8601)' },
  ],
  example: 'prices --search video',
  run: async ({ open, options: { category, search, changes, since }, style }) => {
    const ledger = await open()
    const query = { ...(category === undefined ? {} : { category }), ...(search === undefined ? {} : { search }) }
    const listed = await ledger.operations({ ...query, ...(since === undefined ? {} : { changesSince: since }) })
    if (changes === true || since !== undefined) {
      const told = [...(listed.changes ?? []), ...listed.announcedChanges]
      return { result: told.map((change) => ({ id: change.path, ...change })), text: () => changeLines(told, style) }
    }
    const tools = await ledger.toolPrices(query)
    return { result: [...listed.operations, ...tools], text: () => priceLines(listed, tools, style) }
  },
})

function priceLines({ catalog, priceVersion, operations }: OperationsResult, tools: readonly ToolPrice[], style: Style): readonly string[] {
  const head = style.dim(`catalog ${printable(catalog)}, version ${priceVersion}`)
  const rows: readonly PriceRow[] = [...operations.flatMap(priceRows), ...tools]
  if (rows.length === 0) return [head, 'The catalog names no such operations.']
  return [
    head,
    ...tableLines(
      rows,
      [
        { head: 'Operation', cell: ({ id }) => id },
        { head: 'Price', cell: ({ price }) => price },
        { head: 'Category', cell: ({ category }) => category ?? '' },
        { head: 'Plan', cell: ({ requiresPlan }) => requiresPlan.join(', ') },
      ],
      style,
    ),
  ]
}

/** An operation, one of its variants or a tool. */
type PriceRow = Pick<ToolPrice, 'id' | 'category' | 'requiresPlan' | 'price'>

function priceRows({ id, category, variants, price, requiresPlan }: OperationResult): readonly PriceRow[] {
  const own = price === null ? [] : [{ id, category, requiresPlan, price }]
  return [...own, ...variants.map((variant) => ({ id: `${id}/${variant.id}`, category, requiresPlan: variant.requiresPlan, price: variant.price }))]
}

function changeLines(changes: readonly PriceChange[], style: Style): readonly string[] {
  if (changes.length === 0) return ['There are no such price changes.']
  return tableLines(
    changes,
    [
      { head: 'From', cell: ({ effectiveAt }) => effectiveAt.slice(0, 10) },
      { head: 'What', cell: ({ path }) => path },
      { head: 'Before', cell: ({ before }) => valueWords(before) },
      { head: 'After', cell: ({ after }) => valueWords(after) },
    ],
    style,
  )
}

export const priceCommand = command({
  name: 'price',
  summary: 'set the price of a tool or an operation, as a new version of the catalog',
  arguments: [
    { flags: '<target>', summary: 'a tool, an operation or operation/variant, from `prices`' },
    { flags: '<credits>', summary: 'the new price; 0 makes a tool free' },
  ],
  example: 'price create_issue 2',
  run: async ({ open, arguments: [target = '', amount = ''], style }) => {
    const ledger = await open()
    const applied = await ledger.setPrice({ target, credits: amount })
    return { result: applied, text: () => appliedLines(applied, style) }
  },
})

/** What became of a new version of the catalog. */
export function appliedLines({ version, effectiveAt, differences, applied }: AppliedCatalog, style: Style): readonly string[] {
  if (!applied) return [`Nothing differs from version ${version} of the catalog.`]
  return [`${style.bold(`Version ${version}`)} of the catalog, in effect from ${effectiveAt}`, ...differenceLines(differences, style)]
}

export function differenceLines(differences: AppliedCatalog['differences'], style: Style): readonly string[] {
  return differences.map(({ path, before, after, increase }) => {
    const mark = increase ? style.warning(' (increase)') : ''
    return `  ${printable(path)}: ${printable(valueWords(before))} → ${printable(valueWords(after))}${mark}`
  })
}
