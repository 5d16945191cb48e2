create table accounts (
  id text collate "C" not null,
  state text not null,
  parent text collate "C",
  time_zone text not null,
  is_test bigint not null,
  debt_max bigint not null,
  label_salt text not null,
  created_at bigint not null,
  last_at bigint not null,
  sequence bigint not null,
  head bytea not null,
  issued bigint not null,
  available bigint not null,
  reserved bigint not null,
  spent bigint not null,
  expired bigint not null,
  revoked bigint not null,
  uncollected bigint not null,
  debt bigint not null,
  open_grants bigint not null,
  open_reservations bigint not null,
  next_due_at bigint not null,
  plan text,
  plan_anchor_at bigint,
  period bigint,
  period_start bigint,
  period_end bigint,
  period_base bigint,
  next_plan text,
  rules bigint not null,
  pending bigint not null,
  fired text not null,
  clock_ahead_ms bigint not null,
  items_due_at bigint not null,
  plan_changed_by bigint not null,
  revision bigint not null,
  constraint accounts_available_check CHECK (available >= '-2000000000000000'::bigint AND available <= '2000000000000000'::bigint),
  constraint accounts_check CHECK (last_at >= created_at),
  constraint accounts_check1 CHECK (debt >= 0 AND debt <= debt_max),
  constraint accounts_check2 CHECK ((issued + available + reserved + spent + expired + revoked + uncollected) = 0),
  constraint accounts_check3 CHECK (available >= (- debt)),
  constraint accounts_check4 CHECK ((plan IS NULL) = (period_end IS NULL)),
  constraint accounts_check5 CHECK (next_plan IS NULL OR plan IS NOT NULL),
  constraint accounts_check6 CHECK (clock_ahead_ms = 0 OR is_test = 1),
  constraint accounts_clock_ahead_ms_check CHECK (clock_ahead_ms >= 0),
  constraint accounts_debt_max_check CHECK (debt_max >= 0 AND debt_max <= '2000000000000000'::bigint),
  constraint accounts_expired_check CHECK (expired >= 0 AND expired <= '2000000000000000'::bigint),
  constraint accounts_head_check CHECK (length(head) = 32),
  constraint accounts_is_test_check CHECK (is_test = ANY (ARRAY[0::bigint, 1::bigint])),
  constraint accounts_issued_check CHECK (issued >= '-4000000000000000'::bigint AND issued <= 0),
  constraint accounts_open_grants_check CHECK (open_grants >= 0),
  constraint accounts_open_reservations_check CHECK (open_reservations >= 0),
  constraint accounts_parent_fkey FOREIGN KEY (parent) REFERENCES accounts(id),
  constraint accounts_pending_check CHECK (pending >= 0 AND pending <= '2000000000000000'::bigint),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_plan_changed_by_check CHECK (plan_changed_by >= 0),
  constraint accounts_reserved_check CHECK (reserved >= 0 AND reserved <= '2000000000000000'::bigint),
  constraint accounts_revision_check CHECK (revision >= 0),
  constraint accounts_revoked_check CHECK (revoked >= 0 AND revoked <= '2000000000000000'::bigint),
  constraint accounts_rules_check CHECK (rules >= 0),
  constraint accounts_sequence_check CHECK (sequence >= 0),
  constraint accounts_spent_check CHECK (spent >= 0 AND spent <= '2000000000000000'::bigint),
  constraint accounts_state_check CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text, 'closed'::text])),
  constraint accounts_uncollected_check CHECK (uncollected >= 0 AND uncollected <= '2000000000000000'::bigint)
);

create table catalogs (
  version bigint not null,
  effective_at bigint not null,
  created_at bigint not null,
  document text not null,
  constraint catalogs_pkey PRIMARY KEY (version),
  constraint catalogs_version_check CHECK (version > 0)
);

create table counters (
  account text collate "C" not null,
  budget text collate "C" not null,
  subject text collate "C" not null,
  origin bigint not null,
  window_start bigint not null,
  window_end bigint not null,
  used bigint not null,
  reserved bigint not null,
  fired_percent bigint not null,
  slices text not null,
  constraint counters_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint counters_check CHECK (window_end > window_start),
  constraint counters_fired_percent_check CHECK (fired_percent >= 0),
  constraint counters_pkey PRIMARY KEY (account, budget, subject),
  constraint counters_reserved_check CHECK (reserved >= 0 AND reserved <= '9007199254740991'::bigint),
  constraint counters_used_check CHECK (used >= 0 AND used <= '9007199254740991'::bigint)
);

create table grants (
  account text collate "C" not null,
  sequence bigint not null,
  id text not null,
  source text not null,
  priority bigint not null,
  is_paid bigint not null,
  amount bigint not null,
  remaining bigint not null,
  state text not null,
  is_open bigint not null,
  effective_at bigint not null,
  expires_at bigint not null,
  ends_with_plan bigint not null,
  constraint grants_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint grants_amount_check CHECK (amount > 0),
  constraint grants_check CHECK (remaining >= 0 AND remaining <= amount),
  constraint grants_check1 CHECK (expires_at > effective_at),
  constraint grants_check2 CHECK (state = 'effective'::text OR remaining = 0),
  constraint grants_check3 CHECK (is_open =
CASE
    WHEN state = 'effective'::text AND remaining > 0 THEN 1
    ELSE 0
END),
  constraint grants_ends_with_plan_check CHECK (ends_with_plan = ANY (ARRAY[0::bigint, 1::bigint])),
  constraint grants_is_paid_check CHECK (is_paid = ANY (ARRAY[0::bigint, 1::bigint])),
  constraint grants_pkey PRIMARY KEY (account, sequence),
  constraint grants_priority_check CHECK (priority >= 0 AND priority <= 100),
  constraint grants_state_check CHECK (state = ANY (ARRAY['scheduled'::text, 'effective'::text]))
);

create table records (
  account text collate "C" not null,
  kind text collate "C" not null,
  id text collate "C" not null,
  sequence bigint not null,
  is_open bigint not null,
  lookup text collate "C",
  document text not null,
  constraint records_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint records_is_open_check CHECK (is_open = ANY (ARRAY[0::bigint, 1::bigint])),
  constraint records_kind_check CHECK (kind = ANY (ARRAY['budget'::text, 'alert'::text, 'message'::text, 'member'::text, 'key'::text, 'purchase'::text, 'item'::text, 'trial'::text, 'setting'::text, 'quote'::text, 'approval'::text, 'guard'::text, 'streak'::text])),
  constraint records_pkey PRIMARY KEY (account, kind, id),
  constraint records_sequence_check CHECK (sequence >= 0)
);

create table reservations (
  account text collate "C" not null,
  sequence bigint not null,
  id text not null,
  state text not null,
  holder text not null,
  key text,
  member text,
  run text,
  amount bigint not null,
  pins text not null,
  overrun text not null,
  opened_at bigint not null,
  expires_at bigint not null,
  price text not null,
  price_version bigint not null,
  operation text not null,
  variant text,
  tool text,
  labels text,
  call_key text collate "C",
  call_fingerprint text,
  ended_by bigint,
  constraint reservations_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint reservations_amount_check CHECK (amount >= 0),
  constraint reservations_check CHECK (expires_at > opened_at),
  constraint reservations_check1 CHECK ((state = 'open'::text) = (ended_by IS NULL)),
  constraint reservations_holder_check CHECK (holder = ANY (ARRAY['meter'::text, 'agent'::text, 'operator'::text])),
  constraint reservations_overrun_check CHECK (overrun = ANY (ARRAY['cap'::text, 'reject'::text, 'debt'::text, 'quoted'::text])),
  constraint reservations_pkey PRIMARY KEY (account, sequence),
  constraint reservations_state_check CHECK (state = ANY (ARRAY['open'::text, 'settled'::text, 'released'::text, 'expired'::text]))
);

create table schema_version (
  number bigint not null,
  constraint schema_version_pkey PRIMARY KEY (number)
);

create table transactions (
  account text collate "C" not null,
  sequence bigint not null,
  kind text not null,
  at bigint not null,
  credits bigint not null,
  balance_after bigint not null,
  operation text,
  variant text,
  quantity double precision,
  tool text,
  key text,
  member text,
  labels text,
  labels_digest text,
  idempotency_key text collate "C",
  fingerprint text,
  refers_to bigint,
  price_version bigint,
  detail text not null,
  entries text not null,
  hash bytea not null,
  constraint transactions_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint transactions_check CHECK (credits >= 0 OR kind = 'adjust'::text),
  constraint transactions_hash_check CHECK (length(hash) = 32),
  constraint transactions_kind_check CHECK (kind = ANY (ARRAY['grant'::text, 'charge'::text, 'reserve'::text, 'settle'::text, 'release'::text, 'refund'::text, 'revoke'::text, 'expire'::text, 'transfer'::text, 'adjust'::text, 'amend'::text])),
  constraint transactions_pkey PRIMARY KEY (account, sequence),
  constraint transactions_sequence_check CHECK (sequence > 0)
);

create table usage_marks (
  account text collate "C" not null,
  sequence bigint not null,
  constraint usage_marks_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint usage_marks_pkey PRIMARY KEY (account),
  constraint usage_marks_sequence_check CHECK (sequence >= 0)
);

create table usage_rollups (
  account text collate "C" not null,
  dimension text collate "C" not null,
  grain bigint not null,
  begin bigint not null,
  key_digest bytea not null,
  key text collate "C" not null,
  calls bigint not null,
  credits bigint not null,
  constraint usage_rollups_account_fkey FOREIGN KEY (account) REFERENCES accounts(id),
  constraint usage_rollups_calls_check CHECK (calls >= 0),
  constraint usage_rollups_check CHECK (begin >= 0 AND (begin % grain) = 0),
  constraint usage_rollups_credits_check CHECK (credits >= '-2000000000000000'::bigint AND credits <= '2000000000000000'::bigint),
  constraint usage_rollups_grain_check CHECK (grain = ANY (ARRAY[1::bigint, 96::bigint])),
  constraint usage_rollups_key_check CHECK (key = ''::text OR key ~~ '=%'::text),
  constraint usage_rollups_key_digest_check CHECK (length(key_digest) = 32),
  constraint usage_rollups_pkey PRIMARY KEY (account, dimension, grain, begin, key_digest)
);

CREATE INDEX accounts_by_parent ON accounts USING btree (parent, id) WHERE (parent IS NOT NULL);
CREATE INDEX accounts_due ON accounts USING btree (next_due_at, id);
CREATE UNIQUE INDEX accounts_pkey ON accounts USING btree (id);
CREATE UNIQUE INDEX catalogs_pkey ON catalogs USING btree (version);
CREATE UNIQUE INDEX counters_pkey ON counters USING btree (account, budget, subject);
CREATE INDEX grants_by_expiry ON grants USING btree (account, expires_at, sequence) WHERE (is_open = 1);
CREATE INDEX grants_in_burn_order ON grants USING btree (account, priority, expires_at, is_paid, sequence) WHERE (is_open = 1);
CREATE UNIQUE INDEX grants_pkey ON grants USING btree (account, sequence);
CREATE INDEX grants_scheduled ON grants USING btree (account, effective_at, sequence) WHERE (state = 'scheduled'::text);
CREATE INDEX records_by_age ON records USING btree (account, kind, sequence, id);
CREATE UNIQUE INDEX records_by_lookup ON records USING btree (lookup) WHERE (lookup IS NOT NULL);
CREATE INDEX records_open ON records USING btree (account, kind, sequence, id) WHERE (is_open = 1);
CREATE UNIQUE INDEX records_pkey ON records USING btree (account, kind, id);
CREATE INDEX reservations_open ON reservations USING btree (account, expires_at, sequence) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX reservations_open_calls ON reservations USING btree (account, call_key) WHERE ((state = 'open'::text) AND (call_key IS NOT NULL));
CREATE UNIQUE INDEX reservations_pkey ON reservations USING btree (account, sequence);
CREATE UNIQUE INDEX schema_version_pkey ON schema_version USING btree (number);
CREATE UNIQUE INDEX transactions_by_key ON transactions USING btree (account, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE UNIQUE INDEX transactions_pkey ON transactions USING btree (account, sequence);
CREATE INDEX transactions_refunds ON transactions USING btree (account, refers_to, sequence) WHERE (kind = 'refund'::text);
CREATE UNIQUE INDEX usage_marks_pkey ON usage_marks USING btree (account);
CREATE UNIQUE INDEX usage_rollups_pkey ON usage_rollups USING btree (account, dimension, grain, begin, key_digest);

create view entries as
 SELECT t.account,
    t.sequence,
    (e."position" - 1) AS line,
    (e.entry ->> 0) AS book,
    ((e.entry ->> 1))::bigint AS grant_sequence,
    ((e.entry ->> 2))::bigint AS amount,
    ((e.entry ->> 3))::bigint AS balance_after
   FROM transactions t,
    LATERAL json_array_elements((t.entries)::json) WITH ORDINALITY e(entry, "position");

insert into schema_version values (1);

insert into schema_version values (2);
