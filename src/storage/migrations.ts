import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SchemaTooNew } from './port.js'

/** One numbered step of the schema: plain SQL, frozen once released, the same numbers for both databases. */
export interface Migration {
  readonly number: number
  readonly sql: string
}

const FILE = /^(\d{4})_[a-z0-9_]+\.sql$/

/** The steps of one database in order. They lie beside the package's `package.json`, in a checkout as in an install. */
export function migrationsOf(database: 'sqlite' | 'postgres'): readonly Migration[] {
  const folder = join(packageFolder(), 'schema', database)
  const files = readdirSync(folder).filter((file) => FILE.test(file)).sort()
  return files.map((file) => ({ number: Number(file.slice(0, 4)), sql: readFileSync(join(folder, file), 'utf8') }))
}

/** The steps that a ledger at `version` still needs. @throws SchemaTooNew when it is ahead of this program. */
export function pendingMigrations(migrations: readonly Migration[], version: number): readonly Migration[] {
  const newest = migrations.at(-1)?.number ?? 0
  if (version > newest) throw new SchemaTooNew(version, newest)
  return migrations.filter((migration) => migration.number > version)
}

function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!hasSchema(folder)) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('the package lacks its schema folder')
    folder = parent
  }
  return folder
}

function hasSchema(folder: string): boolean {
  try {
    return readdirSync(join(folder, 'schema')).includes('sqlite')
  } catch {
    return false
  }
}
