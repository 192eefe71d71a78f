import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import { maySee } from '../../tenants/index.ts'
import type { ReleaseState } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import { releasesByIds } from '../store/lists.ts'
import type { Scope } from '../store/scope.ts'
import type { AuditedCommand } from './audit.ts'

/** Which tenants a caller may see. */
export function scopeOf(principal: Principal): Scope {
  return principal.tenants
}

/** The release, if the caller may see it. Throws `Problem` not_found otherwise: another tenant's id looks unknown. */
export async function visibleRelease(deps: ReleaseDeps, principal: Principal, id: Uuid): Promise<ReleaseState> {
  const state = await deps.states.load(deps.db, id)
  if (state === null || !maySee(principal, state.release.tenantId)) throw noSuchRelease(id)
  return state
}

/** The same without reading the release. */
export async function requireVisible({ db }: Pick<ReleaseDeps, 'db'>, principal: Principal, id: Uuid): Promise<void> {
  const [release] = await releasesByIds(db, [id])
  if (release === undefined || !maySee(principal, release.tenant_id)) throw noSuchRelease(id)
}

export function noSuchRelease(id: Uuid): Problem {
  return new Problem('not_found', `there is no release ${id}`)
}

/**
 * Runs in the transaction that accepts an operation, with its id: what is written there (an idempotency key, an audit
 * row) is there exactly when the operation is.
 */
export type OnAccept = (tx: Tx, operationId: Uuid) => Promise<void>

/** What a caller of a command brings with it. */
export type CommandCall = {
  readonly principal: Principal
  readonly reason: string | null
  readonly onAccept: OnAccept
  /** Aborted when the server stops: what is waited for before the command is accepted ends with it. */
  readonly stopping?: AbortSignal
  /** What the audit log calls the command, where that is not what its operation does. */
  readonly action?: AuditedCommand
}
