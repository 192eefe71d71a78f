import { z } from 'zod'
import type { EndWaiter } from '../../infra/engine/index.ts'
import type { EventHub } from '../../infra/events/hub.ts'
import type { Call } from '../../infra/http/route.ts'
import { uuid } from '../../infra/http/schemas.ts'
import type { CommandCall } from '../commands/context.ts'
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
