/** What people write who mean the address of a database. Taken for the names of files, they would be repeated by messages. */
export const MISWRITTEN: readonly string[] = [
  '"postgres://u:hidden@h/d"',
  "'postgresql://u:hidden@h/d'",
  ' postgres://u:hidden@h/d',
  'postgres//u:hidden@h/d',
  'postgres;//u:hidden@h/d',
  '//u:hidden@h/d',
  'DATABASE_URL=postgres://u:hidden@h/d',
  'jdbc:postgresql://h/d?user=u&password=hidden',
  '"postgres:u:hidden@h/d"',
  'host=h user=u password=hidden dbname=d',
]
