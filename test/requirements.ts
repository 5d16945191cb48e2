/**
 * What the product must do, one behaviour a row. The name of a test that proves a row begins with its id;
 * `coverage.test.ts` holds rows and names together.
 */
export interface Requirement {
  readonly id: string
  readonly behaviour: string
  /** What is missing until the row can be proven. A row without it must be cited by a test. */
  readonly deferred?: string
  /** A deferred row of which a test proves a part already; without this a cited row may not be deferred. */
  readonly partly?: true
}

/**
 * The five source products and, from AX on, what none of them has: Social Neuron (SN), workspace credits (WC),
 * Neural Draft (ND), Soku (SK), Synfluencer (SF).
 */
export const REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'SN-01',
    behaviour: '1 credit = $0.01; every price is shown in credits and in USD',
  },
  {
    id: 'SN-02',
    behaviour:
      'all operations of the document, in their categories (text, image, video, analysis, other), at its prices, ' +
      'a model being a variant of one operation (`image.generate`, variant `flux-pro`)',
  },
  {
    id: 'SN-03',
    behaviour: 'transcription is 5 credits a minute; a started minute counts whole',
  },
  {
    id: 'SN-04',
    behaviour: 'plans Free 100, Trial 500 once, Starter 800, Pro 2,000, Team 6,500 credits a month',
  },
  {
    id: 'SN-05',
    behaviour:
      'unused credits roll over while the subscription is active; on cancellation they last to the end of the ' +
      'paid period, add-on credits stay',
  },
  {
    id: 'SN-06',
    behaviour:
      'spending cap per plan and billing period: 100, 500, 2,000, 5,000, 16,250 (a figure per plan, not a ' +
      'factor). It counts what is spent from allowance and add-ons together; the refusal (`spending_cap_reached`) ' +
      "says that purchased credits stay usable after the reset, and when that is. Trial's cap is for its lifetime",
  },
  {
    id: 'SN-07',
    behaviour:
      'Easy Mode picks the cheapest variant that meets the request and says which it picked and why; Pro Mode ' +
      'takes the named model',
  },
  {
    id: 'SN-08',
    behaviour:
      'add-on packs with their bonus part as a grant of its own (200 + 50, 500 + 50, 1,500 + 200, 5,000 + 1,000) ' +
      'at $9.99, $9.99, $24.99, $69.99',
  },
  {
    id: 'SN-09',
    behaviour:
      'API packs 1,000 / 5,000 / 20,000 at $9.99 / $39.99 / $199.99, with the price per credit as the document ' +
      'rounds it ($0.01, $0.008, $0.01)',
  },
  { id: 'SN-10', behaviour: '`get_credit_balance`: balance, plan, monthly allocation' },
  {
    id: 'SN-11',
    behaviour:
      '`get_budget_status`: budget consumption of MCP use, a budget for one run included; it holds across ' +
      'processes, restarts and transports',
  },
  { id: 'SN-12', behaviour: '`get_mcp_usage`: calls and credits by tool' },
  { id: 'SN-13', behaviour: 'CLI `credits` and `usage`' },
  {
    id: 'SN-14',
    behaviour:
      'dashboard: remaining credits always visible at the top; billing page with usage history and breakdown by ' +
      'operation',
    deferred: 'needs the dashboard',
  },
  {
    id: 'WC-01',
    behaviour: 'one balance for a workspace: every authorised member spends from it and sees it',
  },
  {
    id: 'WC-02',
    behaviour:
      "purchased credits are valid 12 months to the day (the document also says that credits don't expire; the 12 " +
      'months win for this catalog)',
  },
  {
    id: 'WC-03',
    behaviour:
      'variable prices (content generation and regeneration 1-3, strategy analysis 2-5, simple question 0-1, ' +
      'complex analysis 1-3, suggestions 1-2, optimisation 1-2; a single post is flat 1; campaign creation ' +
      'varies: its figures are ours, marked assumed): an estimate shows minimum and maximum, the maximum is ' +
      'reserved, the actual is settled',
  },
  {
    id: 'WC-04',
    behaviour: 'multi-platform content is priced per platform (1-2 each), RSS per item',
  },
  {
    id: 'WC-05',
    behaviour:
      'the listed free operations (viewing, connections, scheduling, publishing, settings, analytics, editing, ' +
      'workspaces) are never charged and never blocked, also at zero',
  },
  { id: 'WC-06', behaviour: 'balance information: current balance, lifetime used, last transaction' },
  {
    id: 'WC-07',
    behaviour:
      'the balance is right at once after each operation, in every process and transport, and subscribers are ' +
      'notified',
  },
  {
    id: 'WC-08',
    behaviour: 'warnings: below 100 (low), at 10 or below (critical), and when an operation would exceed the balance',
  },
  {
    id: 'WC-09',
    behaviour:
      'insufficient credits: a clear message, the operation is not started, a prompt to buy, and the same call ' +
      'can be continued once credits are added',
  },
  {
    id: 'WC-10',
    behaviour:
      'campaign estimate from number of platforms, duration, posting frequency and complexity, with a verdict on ' +
      'whether the balance suffices, asked at the moment of launch',
  },
  {
    id: 'WC-11',
    behaviour:
      "the estimator's ranges agree with the document's typical usage: one platform 1 week 10-20; several " +
      'platforms 2 weeks 30-60; full campaign 1 month 50-150. Inputs fixed as: 1 platform, 1 week, 10 posts a ' +
      'week, standard; 3 platforms, 2 weeks, 5 posts a week each, standard; 5 platforms, 5 weeks (a month), 2 ' +
      'posts a week each, complex. One formula from the catalog (posts x 1-2 credits, complex 1-3) gives all ' +
      'three, no look-up',
  },
  {
    id: 'WC-12',
    behaviour:
      'an estimate that is too dear names what would reduce it (fewer platforms, shorter, lower frequency, ' +
      'cheaper variant, batching) with the saving of each',
  },
  { id: 'WC-13', behaviour: 'transaction history, filtered by operation type, with the largest consumers' },
  {
    id: 'WC-14',
    behaviour: 'alerts at thresholds that an admin sets, delivered as message and webhook, where the plan entitles it',
    deferred: 'the message is there; needs delivery by webhook',
    partly: true,
  },
  {
    id: 'WC-15',
    behaviour:
      'packs Starter 100 $10, Basic 250 $25, Popular 550 $50, Pro 1,100 $100, Max 2,350 $200, with price per ' +
      'credit',
  },
  {
    id: 'WC-16',
    behaviour: 'admins see who consumed, by operation, and the trend',
  },
  {
    id: 'WC-17',
    behaviour:
      'a balance that seems wrong can be explained: history, large consumptions, a purchase still pending, and a ' +
      'check that the ledger adds up',
  },
  {
    id: 'WC-18',
    behaviour:
      'dashboard: balance always visible in the header with quick details; billing page with balance card and ' +
      'history',
    deferred: 'needs the dashboard',
  },
  {
    id: 'ND-01',
    behaviour:
      'all operations at their prices; worked sums: post with 4 translations 88, social post with image 37, ' +
      'landing page with hero image 272, budget clip 40, premium clip 300',
  },
  {
    id: 'ND-02',
    behaviour: 'hard stop at zero: 402 `out_of_credits` for every credit-consuming operation, reads go on; no overage',
  },
  {
    id: 'ND-03',
    behaviour:
      '`tier=premium` video needs Build or higher: 402 `plan_required`, naming the plan; the budget tier is the ' +
      'default',
  },
  { id: 'ND-04', behaviour: 'reads, lightweight writes and forms (newsletter, contact) are free' },
  {
    id: 'ND-05',
    behaviour:
      'media surcharge of a social post (image 32, video 40, always the budget tier) is recorded against the same ' +
      'job as its 5-credit base: 37 and 45. A post to several networks in one call is one charge',
  },
  {
    id: 'ND-06',
    behaviour:
      'plans Free 250, Hobby 5,000 $25, Build 25,000 $119, Scale 100,000 $399, Enterprise custom; price per ' +
      'credit and discount follow; the allowance does not roll over',
  },
  {
    id: 'ND-07',
    behaviour: 'top-ups $20 4,000, $100 20,000, $500 100,000 on any tier; no expiry while the account is active',
  },
  {
    id: 'ND-08',
    behaviour:
      '"what N credits buy": for 250 credits the counts of the document follow from live prices (250 chats, 50 ' +
      'text posts, 7 images, 4 blog posts, 6 budget clips, 1 website)',
  },
  {
    id: 'ND-09',
    behaviour: 'plan entitlements other than credits are readable (the badge on Free)',
  },
  {
    id: 'ND-10',
    behaviour: "`project.credits_low` once 20 % remain of (the period's allowance + the top-ups held at its start)",
  },
  {
    id: 'ND-11',
    behaviour: "charges carry the caller's labels (`customer_id`, …); CSV export grouped by a label",
  },
  {
    id: 'ND-12',
    behaviour:
      'keys per environment: production keys have all scopes, preview keys `content:*` only and a hard budget of ' +
      'their own (environment preview, window total, raised only by top-ups addressed to it); the wallet stays ' +
      'one',
  },
  {
    id: 'ND-13',
    behaviour:
      'a price increase takes effect no sooner than 30 days after it is announced; a decrease may at once; ' +
      'announced changes are listed with their dates, and sent to subscribers as event and message when ' +
      'announced; each charge names the price version that it used',
    deferred: 'the message is there; needs delivery as an event',
    partly: true,
  },
  {
    id: 'ND-14',
    behaviour:
      'an async job reserves when queued; a balance too low is refused at that moment with nothing started; a ' +
      "failure on the provider's side releases the reservation",
  },
  {
    id: 'ND-15',
    behaviour:
      'top-up refund: within 30 days, at most 25 % of the bundle used, account in good standing: the unused share ' +
      'of the price; an operator decides, the rule only screens; subscription credits never',
  },
  {
    id: 'ND-16',
    behaviour:
      'a job is paid once, however often it is retried: on success or on a definitive failure that the caller ' +
      'caused; provider or platform faults cost nothing (fault is an argument: caller, provider, platform)',
  },
  {
    id: 'ND-17',
    behaviour:
      'webhook deliveries: at most 5 retries with exponential backoff; each delivery attempt that is a retry is ' +
      'charged 0.02 credits where the catalog says so; such a charge never causes another delivery, and at zero ' +
      'the delivery is made and recorded as uncollected',
    deferred: 'needs webhooks',
  },
  {
    id: 'ND-18',
    behaviour: 'rate limits are apart from credits: 429 with `Retry-After`, never for money',
  },
  {
    id: 'ND-19',
    behaviour: 'a master account sees one statement (invoice) over its projects, broken down by project',
  },
  {
    id: 'ND-20',
    behaviour:
      'subscriptions renew on the day of the month of sign-up (the 31st: the last day of shorter months, and the ' +
      '31st again after)',
  },
  {
    id: 'ND-21',
    behaviour:
      'recurring items (storage, domains, connected accounts) are metered hourly (computed from quantity changes, ' +
      "one charge at the end of the calendar month in the account's zone) and paid from allowance, then top-ups, " +
      'then card on file if auto-recharge is on; what nothing can pay is recorded as uncollected with an alert, ' +
      'the balance never goes below zero',
    deferred: 'needs auto-recharge by a card on file',
    partly: true,
  },
  {
    id: 'ND-22',
    behaviour: 'burn order: allowance, then top-ups; auto-recharge only if opted in',
    deferred: 'needs auto-recharge',
    partly: true,
  },
  {
    id: 'SK-01',
    behaviour: 'plans Starter 100,000, Pro 150,000, Agency 150,000 a month',
  },
  { id: 'SK-02', behaviour: 'a transcription costs 1 credit however long it is' },
  {
    id: 'SK-03',
    behaviour:
      'credits are granted at sign-up (trial, amount set in the catalog), at purchase of a subscription and at ' +
      'each renewal',
  },
  {
    id: 'SK-04',
    behaviour: 'renewal adds to the balance; nothing expires while the account is active',
  },
  {
    id: 'SK-05',
    behaviour:
      'at zero the operation is blocked with the catalog\'s words "Insufficient credits"; other features go on',
  },
  {
    id: 'SK-06',
    behaviour:
      'plan change: the balance carries over, the new allowance starts at the next renewal. From no paid plan to ' +
      'a paid one is a purchase and grants at once; a plan bought again within a period that has had its grant ' +
      'grants nothing more',
  },
  {
    id: 'SK-07',
    behaviour: 'no purchases: asking to buy says so, with the ways out (renewal date, higher plan)',
  },
  { id: 'SK-08', behaviour: 'account overview shows the remaining credits', deferred: 'needs the dashboard' },
  {
    id: 'SF-01',
    behaviour: '1 credit = 1 USD; packs $10, $25, $50, $100; no subscription, no billing period',
  },
  {
    id: 'SF-02',
    behaviour: 'new accounts get free credits (amount set in the catalog)',
  },
  {
    id: 'SF-03',
    behaviour:
      "text and image actions are billed at the provider's actual token cost (input, output and cached tokens at " +
      'a rate per million), exact to a millionth of a credit',
  },
  {
    id: 'SF-04',
    behaviour: 'video per second of output: 0.10, 0.13, 0.15; 30 s talking head = 3.00',
  },
  {
    id: 'SF-05',
    behaviour:
      'trend discovery costs 0.02 to 0.15: estimate as a range, settled at actual cost (the range is typical, not ' +
      'a limit: above it the overrun policy decides)',
  },
  {
    id: 'SF-06',
    behaviour:
      'usage summary by day, week and month, by feature, platform and automation; scoped to one persona or to ' +
      'all; one selection governs summary and history',
  },
  {
    id: 'SF-07',
    behaviour: 'usage history is a full audit trail of every credit transaction, scoped likewise',
  },
  {
    id: 'SF-08',
    behaviour: 'wallet and lifetime spend are global, whatever the scope',
  },
  {
    id: 'SF-09',
    behaviour:
      'burn alert: a message once usage reaches the threshold; the threshold can be changed at any time (calendar ' +
      "month in the account's zone; re-armed by a change)",
  },
  { id: 'SF-10', behaviour: 'monthly budget cap: a hard limit' },
  { id: 'SF-11', behaviour: 'self-service top-up is hidden until an admin enables it' },
  {
    id: 'SF-12',
    behaviour: 'payment history and management of payment methods, hidden while top-up is disabled',
    deferred: 'needs payment methods and the dashboard',
    partly: true,
  },
  {
    id: 'SF-13',
    behaviour:
      "people sign in to the dashboard with a password (memory-hard hash); change of one's own: current password " +
      'plus a new one of 8 or more characters with upper case, lower case and digit',
    deferred: 'needs the dashboard',
  },
  {
    id: 'SF-14',
    behaviour: 'a time zone preference governs every day, week and month shown or counted',
  },
  {
    id: 'SF-15',
    behaviour: 'purchased credits do not expire; unused credits can be refunded by an operator',
  },
  {
    id: 'AX-01',
    behaviour:
      'binding quote: `quote_id`, maximum charge and expiry; a charge under a quote never exceeds it, a stale or ' +
      'mismatched quote is refused before work starts, a price change in between does not touch it',
  },
  {
    id: 'AX-02',
    behaviour: 'a list of calls is quoted and reserved as one plan and spent down call by call',
  },
  {
    id: 'AX-03',
    behaviour:
      'delegation: a key carves out a child key with an amount, an expiry, allowed operations and a depth limit; ' +
      'a child can never spend more than any ancestor allows; revoking a parent revokes its children; what is ' +
      'unspent needs no return',
  },
  {
    id: 'AX-04',
    behaviour:
      'approval: above a threshold a human confirms (elicitation where the client can, CLI or dashboard ' +
      'otherwise), nothing is spent before, silence is refusal; tool permission is never spend consent',
  },
  {
    id: 'AX-05',
    behaviour: 'a blocked call can be resumed after top-up or approval and runs once',
  },
  {
    id: 'AX-06',
    behaviour:
      'admission: work that was admitted under a reservation finishes, also if the balance reaches zero meanwhile',
  },
  { id: 'AX-07', behaviour: '`what can I afford`: units per operation and variant for the balance, or for N credits' },
  {
    id: 'AX-08',
    behaviour: 'cheapest capable variant, announced, never silent',
  },
  {
    id: 'AX-09',
    behaviour:
      'budget pressure (`ok`, `low`, `critical`, `exhausted`) with remaining and reset time on every metered ' +
      'result, in text that a model sees once it is not `ok`',
  },
  {
    id: 'AX-10',
    behaviour:
      'any charge can be explained: quote, reservation, attempts, price version, sums, grants that paid, budgets ' +
      'it counted against, refund',
  },
  {
    id: 'AX-11',
    behaviour:
      'the outcome of a call whose answer was lost can be asked by idempotency key: charged, not charged, in ' +
      'progress',
  },
  {
    id: 'AX-12',
    behaviour:
      'a retry that carries the same key is one charge; descriptions tell the model to reuse its key when it ' +
      'retries; a call without a key is a charge of its own and says so',
  },
  {
    id: 'AX-13',
    behaviour: 'cost reported by an upstream server is taken when the catalog trusts it, up to a cap',
  },
  {
    id: 'AX-14',
    behaviour:
      "a tool without a price is refused with a message that shows the line to add (or charged the catalog's " +
      'default where it has one): never free by accident',
  },
  {
    id: 'AX-15',
    behaviour:
      'runaway guard: N identical calls, or a burn rate over a limit, are stopped with the amount saved stated',
  },
  {
    id: 'AX-16',
    behaviour: 'an agent can ask for more budget, never grant it',
  },
  {
    id: 'AX-17',
    behaviour: 'one pool, one rule set and one error body over MCP stdio, MCP HTTP, REST, CLI, library and proxy',
  },
  {
    id: 'AX-18',
    behaviour: "a reservation lives as long as its job: heartbeat extends it, a dead process's reservation is released",
  },
  {
    id: 'AX-19',
    behaviour: 'balance and usage card inside the chat client (MCP App)',
    deferred: 'needs the card for chat clients',
  },
  { id: 'AX-20', behaviour: 'price changes are readable by agents (`since`)' },
  {
    id: 'AX-21',
    behaviour:
      "tamper evidence: each account's transactions form a hash chain; `doctor` proves it, and a row changed or " +
      'deleted without recomputing the chain is found and named; a rewrite or cut before a head printed earlier ' +
      'is found from that head',
  },
  {
    id: 'AX-22',
    behaviour: 'what-if: a draft catalog is replayed over real history, with the difference per operation and account',
  },
  {
    id: 'AX-23',
    behaviour: 'forecast: burn rate and the date the balance reaches zero',
  },
  {
    id: 'AX-24',
    behaviour:
      'test clock: an account whose time is advanced by hand, so that a year of renewals, expiries and alerts is ' +
      'tried in seconds',
  },
  {
    id: 'AX-25',
    behaviour: 'a stop switch: one command or button stops all spending of an account at once, and another resumes it',
  },
  {
    id: 'AX-26',
    behaviour:
      'a catalog for any MCP server is written from its tools by one command, and its client configuration ' +
      'wrapped by another',
  },
]
