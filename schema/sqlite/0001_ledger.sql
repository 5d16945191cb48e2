-- The ledger: accounts, their grants, reservations, records and counters, and the journal of transactions. Amounts are
-- micro-credits, instants are epoch milliseconds, 8640000000000000 is "never". Every table is keyed by account first.
--
-- What may stand in a column is said by `or`: of a list behind `in` SQLite makes a table anew for each row that it writes.

create table accounts (
  id text primary key,
  state text not null check (state = 'active' or state = 'suspended' or state = 'closed'),
  parent text references accounts (id),
  time_zone text not null,
  is_test integer not null check (is_test in (0, 1)),
  debt_max integer not null check (debt_max between 0 and 2000000000000000),
  label_salt text not null,
  created_at integer not null,
  last_at integer not null check (last_at >= created_at),
  sequence integer not null check (sequence >= 0),
  head blob not null check (length(head) = 32),
  issued integer not null check (issued between -4000000000000000 and 0),
  available integer not null check (available between -2000000000000000 and 2000000000000000),
  reserved integer not null check (reserved between 0 and 2000000000000000),
  spent integer not null check (spent between 0 and 2000000000000000),
  expired integer not null check (expired between 0 and 2000000000000000),
  revoked integer not null check (revoked between 0 and 2000000000000000),
  uncollected integer not null check (uncollected between 0 and 2000000000000000),
  debt integer not null check (debt between 0 and debt_max),
  open_grants integer not null check (open_grants >= 0),
  open_reservations integer not null check (open_reservations >= 0),
  next_due_at integer not null,
  plan text,
  plan_anchor_at integer,
  period integer,
  period_start integer,
  period_end integer,
  period_base integer,
  next_plan text,
  rules integer not null check (rules >= 0),
  pending integer not null check (pending between 0 and 2000000000000000),
  fired text not null,
  clock_ahead_ms integer not null check (clock_ahead_ms >= 0),
  items_due_at integer not null,
  plan_changed_by integer not null check (plan_changed_by >= 0),
  check (issued + available + reserved + spent + expired + revoked + uncollected = 0),
  check (available >= -debt),
  check ((plan is null) = (period_end is null)),
  check (next_plan is null or plan is not null),
  check (clock_ahead_ms = 0 or is_test = 1)
) strict, without rowid;

create index accounts_due on accounts (next_due_at, id);
create index accounts_by_parent on accounts (parent, id) where parent is not null;

create table grants (
  account text not null references accounts (id),
  sequence integer not null,
  id text not null,
  source text not null,
  priority integer not null check (priority between 0 and 100),
  is_paid integer not null check (is_paid in (0, 1)),
  amount integer not null check (amount > 0),
  remaining integer not null check (remaining between 0 and amount),
  state text not null check (state in ('scheduled', 'effective')),
  is_open integer not null,
  effective_at integer not null,
  expires_at integer not null check (expires_at > effective_at),
  ends_with_plan integer not null check (ends_with_plan in (0, 1)),
  primary key (account, sequence),
  check (state = 'effective' or remaining = 0),
  check (is_open = (state = 'effective' and remaining > 0))
) strict, without rowid;

create index grants_in_burn_order on grants (account, priority, expires_at, is_paid, sequence)
  where is_open = 1;
create index grants_by_expiry on grants (account, expires_at)
  where is_open = 1;
create index grants_scheduled on grants (account, effective_at)
  where state = 'scheduled';

create table reservations (
  account text not null references accounts (id),
  sequence integer not null,
  id text not null,
  state text not null check (state = 'open' or state = 'settled' or state = 'released' or state = 'expired'),
  holder text not null check (holder = 'meter' or holder = 'agent' or holder = 'operator'),
  key text,
  member text,
  run text,
  amount integer not null check (amount >= 0),
  pins text not null,
  overrun text not null check (overrun = 'cap' or overrun = 'reject' or overrun = 'debt' or overrun = 'quoted'),
  opened_at integer not null,
  expires_at integer not null check (expires_at > opened_at),
  price text not null,
  price_version integer not null,
  operation text not null,
  variant text,
  tool text,
  labels text,
  call_key text,
  call_fingerprint text,
  ended_by integer,
  primary key (account, sequence),
  check ((state = 'open') = (ended_by is null))
) strict, without rowid;

create index reservations_open on reservations (account, expires_at) where state = 'open';
create unique index reservations_open_calls on reservations (account, call_key)
  where state = 'open' and call_key is not null;

-- What an account has beside its credits, a document of each kind: budgets, alerts, members, keys and the like.
create table records (
  account text not null references accounts (id),
  kind text not null check (
    kind = 'budget' or kind = 'alert' or kind = 'message' or kind = 'member' or kind = 'key' or kind = 'purchase' or kind = 'item'
    or kind = 'trial' or kind = 'setting' or kind = 'quote' or kind = 'approval' or kind = 'guard' or kind = 'streak'
  ),
  id text not null,
  sequence integer not null check (sequence >= 0),
  is_open integer not null check (is_open in (0, 1)),
  lookup text,
  document text not null,
  primary key (account, kind, id)
) strict, without rowid;

create index records_open on records (account, kind, sequence, id) where is_open = 1;
create index records_by_age on records (account, kind, sequence, id);
create unique index records_by_lookup on records (lookup) where lookup is not null;

-- What is counted for one budget and one subject in its running window: in the same write as the charge that counts.
create table counters (
  account text not null references accounts (id),
  budget text not null,
  subject text not null,
  origin integer not null,
  window_start integer not null,
  window_end integer not null check (window_end > window_start),
  used integer not null check (used between 0 and 9007199254740991),
  reserved integer not null check (reserved between 0 and 9007199254740991),
  fired_percent integer not null check (fired_percent >= 0),
  slices text not null,
  primary key (account, budget, subject)
) strict, without rowid;

create table transactions (
  account text not null references accounts (id),
  sequence integer not null check (sequence > 0),
  kind text not null check (
    kind = 'charge' or kind = 'settle' or kind = 'reserve' or kind = 'release' or kind = 'amend' or kind = 'grant' or kind = 'refund'
    or kind = 'expire' or kind = 'revoke' or kind = 'transfer' or kind = 'adjust'
  ),
  at integer not null,
  credits integer not null check (credits >= 0 or kind = 'adjust'),
  balance_after integer not null,
  operation text,
  variant text,
  quantity real,
  tool text,
  key text,
  member text,
  labels text,
  labels_digest text,
  idempotency_key text,
  fingerprint text,
  refers_to integer,
  price_version integer,
  detail text not null,
  entries text not null,
  hash blob not null check (length(hash) = 32),
  primary key (account, sequence)
) strict, without rowid;

create unique index transactions_by_key on transactions (account, idempotency_key) where idempotency_key is not null;
create index transactions_refunds on transactions (account, refers_to) where kind = 'refund';

-- What a row's entries say, one a row, for whoever reads the ledger with SQL.
create view entries as
select
  t.account,
  t.sequence,
  e.key as line,
  e.value ->> 0 as book,
  e.value ->> 1 as grant_sequence,
  e.value ->> 2 as amount,
  e.value ->> 3 as balance_after
from transactions as t, json_each(t.entries) as e;

create table catalogs (
  version integer primary key check (version > 0),
  effective_at integer not null,
  created_at integer not null,
  document text not null
) strict;
