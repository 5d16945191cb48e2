import { writeFileSync } from 'node:fs'
import { catalogJsonSchema } from '../../src/catalog/json-schema.js'

// Run from the project's root after a build: node dist/test/catalog/generate-schema.js
writeFileSync('schema/catalog.schema.json', `${JSON.stringify(catalogJsonSchema(), null, 2)}\n`)
