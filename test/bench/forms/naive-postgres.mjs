import { ACCOUNTS, formOf } from './form.mjs'

export const INTERACTIVE = 'interactive'
export const SINGLE_UPDATE = 'single update'
export const PLPGSQL = 'plpgsql debit'

const SCHEMA = `
create table naive_balance (id int primary key, credits int8 not null);
insert into naive_balance select id, 1000000000 from generate_series(0, ${ACCOUNTS - 1}) as id;
create table naive_debit (
  id int8 generated always as identity primary key,
  account int not null,
  amount int8 not null,
  balance_after int8 not null
);
create function naive_debit(the_account int, the_amount int8) returns int8 language plpgsql as $$
declare
  balance int8;
begin
  update naive_balance set credits = credits - the_amount where id = the_account and credits >= the_amount returning credits into balance;
  if balance is null then
    raise exception 'out of credits';
  end if;
  insert into naive_debit (account, amount, balance_after) values (the_account, the_amount, balance);
  return balance;
end
$$;`
const GUARDED_UPDATE = 'update naive_balance set credits = credits - 1 where id = $1 and credits >= 1'
const HISTORY = 'insert into naive_debit (account, amount, balance_after) values ($1, 1, $2)'

/**
 * What one writes first: a transaction of five statements sent one by one, a single guarded update that keeps no history,
 * and a function that does update and history in one round trip, called once a charge.
 *
 * @param {import('pg').Pool} pool
 */
export async function naiveForms(pool) {
  await pool.query(SCHEMA)
  const nothing = () => undefined
  return [
    formOf(INTERACTIVE, (account) => interactive(pool, account), nothing),
    formOf(SINGLE_UPDATE, (account) => pool.query(statement('guarded-update', GUARDED_UPDATE, account)), nothing),
    formOf(PLPGSQL, (account) => pool.query(statement('debit', 'select naive_debit($1, 1)', account)), nothing),
  ]
}

/**
 * @param {import('pg').Pool} pool
 * @param {number} account
 */
async function interactive(pool, account) {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query(statement('balance', 'select credits from naive_balance where id = $1 for update', account))
    if (Number(rows[0].credits) < 1) throw new Error('out of credits')
    await client.query(statement('update', 'update naive_balance set credits = credits - 1 where id = $1', account))
    await client.query(statement('history', HISTORY, account, rows[0].credits - 1))
    await client.query('commit')
  } finally {
    client.release()
  }
}

/** A statement that each connection prepares once. @param {string} name @param {string} text @param {unknown[]} values */
function statement(name, text, ...values) {
  return { name, text, values }
}
