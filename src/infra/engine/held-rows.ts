import { sql } from 'kysely'
import type { LeaseName } from './types.ts'

/** Leases as rows of a query, `(kind, subject_id, epoch, n)`; `n` is the place among them, from 1 on. */
export function heldRows(leases: readonly LeaseName[]) {
  const kinds = leases.map((lease) => lease.subject.kind)
  const ids = leases.map((lease) => lease.subject.id)
  const epochs = leases.map((lease) => lease.epoch)
  return sql`select kind, subject_id, epoch, n
    from unnest(${kinds}::text[], ${ids}::uuid[], ${epochs}::bigint[]) with ordinality as held(kind, subject_id, epoch, n)`
}
