import type { Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import { recordAudit } from '../../tenants/index.ts'
import type { CallerCommand } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import type { CommandCall } from './context.ts'

/** What the audit log calls a command on releases. */
export type AuditedCommand =
  `release.${Exclude<CallerCommand['kind'], 'cancel'> | 'install' | 'unfreeze' | 'batch-upgrade' | `${'rollback' | 'uninstall'}-without-hooks`}`

export type AcceptedCommand = {
  readonly action: AuditedCommand
  readonly subject: string
  readonly tenantId: Uuid | null
  readonly operationId: Uuid
}

/**
 * Records who gave a command that was accepted, in the transaction that accepts it. How it ended is the operation's to
 * say, and read from there: an entry is written once.
 */
export function auditAccepted(
  tx: Tx,
  deps: Pick<ReleaseDeps, 'clock' | 'newId'>,
  { principal, reason }: CommandCall,
  accepted: AcceptedCommand,
): Promise<void> {
  return recordAudit(tx, deps, { ...accepted, principal, outcome: 'accepted', reason: reason ?? undefined })
}
