import { randomUUID } from 'node:crypto'
import type { Uuid } from '../../../../src/core/subject.ts'
import type { ChangePlan, Execution, WorkloadRef } from '../../../../src/upgrades/core/model.ts'

const moved: ChangePlan = { podsChange: true, others: [], surgeRoom: 10 }

/** An execution as the drivers see it: what they do not read is as it is at the beginning. */
export function executionOf(releaseId: Uuid, tenantId: Uuid, workload: WorkloadRef): Execution {
  const id = randomUUID()
  return {
    ...{ id, tenantId, componentId: randomUUID() },
    from: { id: randomUUID(), version: '1.0.0', chartVersion: '1.0.0' },
    to: { id: randomUUID(), version: '2.0.0', chartVersion: '2.0.0' },
    spec: {
      ...{ strategy: 'ROLLING', canaryPercentage: 10, batchSize: 5, batchDelaySeconds: 0 },
      ...{ healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 30, maxUnavailablePercentage: 25 },
      ...{ autoRollbackEnabled: false, failureThreshold: 3 },
    },
    target: { kind: 'workload', releaseId, workload },
    capabilities: { hold: 'gate', surge: true, ordered: false, pin: true },
    ...{ healthEndpoint: null, overrides: [], installedComponents: null, totalInstances: 4 },
    ...{ status: 'IN_PROGRESS', statusReason: null, stage: 'moving', ending: null, pausedFrom: null },
    ...{ waitingFor: null, blindSince: null, currentInstances: 4, currentBatch: 0, batchLeft: 0, admitted: 0 },
    ...{ batchSince: null, refusedSince: null },
    ...{ nextBatchAt: null, stageSince: 0, takesOver: false, frozen: false, frozenVersions: null },
    change: moved,
    ...{ instances: [], checks: [], warnings: [], transitions: [], approvals: [] },
    rollbackInfo: {
      ...{ currentFailures: 0, rollbackReason: null, rollbackInitiatedAt: null, rollbackInitiatedBy: null },
      rolledBackInstances: [],
    },
    claims: [{ releaseId, deployId: randomUUID(), undoId: randomUUID(), revision: 1, secretUid: null }],
    ...{ blindSince: null, batchLeft: 0, frozen: false },
    ...{ claiming: true, deployed: true, promotedBy: null, initiatedBy: 'test', principalId: 'test' },
    ...{ label: null, reason: null, seq: 1n, version: 1, createdAt: 0, startedAt: 0, endedAt: null },
  }
}
