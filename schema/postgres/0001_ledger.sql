-- The ledger: accounts, their grants, reservations, records and counters, and the journal of transactions. Amounts are
-- micro-credits, instants are epoch milliseconds, 8640000000000000 is "never". Every table is keyed by account first.
-- Names sort by their bytes, as everywhere else. JSON is text: the bytes that were hashed are the bytes that are kept.

create table accounts (
  id text collate "C" primary key,
  state text not null check (state in ('active', 'suspended', 'closed')),
  parent text collate "C" references accounts (id),
  time_zone text not null,
  is_test int8 not null check (is_test in (0, 1)),
  debt_max int8 not null check (debt_max between 0 and 2000000000000000),
  label_salt text not null,
  created_at int8 not null,
  last_at int8 not null check (last_at >= created_at),
  sequence int8 not null check (sequence >= 0),
  head bytea not null check (length(head) = 32),
  issued int8 not null check (issued between -4000000000000000 and 0),
  available int8 not null check (available between -2000000000000000 and 2000000000000000),
  reserved int8 not null check (reserved between 0 and 2000000000000000),
  spent int8 not null check (spent between 0 and 2000000000000000),
  expired int8 not null check (expired between 0 and 2000000000000000),
  revoked int8 not null check (revoked between 0 and 2000000000000000),
  uncollected int8 not null check (uncollected between 0 and 2000000000000000),
  debt int8 not null check (debt between 0 and debt_max),
  open_grants int8 not null check (open_grants >= 0),
  open_reservations int8 not null check (open_reservations >= 0),
  next_due_at int8 not null,
  plan text,
  plan_anchor_at int8,
  period int8,
  period_start int8,
  period_end int8,
  period_base int8,
  next_plan text,
  rules int8 not null check (rules >= 0),
  pending int8 not null check (pending between 0 and 2000000000000000),
  fired text not null,
  clock_ahead_ms int8 not null check (clock_ahead_ms >= 0),
  items_due_at int8 not null,
  plan_changed_by int8 not null check (plan_changed_by >= 0),
  -- Counts the writes of anything of the account: who knows the account as of a revision knows it while that stands.
  revision int8 not null default 0 check (revision >= 0),
  check (issued + available + reserved + spent + expired + revoked + uncollected = 0),
  check (available >= -debt),
  check ((plan is null) = (period_end is null)),
  check (next_plan is null or plan is not null),
  check (clock_ahead_ms = 0 or is_test = 1)
);

create index accounts_due on accounts (next_due_at, id);
create index accounts_by_parent on accounts (parent, id) where parent is not null;

create table grants (
  account text collate "C" not null references accounts (id),
  sequence int8 not null,
  id text not null,
  source text not null,
  priority int8 not null check (priority between 0 and 100),
  is_paid int8 not null check (is_paid in (0, 1)),
  amount int8 not null check (amount > 0),
  remaining int8 not null check (remaining between 0 and amount),
  state text not null check (state in ('scheduled', 'effective')),
  is_open int8 not null,
  effective_at int8 not null,
  expires_at int8 not null check (expires_at > effective_at),
  ends_with_plan int8 not null check (ends_with_plan in (0, 1)),
  primary key (account, sequence),
  check (state = 'effective' or remaining = 0),
  check (is_open = case when state = 'effective' and remaining > 0 then 1 else 0 end)
);

create index grants_in_burn_order on grants (account, priority, expires_at, is_paid, sequence)
  where is_open = 1;
create index grants_by_expiry on grants (account, expires_at, sequence)
  where is_open = 1;
create index grants_scheduled on grants (account, effective_at, sequence)
  where state = 'scheduled';

create table reservations (
  account text collate "C" not null references accounts (id),
  sequence int8 not null,
  id text not null,
  state text not null check (state in ('open', 'settled', 'released', 'expired')),
  holder text not null check (holder in ('meter', 'agent', 'operator')),
  key text,
  member text,
  run text,
  amount int8 not null check (amount >= 0),
  pins text not null,
  overrun text not null check (overrun in ('cap', 'reject', 'debt', 'quoted')),
  opened_at int8 not null,
  expires_at int8 not null check (expires_at > opened_at),
  price text not null,
  price_version int8 not null,
  operation text not null,
  variant text,
  tool text,
  labels text,
  call_key text collate "C",
  call_fingerprint text,
  ended_by int8,
  primary key (account, sequence),
  check ((state = 'open') = (ended_by is null))
);

create index reservations_open on reservations (account, expires_at, sequence) where state = 'open';
create unique index reservations_open_calls on reservations (account, call_key)
  where state = 'open' and call_key is not null;

-- What an account has beside its credits, a document of each kind: budgets, alerts, members, keys and the like.
create table records (
  account text collate "C" not null references accounts (id),
  kind text collate "C" not null check (
    kind in ('budget', 'alert', 'message', 'member', 'key', 'purchase', 'item', 'trial', 'setting', 'quote', 'approval', 'guard', 'streak')
  ),
  id text collate "C" not null,
  sequence int8 not null check (sequence >= 0),
  is_open int8 not null check (is_open in (0, 1)),
  lookup text collate "C",
  document text not null,
  primary key (account, kind, id)
);

create index records_open on records (account, kind, sequence, id) where is_open = 1;
create index records_by_age on records (account, kind, sequence, id);
create unique index records_by_lookup on records (lookup) where lookup is not null;

-- What is counted for one budget and one subject in its running window: in the same write as the charge that counts.
create table counters (
  account text collate "C" not null references accounts (id),
  budget text collate "C" not null,
  subject text collate "C" not null,
  origin int8 not null,
  window_start int8 not null,
  window_end int8 not null check (window_end > window_start),
  used int8 not null check (used between 0 and 9007199254740991),
  reserved int8 not null check (reserved between 0 and 9007199254740991),
  fired_percent int8 not null check (fired_percent >= 0),
  slices text not null,
  primary key (account, budget, subject)
);

create table transactions (
  account text collate "C" not null references accounts (id),
  sequence int8 not null check (sequence > 0),
  kind text not null check (
    kind in ('grant', 'charge', 'reserve', 'settle', 'release', 'refund', 'revoke', 'expire', 'transfer', 'adjust', 'amend')
  ),
  at int8 not null,
  credits int8 not null check (credits >= 0 or kind = 'adjust'),
  balance_after int8 not null,
  operation text,
  variant text,
  quantity float8,
  tool text,
  key text,
  member text,
  labels text,
  labels_digest text,
  idempotency_key text collate "C",
  fingerprint text,
  refers_to int8,
  price_version int8,
  detail text not null,
  entries text not null,
  hash bytea not null check (length(hash) = 32),
  primary key (account, sequence)
);

create unique index transactions_by_key on transactions (account, idempotency_key) where idempotency_key is not null;
create index transactions_refunds on transactions (account, refers_to, sequence) where kind = 'refund';

-- What a row's entries say, one a row, for whoever reads the ledger with SQL.
create view entries as
select
  t.account,
  t.sequence,
  e.position - 1 as line,
  e.entry ->> 0 as book,
  (e.entry ->> 1)::int8 as grant_sequence,
  (e.entry ->> 2)::int8 as amount,
  (e.entry ->> 3)::int8 as balance_after
from transactions as t, json_array_elements(t.entries::json) with ordinality as e (entry, position);

create table catalogs (
  version int8 primary key check (version > 0),
  effective_at int8 not null,
  created_at int8 not null,
  document text not null
);
