import type { Requirement } from './requirements.js'

/** What users of comparable systems were hurt by, each row the check that shows we are not. Cited like a requirement. */
export const PITFALLS: readonly Requirement[] = [
  {
    id: 'T01',
    behaviour:
      '200 parallel calls of cost 1 on balance 50 across processes: exactly 50 charged, 150 `out_of_credits`, ' +
      'balance 0',
  },
  {
    id: 'T02',
    behaviour: '8 parallel first calls for a new principal: default budget applied to all',
  },
  {
    id: 'T03',
    behaviour:
      'every exit (success, tool error, throw, timeout, cancel, crash, proxy drop) leaves sum(open ' +
      'reservations)=0 after sweep',
  },
  {
    id: 'T04',
    behaviour:
      'kill -9 between reservation and settle; restart: reservation released or settled by policy, ledger ' +
      'balanced',
  },
  { id: 'T05', behaviour: 'sweep and settle race in both orders: one terminal transition (CAS), one refund' },
  {
    id: 'T06',
    behaviour: 'late failure after sweep -> compensating refund entry; status equals ledger movement',
  },
  { id: 'T07', behaviour: 'reservation TTL >= tool max duration; heartbeat extends' },
  {
    id: 'T08',
    behaviour:
      'same key x5, parallel and serial: 1 charge, identical stored result; different args same key -> ' +
      '`idempotency_conflict`',
  },
  { id: 'T09', behaviour: 'replay after 10 min and 23 h returns the original result' },
  {
    id: 'T10',
    behaviour:
      'same event x3, same session under two event ids, crash after commit before 200: one grant (unique on ' +
      'provider + payment object)',
    deferred: 'needs a payment provider',
    partly: true,
  },
  {
    id: 'T11',
    behaviour: 'crash between dedupe insert and grant: redelivery still grants (same transaction)',
    deferred: 'needs a payment provider',
  },
  { id: 'T12', behaviour: '`deleted` then late `updated`: stays cancelled', deferred: 'needs a payment provider', partly: true },
  { id: 'T13', behaviour: 'provider calls carry derived idempotency keys', deferred: 'needs a payment provider', partly: true },
  { id: 'T14', behaviour: 'grant commit -> very next call on any process/connection succeeds (no cache)' },
  {
    id: 'T15',
    behaviour: 'reset/raise/top-up: next call admitted, in every process, while a client hammers',
  },
  { id: 'T16', behaviour: 'restart and multi-process give identical budget status' },
  { id: 'T17', behaviour: 'invariant: cached balance == SUM(ledger); checker command; 6 processes cold start' },
  {
    id: 'T18',
    behaviour: 'fault-inject disk full/locked at commit: call is not acknowledged as charged, nothing lost',
  },
  {
    id: 'T19',
    behaviour: 'DB down: paid tools refuse with `ledger_unavailable`, free tools work; never report 0',
  },
  {
    id: 'T20',
    behaviour:
      '50 writers, 2 processes, 60 s: zero SQLITE_BUSY surfaced; `BEGIN IMMEDIATE`, WAL, busy_timeout, bounded ' +
      'retry',
  },
  {
    id: 'T21',
    behaviour: 'zones +14..-12, Asia/Shanghai, half-hour zones; both DST days: window is local midnight to midnight',
  },
  {
    id: 'T22',
    behaviour: 'anchor 31: Jan31, Feb28/29, Mar31; 48 months: one grant per period, anchor never decays',
  },
  {
    id: 'T23',
    behaviour:
      'process off for 3 periods then 2 processes start: exactly 3 grants (idempotent on account+period), lazy ' +
      'evaluation at read',
  },
  {
    id: 'T24',
    behaviour: 'documented period types; next reset reported equals actual reset',
  },
  {
    id: 'T25',
    behaviour: 'new window starts at creation; editing a limit never resets or imports usage unless asked',
  },
  {
    id: 'T26',
    behaviour: 'every limit kind honours temporary increase and its expiry',
  },
  {
    id: 'T27',
    behaviour:
      'integer micro-credits in the database, numbers of at most six decimals on the wire; 10^6 random ' +
      'operations: exact sum; decimal parser, never float',
  },
  {
    id: 'T28',
    behaviour:
      'AMOUNT_MAX and AMOUNT_MAX - 1 round trip through every door and both databases; AMOUNT_MAX + 1 is ' +
      '`invalid_amount`',
  },
  { id: 'T29', behaviour: 'negative, NaN, Infinity, 1e309, -0 in price, units, upstream cost: rejected' },
  {
    id: 'T30',
    behaviour:
      'balance never < 0 unless an explicit overdraft limit; actual > held -> charge up to max, record excess as ' +
      'uncollected, alert',
  },
  { id: 'T31', behaviour: 'shortfall is a ledger entry, not a clamp' },
  { id: 'T32', behaviour: 'unpriced tool -> `price_unknown`; report marks unknown, not 0' },
  { id: 'T33', behaviour: 'cancel before start: release; after start: charge by policy; both recorded' },
  {
    id: 'T34',
    behaviour:
      "the same key returns the receipt and no second charge; the tool's content itself is kept only where the " +
      'operation says `keep_result`, bounded in size and time',
  },
  {
    id: 'T35',
    behaviour: 'nested calls through the proxy each produce a row',
  },
  {
    id: 'T36',
    behaviour:
      'route matrix over tools: MCP stdio and HTTP, REST, CLI, library, proxy, gateway, batch: same refusal. ' +
      'Upstream resources and prompts are not metered',
  },
  {
    id: 'T37',
    behaviour: 'child refusal returns a normal result to the parent within 1 s',
  },
  {
    id: 'T38',
    behaviour:
      'each threshold fires once per period; jump past several thresholds fires each once; re-arm after ' +
      'top-up/reset; crash between cross and send still sends once',
  },
  { id: 'T39', behaviour: 'payload has used, limit, remaining and percentages named' },
  { id: 'T40', behaviour: 'code set; `retryable:false`; no Retry-After on money errors' },
  { id: 'T41', behaviour: 'both fields carry equal facts for every tool and every error (property test)' },
  { id: 'T42', behaviour: 'descriptions generated; test compares each number to the catalog; charged == quoted' },
  {
    id: 'T43',
    behaviour: 'auto top-up: at most one in flight, amount equals rule, daily limit',
    deferred: 'needs auto-recharge',
  },
  {
    id: 'T44',
    behaviour: 'restore + replay of webhooks/idempotency keys is a no-op; migration list checked',
    deferred: 'needs payment webhooks',
    partly: true,
  },
  { id: 'T45', behaviour: 'null period counter -> refuse to compute, not another unit' },
  {
    id: 'T46',
    behaviour: 'only digests and metadata stored (but for `keep_result`); test greps DB for planted secret',
    deferred: 'needs webhooks to search',
    partly: true,
  },
]
