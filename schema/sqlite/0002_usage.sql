-- Roll-ups of usage: what was spent by a quarter of an hour and by a UTC day, a second reading of the journal that is
-- never the only one. `usage_marks` tells how far an account's journal is in them; what comes after is read from the
-- journal itself. Both are written together, so that no row counts twice; dropping them loses nothing but time.

create table usage_marks (
  account text primary key references accounts (id),
  sequence integer not null check (sequence >= 0)
) strict, without rowid;

-- `grain` is how many quarters of an hour a row covers and `begin` the first of them, counted since the epoch. `key` is
-- empty for what has none and otherwise the value after '=', so that no value is mistaken for its absence. What is added
-- to a row may be negative: a refund counts in the quarter of its charge.
create table usage_rollups (
  account text not null references accounts (id),
  dimension text not null,
  grain integer not null check (grain in (1, 96)),
  begin integer not null check (begin >= 0 and begin % grain = 0),
  key text not null check (key = '' or key like '=%'),
  calls integer not null check (calls >= 0),
  credits integer not null check (credits between -2000000000000000 and 2000000000000000),
  primary key (account, dimension, grain, begin, key)
) strict, without rowid;
