/** A folder (or a single file) and where it stands: the lower a place is in this list of layers, the fewer it may import. */
export interface Place {
  readonly path: string
  readonly holds: string
}

/**
 * The layer table, lowest first; `src/README.md` repeats it and the tidy test holds both together. A place imports from
 * lower layers only, never from one beside it. `src/errors.ts` may be read from everywhere and imports nothing of ours.
 */
export const LAYERS: readonly { readonly layer: string; readonly places: readonly Place[] }[] = [
  {
    layer: '0',
    places: [
      { path: 'src/errors.ts', holds: 'every refusal once: code, HTTP status, exit code, whether a retry can help' },
      { path: 'src/money', holds: 'amounts in micro-credits and rates, read, multiplied, rounded and written exactly' },
      { path: 'src/time', holds: 'instants, calendar months and time zones' },
      { path: 'src/wire.ts', holds: 'names: camel case in the library, snake case on the wire' },
      { path: 'src/database-text.ts', holds: 'which texts name a database, and which only resemble an address' },
      { path: 'src/csv.ts', holds: 'tables as CSV that a spreadsheet reads and does not run' },
      { path: 'src/json', holds: 'JSON-RPC as text: lines cut, what parsing hides found, messages read and written' },
    ],
  },
  {
    layer: '1',
    places: [
      { path: 'src/refusal-body.ts', holds: 'the one body that every door gives a refusal' },
      { path: 'src/ledger', holds: 'accounts, grants, reservations, transactions and the hash chain' },
      { path: 'src/catalog', holds: 'what operations cost: the catalog file, its checks and its price models' },
    ],
  },
  {
    layer: '2',
    places: [
      { path: 'src/plans', holds: 'allowances and their periods, what is bought, what is metered by the hour' },
      { path: 'src/budgets', holds: 'limits on spending and how close they are' },
      { path: 'src/keys', holds: 'who may act: members with their roles, keys with their scopes' },
    ],
  },
  {
    layer: '3',
    places: [{ path: 'src/decide', holds: 'one decision a file: a command on a state gives transactions or a refusal' }],
  },
  {
    layer: 'shell',
    places: [
      { path: 'src/clock.ts', holds: 'the only place that asks the machine for the time' },
      { path: 'src/random.ts', holds: 'the only place that asks the machine for randomness' },
    ],
  },
  {
    layer: '4',
    places: [
      { path: 'src/storage', holds: 'the store port, SQLite and PostgreSQL behind it, queries and migrations' },
    ],
  },
  {
    layer: '5',
    places: [
      { path: 'src/usage', holds: 'spending use cases over the port, a metered call among them' },
    ],
  },
  {
    layer: 'inputs',
    places: [{ path: 'src/facade', holds: 'what the facade takes: inputs checked and read, catalogs imported and changed' }],
  },
  { layer: 'facade', places: [{ path: 'src/credits.ts', holds: 'the one thing that every door calls' }] },
  { layer: 'tools', places: [{ path: 'tools', holds: 'one file per MCP tool: its words, its schemas, one facade call' }] },
  {
    layer: '6',
    places: [
      { path: 'src/mcp', holds: 'the MCP server and the only knowledge of its SDK beside the other doors' },
      { path: 'src/proxy', holds: 'metering in front of existing MCP servers, by relaying their messages' },
      { path: 'src/meter', holds: 'metering inside a server that is built on either SDK' },
      { path: 'src/http', holds: 'HTTP: who asks, how much and how often; REST; health and metrics' },
    ],
  },
  {
    layer: '7',
    places: [
      { path: 'src/index.ts', holds: 'the public API: named exports only' },
      { path: 'src/cli', holds: 'the commands; `serve` hands the doors to each other' },
    ],
  },
  { layer: 'bin', places: [{ path: 'bin', holds: 'the executable' }] },
]

const DOORS = ['src/mcp', 'src/proxy', 'src/meter', 'src/http']

interface Package {
  readonly name: string
  readonly places: readonly string[]
  readonly reason: string
}

/** Packages outside the project, each with the only places that may import it and the reason why we carry it. */
export const PACKAGES: readonly Package[] = [
  {
    name: 'zod',
    places: ['src/catalog', 'src/facade', 'tools', ...DOORS, 'src/cli'],
    reason: 'one schema gives the check, the message, the TypeScript type and the JSON Schema that a model reads',
  },
  {
    name: 'better-sqlite3',
    places: ['src/storage'],
    reason: 'synchronous SQLite, so that a group of commands is one transaction without a gap in it',
  },
  { name: 'kysely', places: ['src/storage'], reason: 'typed reads and reports in one form for both databases' },
  { name: 'pg', places: ['src/storage'], reason: 'the PostgreSQL driver; optional, installed by who needs it' },
  { name: 'cross-spawn', places: ['src/proxy'], reason: 'starts `npx` and its like on Windows as everywhere' },
  { name: 'commander', places: ['src/cli'], reason: 'commands, options and help' },
  {
    name: '@modelcontextprotocol/server',
    places: DOORS,
    reason: 'the protocol in every version from 2024-10-07 on, from one factory',
  },
  { name: '@modelcontextprotocol/client', places: DOORS, reason: "reads an upstream server's tools, and reaches one over HTTP" },
  { name: '@modelcontextprotocol/sdk', places: DOORS, reason: 'the previous SDK; optional, for a server that is built on it' },
  { name: 'hono', places: ['src/http'], reason: 'routes and middleware over web-standard requests' },
  { name: '@hono/node-server', places: ['src/http'], reason: "serves web-standard requests on Node's own server" },
  { name: 'jose', places: ['src/http'], reason: 'checks signed tokens of an authorization server' },
  { name: 'prom-client', places: ['src/http'], reason: 'figures in the form that Prometheus reads' },
  { name: 'rate-limiter-flexible', places: ['src/http'], reason: 'counts requests by caller and time' },
  {
    name: 'temporal-polyfill',
    places: ['src/time'],
    reason: 'months, anchors and zones that `Date` gets wrong, until Node has Temporal itself',
  },
  { name: 'yaml', places: ['src/catalog', 'src/cli'], reason: 'a catalog that people write and comment on' },
]

interface Room {
  readonly what: string
  readonly pattern: RegExp
  readonly places: readonly string[]
}

/** What a file must not do outside the rooms that are made for it. */
export const ROOMS: readonly Room[] = [
  {
    what: 'reads the clock',
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.now\b|\bprocess\.(?:hrtime|uptime)\b|\bTemporal\.Now\b/,
    places: ['src/clock.ts'],
  },
  {
    what: 'reads randomness',
    pattern: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\brandomFillSync\b|\bgetRandomValues\b/,
    places: ['src/random.ts'],
  },
  { what: 'reads the environment', pattern: /\bprocess\.(?:env|argv|cwd)\b|\bhomedir\b/, places: ['src/cli', 'bin'] },
  { what: 'writes to the console', pattern: /\bconsole\./, places: ['src/cli', 'bin'] },
  {
    what: 'uses the standard streams',
    pattern: /\bprocess\.(?:stdin|stdout|stderr)\b/,
    places: ['src/cli', 'bin', 'src/proxy', 'src/mcp'],
  },
]
