import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
// Declares the name under which the server is found.
import type {} from './postgres-server.js'

export interface TestDatabase {
  readonly url: string
  /** Removes the database, also from under connections that a test left open. */
  drop(): Promise<void>
}

/** A fresh, empty database on the PostgreSQL server of this test run; one a test file is the usual number. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await serverUrl()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(server, `create database ${name} template template0`)
  const url = new URL(server)
  url.pathname = name
  return { url: url.href, drop: () => administer(server, `drop database ${name} with (force)`) }
}

async function serverUrl(): Promise<string> {
  const answer = await fetch(inject('postgresDesk'))
  const text = await answer.text()
  if (!answer.ok) throw new Error(`no PostgreSQL server for tests: ${text}`)
  return text
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
