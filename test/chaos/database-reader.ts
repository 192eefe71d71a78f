import pg from 'pg'

export type OperationRow = {
  readonly id: string
  readonly kind: string
  readonly release_id: string | null
  readonly parent_id: string | null
  readonly status: string
  readonly code: string | null
  /** From its acceptance to its end. */
  readonly seconds: number | null
  readonly ended_at: Date | null
}
export type ReleaseRow = {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly status: string
  readonly chart_version: string
  readonly revision: number
  readonly pending_by: string | null
  readonly seq: string
}
export type EventRow = {
  readonly subject_kind: string
  readonly subject_id: string
  readonly seq: string
  readonly type: string
  readonly operation: string | null
}

/** Reads what the database says, with statements of its own. Each call opens a connection: the server may have died. */
export class DatabaseReader {
  private readonly url: string

  constructor(url: string) {
    this.url = url
  }

  operations(): Promise<readonly OperationRow[]> {
    return this.rows(`select id, kind, release_id, parent_id, status, error->>'code' as code,
        extract(epoch from ended_at - created_at)::float as seconds, ended_at
      from operations order by created_at, id`)
  }

  /** The open operations on releases, with a number that moves when one is decided about. */
  openVersions(): Promise<readonly { readonly id: string; readonly version: number }[]> {
    return this.rows(`select o.id, r.version from operations o join releases r on r.id = o.release_id
      where o.ended_at is null`)
  }

  releases(): Promise<readonly ReleaseRow[]> {
    return this.rows(`select id, namespace, name, status, chart_version, revision, pending_by, seq from releases`)
  }

  events(): Promise<readonly EventRow[]> {
    return this.rows(`select subject_kind, subject_id, seq, type, data->>'operationId' as operation from events
      order by subject_kind, subject_id, seq`)
  }

  /** Releases that say PENDING, or have an open operation, and nobody who would ever work on them. */
  stranded(): Promise<readonly { readonly id: string; readonly what: string }[]> {
    return this.rows(`
      select r.id, 'is ' || r.status || ' without an open operation' as what from releases r
        where r.status like 'PENDING%' and r.pending_by is null
          and not exists (select from operations o where o.release_id = r.id and o.ended_at is null)
      union all
      select o.id, 'is an open ' || o.kind || ' that no worker will ever look at' from operations o
        where o.ended_at is null and not exists (select from work w
          where w.subject_id = coalesce(o.release_id, o.id))`)
  }

  /** How much is still to be done: open operations, and work that is due or held (but for the watch of the cluster). */
  async busy(): Promise<number> {
    const [row] = await this.rows<{ readonly n: number }>(`
      select ((select count(*) from operations where ended_at is null) + (select count(*) from work
        where kind <> 'cluster' and (lease_until is not null or due_at <= now())))::int as n`)
    return row?.n ?? 0
  }

  /** Leases and attempts that nobody ended. The cluster's watch is held for ever, by one server. */
  leftBehind(): Promise<readonly { readonly what: string }[]> {
    return this.rows(`
      select 'a lease on ' || kind || ' ' || subject_id || ' of ' || worker as what from work
        where kind <> 'cluster' and lease_until is not null
      union all
      select 'an open attempt of ' || subject_kind || ' ' || subject_id from attempts
        where subject_kind <> 'cluster' and ended_at is null`)
  }

  private async rows<T>(statement: string): Promise<readonly T[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 })
    // A server that is killed ends the connection between two statements: then the statement fails, which is enough.
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query(statement)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
