import pg from 'pg'

export type OperationRow = {
  readonly id: string
  readonly kind: string
  readonly release_id: string | null
  readonly parent_id: string | null
  /** The execution that gave it. */
  readonly execution_id: string | null
  readonly status: string
  readonly code: string | null
  readonly detail: string | null
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
  readonly claimed_by_execution: string | null
  readonly frozen: boolean
}
export type ExecutionRow = {
  readonly id: string
  readonly strategy: string
  readonly status: string
  readonly seq: string
  readonly claims: readonly { readonly releaseId: string }[]
  readonly transitions: readonly { readonly from: string; readonly to: string }[]
  readonly ended_at: Date | null
  /** How many pods each instance has lost. */
  readonly lost: readonly number[]
  readonly hold: string
}
export type GateRow = {
  readonly execution_id: string
  readonly release_id: string
  readonly namespace: string
  readonly name: string
  readonly position: string
}
/** An execution on the pods of a workload that has not ended, and the gate that it has committed. */
export type Hold = {
  readonly id: string
  readonly status: string
  readonly strategy: string
  readonly stage: string
  readonly takes_over: boolean
  readonly instances: number
  readonly percentage: number
  readonly from_version: string
  readonly to_version: string
  readonly namespace: string
  readonly release: string
  readonly position: { readonly kind: string; readonly upTo?: number; readonly surge?: number } | null
  /** The most that any of its gates was ever told to let be, also one that is shut again. */
  readonly admitted: number
}
export type EventRow = {
  readonly subject_kind: string
  readonly subject_id: string
  readonly seq: string
  readonly type: string
  readonly operation: string | null
  /** Of an execution or an instance: which instance, and the step that it took. */
  readonly instance: string | null
  readonly from: string | null
  readonly status: string | null
}

const isOver = `status in ('ROLLED_BACK', 'COMPLETED', 'FAILED', 'CANCELLED')`

/** Reads what the database says, with statements of its own. Each call opens a connection: the server may have died. */
export class DatabaseReader {
  private readonly url: string

  constructor(url: string) {
    this.url = url
  }

  operations(): Promise<readonly OperationRow[]> {
    return this.rows(`select id, kind, release_id, parent_id, execution_id, status, error->>'code' as code, error->>'detail' as detail,
        extract(epoch from ended_at - created_at)::float as seconds, ended_at
      from operations order by created_at, id`)
  }

  /**
   * The open operations on releases and the executions that work, with a number that moves when one is decided about. An
   * operation of an execution waits for its verdict, and an execution may wait for a person.
   */
  openVersions(): Promise<readonly { readonly id: string; readonly version: number }[]> {
    return this.rows(`select o.id, r.version from operations o join releases r on r.id = o.release_id
        where o.ended_at is null and o.execution_id is null
      union all
      select id, version from executions
        where not ${isOver} and status not in ('PENDING', 'PAUSED', 'CANARY_MONITORING')`)
  }

  executions(): Promise<readonly ExecutionRow[]> {
    return this.rows(`select e.id, e.strategy, e.status, e.seq, e.ended_at, e.state->'claims' as claims,
        e.state->'transitions' as transitions, e.request->'capabilities'->>'hold' as hold,
        coalesce((select jsonb_agg(jsonb_array_length(i.state->'previousPods')) from instances i
          where i.execution_id = e.id), '[]') as lost
      from executions e order by e.created_at, e.id`)
  }

  gates(): Promise<readonly GateRow[]> {
    return this.rows(
      `select execution_id, release_id, namespace, name, state->'position'->>'kind' as position from gates`,
    )
  }

  holds(): Promise<readonly Hold[]> {
    return this.rows(`select e.id, e.status, e.strategy, e.state->>'stage' as stage,
        (e.state->>'takesOver')::bool as takes_over, (e.state->>'currentInstances')::int as instances,
        (e.request->'spec'->>'maxUnavailablePercentage')::int as percentage,
        e.request->'from'->>'chartVersion' as from_version, e.request->'to'->>'chartVersion' as to_version,
        r.namespace, r.name as release, g.state->'position' as position,
        coalesce((select max((a.act#>>'{position,upTo}')::int + coalesce((a.act#>>'{position,surge}')::int, 0))
          from attempts a where a.subject_kind = 'execution' and a.subject_id = e.id
            and a.act->>'kind' = 'gate' and a.act#>>'{position,kind}' = 'admitting'), 0) as admitted
      from executions e join releases r on r.id::text = e.request->'target'->>'releaseId'
        left join gates g on g.execution_id = e.id and g.state->>'role' = 'target'
      where not e.${isOver}`)
  }

  releases(): Promise<readonly ReleaseRow[]> {
    return this.rows(`select id, namespace, name, status, chart_version, revision, pending_by, seq,
        claimed_by_execution, coalesce(frozen <> 'null'::jsonb, false) as frozen from releases`)
  }

  events(): Promise<readonly EventRow[]> {
    return this.rows(`select subject_kind, subject_id, seq, type, data->>'operationId' as operation,
        data->>'instanceId' as instance, data->>'from' as from, data->>'status' as status from events
      order by subject_kind, subject_id, seq`)
  }

  /** Releases that say PENDING, or have an open operation, and nobody who would ever work on them. */
  stranded(): Promise<readonly { readonly id: string; readonly what: string }[]> {
    return this.rows(`
      select r.id, 'is ' || r.status || ' without an open operation' as what from releases r
        where r.status like 'PENDING%' and r.pending_by is null and r.claimed_by_execution is null
          and not exists (select from operations o where o.release_id = r.id and o.ended_at is null)
      union all
      select o.id, 'is an open ' || o.kind || ' that no worker will ever look at' from operations o
        where o.ended_at is null and not exists (select from work w
          where w.subject_id = coalesce(o.release_id, o.id))
      union all
      select e.id, 'is an execution that no worker will ever look at' from executions e
        where not e.${isOver} and not exists (select from work w where w.kind = 'execution' and w.subject_id = e.id)
      union all
      select r.id, 'is claimed by an execution that has ended' from releases r
        join executions e on e.id = r.claimed_by_execution where e.${isOver}`)
  }

  /** How much is still to be done: open operations and executions, and work that is due or held (but for the watch of the cluster). */
  async busy(): Promise<number> {
    const [row] = await this.rows<{ readonly n: number }>(`
      select ((select count(*) from operations where ended_at is null)
        + (select count(*) from executions where not ${isOver}) + (select count(*) from work
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
