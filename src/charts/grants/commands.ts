import type { Clock } from '../../core/instant.ts'
import { malformed, Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Db } from '../../infra/database/types.ts'
import { type Caller, type OnDone, recordAudit } from '../../tenants/index.ts'
import { groupOfKind, isClusterScoped } from '../core/kinds.ts'
import type { Grant, GrantStore } from './store.ts'

export type GrantParts = {
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly grants: GrantStore
}

export type NewGrant = {
  readonly chartDigest: string
  readonly apiGroup: string | undefined
  readonly kind: string
  readonly name: string
  readonly namespace: string | undefined
}

/**
 * Grants a chart one object outside of its namespace. Throws `malformed` where it is not clear which object is meant, and
 * `conflict` where the chart has that grant already.
 */
export async function createGrant(
  parts: GrantParts,
  { principal, reason }: Caller,
  wanted: NewGrant,
  onDone: OnDone<Grant>,
): Promise<Grant> {
  const { newId, clock, grants, db } = parts
  const made = { id: newId(), reason: reason ?? null, createdBy: principal.name, createdAt: clock.now() }
  const grant: Grant = { ...made, ...complete(wanted) }
  await transaction(db, async (tx) => {
    if (!(await grants.add(tx, grant))) throw new Problem('conflict', 'the chart has that grant already')
    await recordAudit(tx, parts, { principal, reason, action: 'grant.created', subject: subjectOf(grant) })
    await onDone(tx, grant)
  })
  return grant
}

/** Takes a grant back: what was made by it stays, and the chart reaches it no more. Throws `not_found`. */
export async function revokeGrant(parts: GrantParts, { principal, reason }: Caller, id: Uuid): Promise<void> {
  await transaction(parts.db, async (tx) => {
    const removed = await parts.grants.remove(tx, id)
    if (removed === null) throw noSuchGrant(id)
    await recordAudit(tx, parts, { principal, reason, action: 'grant.revoked', subject: subjectOf(removed) })
  })
}

export const noSuchGrant = (id: Uuid): Problem => new Problem('not_found', `there is no grant ${id}`)

function complete(wanted: NewGrant): Omit<Grant, 'id' | 'reason' | 'createdBy' | 'createdAt'> {
  const { chartDigest, kind, name, namespace = null } = wanted
  const apiGroup = wanted.apiGroup ?? groupOfKind(kind)
  if (apiGroup === null) throw malformed('/apiGroup', `is needed: ${kind} is no kind of Kubernetes itself`)
  const wide = isClusterScoped(apiGroup, kind)
  if (wide && namespace !== null) throw malformed('/namespace', `a ${kind} has none`)
  if (!wide && wanted.apiGroup === undefined && namespace === null) {
    throw malformed('/namespace', `is needed: a ${kind} lies in one`)
  }
  return { chartDigest, apiGroup, kind, name, namespace }
}

/** What the audit log says of it: the object is what matters later, when the grant is gone. */
function subjectOf({ kind, apiGroup, namespace, name, chartDigest }: Grant): string {
  const where = namespace === null ? '' : `${namespace}/`
  return `grant/${kind}${apiGroup === '' ? '' : `.${apiGroup}`}/${where}${name} to ${chartDigest}`
}
