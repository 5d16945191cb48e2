-- Roll-ups of usage: what was spent by a quarter of an hour and by a UTC day, a second reading of the journal that is
-- never the only one. `usage_marks` tells how far an account's journal is in them; what comes after is read from the
-- journal itself. Both are written together, so that no row counts twice; dropping them loses nothing but time.

create table usage_marks (
  account text collate "C" primary key references accounts (id),
  sequence int8 not null check (sequence >= 0)
);

-- `grain` is how many quarters of an hour a row covers and `begin` the first of them, counted since the epoch. `key` is
-- empty for what has none and otherwise the value after '=', so that no value is mistaken for its absence. A key may be
-- longer than an index takes, so its digest stands for it there. What is added to a row may be negative: a refund counts
-- in the quarter of its charge.
create table usage_rollups (
  account text collate "C" not null references accounts (id),
  dimension text collate "C" not null,
  grain int8 not null check (grain in (1, 96)),
  begin int8 not null check (begin >= 0 and begin % grain = 0),
  key_digest bytea not null check (length(key_digest) = 32),
  key text collate "C" not null check (key = '' or key like '=%'),
  calls int8 not null check (calls >= 0),
  credits int8 not null check (credits between -2000000000000000 and 2000000000000000),
  primary key (account, dimension, grain, begin, key_digest)
);
