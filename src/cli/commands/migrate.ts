import { command } from '../definition.js'
import { printable } from '../output.js'

export const migrateCommand = command({
  name: 'migrate',
  summary: "bring the ledger's schema up to date; opening a ledger does the same",
  example: 'migrate',
  run: async ({ open, style }) => {
    const ledger = await open()
    const { from, to } = ledger.schema
    const words = from === to ? `is at schema ${to} already` : from === 0 ? `was made at schema ${to}` : `went from schema ${from} to ${to}`
    return { result: { ledger: ledger.location, from, to }, text: () => [`${style.bold(printable(ledger.location))} ${words}`] }
  },
})
