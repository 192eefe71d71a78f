import type { Client, Pool } from 'pg'

/** Counts the statements that the connections of a pool are given from now on: each is a round trip. */
export function countStatements(pool: Pool): () => number {
  let statements = 0
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    client.query = ((...given: unknown[]) => {
      statements++
      return query(...given)
    }) as Client['query']
  })
  return () => statements
}
