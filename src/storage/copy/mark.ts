/**
 * The table that stands in a database while a ledger is copied to it, with one row: where it comes from, and which run is
 * at it. It is no part of the schema: made with the first row that is copied and dropped after the last one was checked.
 */
export const MARK = 'unfinished_copy'

export const MARK_SCHEMA = `create table ${MARK} (source text not null, writer text not null)`
