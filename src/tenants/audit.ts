import type { Clock } from '../core/instant.ts'
import type { Principal, Uuid } from '../core/subject.ts'
import type { Tx } from '../infra/database/types.ts'
import { insertAudit } from './store/audit.ts'

/** What is worth remembering of a command. */
export type AuditFact = {
  readonly principal: Principal
  /** Dotted: `tenant.registered`, `api-key.revoked`, `release.upgrade`. */
  readonly action: string
  /** `kind/id`. */
  readonly subject: string
  readonly tenantId?: Uuid | null
  /** `done` unless told. */
  readonly outcome?: string
  readonly reason?: string | undefined
  /** The operation that says how it ends, where the command was only accepted. */
  readonly operationId?: Uuid
}

/**
 * Records who did what, in the transaction that did it: there is no change without its entry and no entry without
 * its change. Never give it values or secrets.
 */
export async function recordAudit(
  tx: Tx,
  deps: { readonly clock: Clock; readonly newId: () => Uuid },
  fact: AuditFact,
): Promise<void> {
  await insertAudit(tx, {
    id: deps.newId(),
    at: deps.clock.now(),
    principalId: fact.principal.id,
    performedBy: fact.principal.name,
    tenantId: fact.tenantId ?? null,
    action: fact.action,
    subject: fact.subject,
    outcome: fact.outcome ?? 'done',
    reason: fact.reason ?? null,
    operationId: fact.operationId ?? null,
  })
}
