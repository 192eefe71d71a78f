import { type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import { type Client, DatabaseError, type Pool, type PoolClient } from 'pg'

/** Texts that one process prepares. The statements of the code are fewer; lists of any length make more texts. */
const mostTexts = 300
const featureNotSupported = '0A000'

/** Stands in the text of a statement whose best plan depends on its values: it is planned for them each time. */
export const plannedEachTime = sql.raw('/* planned each time */')
const isPlannedEachTime = (text: string): boolean => text.includes('/* planned each time */')

/**
 * The pool as Kysely uses it, with statements that each connection prepares once: PostgreSQL parses and plans a text
 * when it first meets it and not again, which is most of what a short statement costs there. A statement that is not
 * answered within `answerWithinMs` fails, and its connection is ended: nobody knows what becomes of it.
 */
export function preparing(pool: Pool, answerWithinMs: number | null): PostgresPool {
  const names = new Map<string, string>()
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text)
    if (known !== undefined || names.size >= mostTexts || isPlannedEachTime(text)) return known
    const name = `s${names.size}`
    names.set(text, name)
    return name
  }
  const clients = new WeakMap<PoolClient, PostgresPoolClient>()
  return {
    connect: async () => {
      const client = await pool.connect()
      const known = clients.get(client) ?? preparingClient(client, nameOf, answerWithinMs)
      clients.set(client, known)
      return known
    },
    end: () => pool.end(),
    options: pool.options,
  }
}

function preparingClient(
  client: PoolClient,
  nameOf: (text: string) => string | undefined,
  answerWithinMs: number | null,
): PostgresPoolClient {
  let stale = false
  const query = async (text: string, values: readonly unknown[]) => {
    const name = values.length > 0 ? nameOf(text) : undefined
    const limit = answerWithinMs === null ? undefined : setTimeout(() => giveUp(client), answerWithinMs)
    try {
      return await client.query({ ...(name === undefined ? {} : { name }), text, values: [...values] })
    } catch (error) {
      // A migration has changed what a prepared statement answers: this connection never gets over it.
      if (error instanceof DatabaseError && error.code === featureNotSupported) stale = true
      throw error
    } finally {
      clearTimeout(limit)
    }
  }
  // Cursors, the other form of `query`, are not used here.
  return { query, release: () => client.release(stale) } as unknown as PostgresPoolClient
}

/** Ends a connection with a statement under way, which then fails. What the pool hands out is a whole client. */
function giveUp(client: PoolClient): void {
  ;(client as unknown as Client).end().catch(() => undefined)
}
