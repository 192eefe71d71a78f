import { z } from 'zod'
import type { Tx } from '../../infra/database/types.ts'
import type { EndWaiter } from '../../infra/engine/index.ts'
import type { EventHub } from '../../infra/events/hub.ts'
import type { Call } from '../../infra/http/route.ts'
import { uuid } from '../../infra/http/schemas.ts'
import type { CommandCall } from '../commands/context.ts'
import type { Execution } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import { executionView } from '../views.ts'

/** What the routes of executions are made with. */
export type UpgradeRouteDeps = UpgradeDeps & { readonly hub: EventHub; readonly ends: EndWaiter }

export const reads = { action: 'upgrade.read', scope: 'tenant' } as const
export const executionParams = z.strictObject({ executionId: uuid })
export const tenantParams = z.strictObject({ tenantId: uuid })

/** An HTTP call as commands take it; a replay of its idempotency key answers the same execution as it then was. */
export function commandCall(
  { principal, idempotency }: Pick<Call, 'principal' | 'idempotency'>,
  reason: string | undefined,
  answer: { readonly status: number; readonly headers?: (id: string) => Readonly<Record<string, string>> },
): CommandCall {
  return {
    principal,
    reason: reason ?? null,
    onDone: (tx, execution) =>
      idempotency.complete(tx, {
        status: answer.status,
        headers: answer.headers?.(execution.id) ?? {},
        body: executionView(execution),
      }),
  }
}

/** The same of a resume: where it ends the execution, the key belongs to that, and what is answered is its end. */
export function resumeCall(call: Pick<Call, 'principal' | 'idempotency'>, reason: string | undefined): CommandCall {
  const given = commandCall(call, reason, { status: 202 })
  const bind = (tx: Tx, { id }: Execution) => call.idempotency.bind(tx, id)
  return {
    ...given,
    onDone: (tx, execution) => (execution.ending === null ? given.onDone(tx, execution) : bind(tx, execution)),
  }
}
