import type { DomainEvent } from '../../core/events.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Operation, Release } from './model.ts'
import { shownStatus } from './shown.ts'

type OperationHappening =
  | 'requested'
  | 'started'
  | 'applied'
  | 'reverting'
  | 'interrupted'
  | 'repeating'
  | 'succeeded'
  | 'failed'
  | 'cancelled'

/** An event of an operation: `release.KIND.WHAT`. Carries names, numbers and codes, never values. */
export function operationEvent(
  release: Release,
  operation: Operation,
  what: OperationHappening,
  more: JsonObject = {},
): DomainEvent {
  return {
    type: `release.${operation.kind}.${what}`,
    data: { ...about(release), operationId: operation.id, performedBy: operation.performedBy, ...more },
  }
}

/** What of an operation that leaves the hooks out is told beside its kind. */
export const withoutHooks = ({ request }: Operation): { readonly hooks?: false } =>
  request.noHooks === true ? { hooks: false } : {}

/** An event of a release that no operation of ours brought about. */
export function releaseEvent(
  release: Release,
  what: 'adopted' | 'changed' | 'uninstalled',
  more: JsonObject = {},
): DomainEvent {
  return { type: `release.${what}`, data: { ...about(release), performedBy: 'external', ...more } }
}

/** An event of a release that an upgrade execution brought about without an operation. */
export function claimEvent(
  release: Release,
  executionId: Uuid,
  what: 'claimed' | 'shown' | 'unclaimed',
  more: JsonObject = {},
): DomainEvent {
  return { type: `release.${what}`, data: { ...about(release), executionId, ...more } }
}

function about(release: Release): JsonObject {
  return {
    releaseId: release.id,
    tenantId: release.tenantId,
    namespace: release.namespace,
    releaseName: release.name,
    chartName: release.chart,
    chartVersion: release.chartVersion,
    status: shownStatus(release),
    revision: release.revision,
    ...(release.claim === null ? {} : { executionId: release.claim.executionId }),
  }
}
