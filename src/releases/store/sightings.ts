import { sql } from 'kysely'
import { type Instant, seconds } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { fromInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { ObservedRevision } from '../core/model.ts'
import { type Known, keyOf } from '../watch/sightings.ts'
import { tables } from './tables.ts'

/** How many instances of a release are ready now, as the watch of its cluster counts them in its workloads. */
export type HealthSighting = {
  readonly namespace: string
  readonly release: string
  readonly health: { readonly ready: number; readonly total: number; readonly workloads: number }
}

const nothing = { ready: 0, total: 0, workloads: 0, watched: true } as const

/** Workloads can only be missed of a release that is known to have had some: an upgrade may have removed the last one. */
const hadSome = sql<boolean>`((r.health->>'total')::int > 0 or (r.health->>'workloads')::int > 0)`

/**
 * Writes what is true now beside what the last operation did, where it is written otherwise. It is no decision: no version
 * is counted up, so that it never makes one stale, and a later sighting simply replaces it.
 */
export async function recordHealth(
  db: Db,
  clusterId: Uuid,
  changes: readonly HealthSighting[],
  now: Instant,
): Promise<void> {
  if (changes.length === 0) return
  const seen = {
    namespaces: changes.map(({ namespace }) => namespace),
    names: changes.map(({ release }) => release),
    healths: changes.map(({ health }) => JSON.stringify({ ...health, watched: true })),
  }
  // In one order, so that two writers never block each other.
  await sql`
    with seen as (
      select r.id, s.health from releases r
      join unnest(${seen.namespaces}::text[], ${seen.names}::text[], ${seen.healths}::jsonb[]) as s(namespace, name, health)
        on r.namespace = s.namespace and r.name = s.name
      where r.cluster_id = ${clusterId} and r.status <> 'UNINSTALLED'
        and (r.health is null or not r.health @> s.health)
        and ((s.health->>'workloads')::int > 0 or ${hadSome})
      order by r.id for update of r)
    update releases set health = seen.health || jsonb_build_object('observedAt', ${now}::bigint)
    from seen where releases.id = seen.id`.execute(db)
}

/**
 * What was counted so shortly before the watch last saw all may be another watch's, which is ahead of this one; clocks differ
 * too.
 */
const newerMs = seconds(5)

type Place = { readonly id: Uuid; readonly namespace: string; readonly name: string }
type Comparison = { readonly seenAt: Instant; readonly now: Instant; readonly atOnce: number }

/**
 * Writes down that the watch, which last saw all at `seenAt`, knows no workload any more of what was counted before, for all
 * that it does not name: they went while nobody watched. What may have been counted later stays as it was seen then, and is not
 * vouched for any more; resolves to how many of these there are, which are to be asked about again. At most `atOnce` releases
 * are read, and written, in one statement.
 */
export async function recordAbsent(
  db: Db,
  clusterId: Uuid,
  there: () => Iterable<HealthSighting>,
  comparison: Comparison,
): Promise<number> {
  const { atOnce } = comparison
  let doubted = 0
  let after: Place | null = null
  do {
    const page: readonly Place[] = await missable(db, clusterId, after, atOnce)
    // What the watch has come to know meanwhile is there.
    const known = new Set([...there()].map(({ namespace, release }) => keyOf({ namespace, name: release })))
    const missed = page.filter((place) => !known.has(keyOf(place)))
    doubted += missed.length - (await recordMissed(db, missed, comparison))
    after = page.length < atOnce ? null : (page.at(-1) ?? null)
  } while (after !== null)
  return doubted
}

/** What a watch has counted, if not that nothing is left. */
const isMissable = sql<boolean>`(
  r.status <> 'UNINSTALLED' and r.health->'watched' is not null and ${hadSome}
  and not r.health @> ${JSON.stringify({ ready: 0, total: 0, workloads: 0 })}::jsonb)`

/** A page of the releases that the watch may miss, in the order of their names. */
async function missable(db: Db, clusterId: Uuid, after: Place | null, atOnce: number): Promise<readonly Place[]> {
  const isNext = after === null ? sql`true` : sql`(r.namespace, r.name) > (${after.namespace}, ${after.name})`
  const { rows } = await sql<Place>`
    select r.id, r.namespace, r.name from releases r
    where r.cluster_id = ${clusterId} and ${isNext} and ${isMissable}
    order by r.namespace, r.name limit ${atOnce}`.execute(db)
  return rows
}

/**
 * Resolves to how many of them have nothing left. What has been counted since they were read is left. In one order, so that
 * two writers never block each other.
 */
async function recordMissed(db: Db, missed: readonly Place[], { seenAt, now }: Comparison): Promise<number> {
  if (missed.length === 0) return 0
  const ids = missed.map(({ id }) => id)
  const isGone = sql<boolean>`(r.health->>'observedAt')::bigint < ${seenAt - newerMs}::bigint`
  const gone = sql`${JSON.stringify(nothing)}::jsonb || jsonb_build_object('observedAt', ${now}::bigint)`
  const { rows } = await sql<{ readonly gone: boolean }>`
    with missed as (
      select r.id, ${isGone} as gone from releases r
      where r.id = any(${ids}::uuid[]) and ${isMissable} and (${isGone} or r.health @> '{"watched": true}')
      order by r.id for update)
    update releases set health = case when gone then ${gone} else health || '{"watched": false}' end
    from missed where releases.id = missed.id returning gone`.execute(db)
  return rows.filter((row) => row.gone).length
}

/** The watch of a cluster vouches until then for all that it has counted. */
export async function recordWatch(db: Db, clusterId: Uuid, seenAt: Instant): Promise<void> {
  await sql`insert into health_watches values (${clusterId}, ${fromInstant(seenAt)})
    on conflict (cluster_id) do update set seen_at = greatest(health_watches.seen_at, excluded.seen_at)`.execute(db)
}

/** Until when the watch of the cluster of a row of `releases` vouches for it; null without one. */
export const watchedUntil = sql<Date | null>`(
  select seen_at from health_watches w where w.cluster_id = releases.cluster_id)`

/** Its worker is at it. One that waits for its execution is not looked at often: another hand has to wake it. */
const working = sql<boolean>`current_operation_id is not null and not exists (
  select from operations o where o.id = current_operation_id and o.state->'phase'->>'name' = 'held')`

/** The releases of a cluster that are not uninstalled: all, or those of some namespaces and names. */
export async function knownReleases(
  db: Db,
  clusterId: Uuid,
  names: ReadonlySet<string> | null,
): Promise<readonly Known[]> {
  const query = tables(db as unknown as Tx)
    .selectFrom('releases')
    .select(['id', 'tenant_id', 'namespace', 'name', 'observed', 'revision', working.as('busy')])
    .where('cluster_id', '=', clusterId)
    .where('status', '<>', 'UNINSTALLED')
  const rows = await (names === null ? query : query.where(isNamed(names))).execute()
  return rows.map((row) => ({
    id: row.id,
    tenantId: row.tenant_id,
    namespace: row.namespace,
    name: row.name,
    observed: row.observed as ObservedRevision | null,
    busy: row.busy,
    neverThere: row.revision === 0,
  }))
}

/** By both parts of the name, as the index has them. */
function isNamed(keys: ReadonlySet<string>) {
  const parts = [...keys].map((key) => key.split('/'))
  const [namespaces, names] = [0, 1].map((at) => parts.map((part) => part[at] ?? ''))
  return sql<boolean>`(namespace, name) in (select * from unnest(${namespaces}::text[], ${names}::text[]))`
}
