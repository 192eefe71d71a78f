import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../../../src/infra/database/types.ts'
import { type Execution, type Instance, instanceId } from '../../../src/upgrades/core/model.ts'

/** A tenant on a cluster, which executions belong to. */
export async function insertTenant(db: Db): Promise<string> {
  const [tenant, cluster] = [randomUUID(), randomUUID()]
  await sql`insert into clusters (id, name, context, created_at) values (${cluster}, ${cluster}, 'c', now())`.execute(
    db,
  )
  await sql`insert into tenants (id, name, cluster_id, created_at) values (${tenant}, 't', ${cluster}, now())`.execute(
    db,
  )
  return tenant
}

export function instanceOf(executionId: string, index: number): Instance {
  return {
    id: instanceId(executionId, index),
    index,
    key: null,
    origin: 'TARGET',
    status: 'PENDING',
    side: 'previous',
    pod: { name: `pod-${index}`, uid: `uid-${index}` },
    nextPod: null,
    surge: false,
    version: null,
    previousPods: [],
    ready: true,
    unchanged: false,
    message: null,
    health: { good: 0, bad: 0, badSince: null, checkedAt: null },
    startedAt: null,
    upAt: null,
    endedAt: null,
  }
}

/** An execution of ten instances, PENDING, with something in every field that has a form of its own in the database. */
export function executionOf(tenantId: string, more: Partial<Execution> = {}): Execution {
  const id = randomUUID()
  const at = Date.parse('2026-02-03T04:05:06.789Z')
  return {
    id,
    tenantId,
    componentId: randomUUID(),
    from: { id: randomUUID(), version: '1.2.0', chartVersion: '0.12.0' },
    to: { id: randomUUID(), version: '1.3.0', chartVersion: '0.13.0' },
    spec: {
      strategy: 'CANARY',
      canaryPercentage: 10,
      batchSize: 5,
      batchDelaySeconds: 60,
      healthCheckIntervalSeconds: 30,
      healthCheckTimeoutSeconds: 300,
      maxUnavailablePercentage: 25,
      autoRollbackEnabled: false,
      failureThreshold: 3,
    },
    target: { kind: 'workload', releaseId: randomUUID(), workload: { kind: 'Deployment', name: 'web' } },
    capabilities: { hold: 'gate', surge: true, ordered: false, pin: true },
    healthEndpoint: { path: '/healthz', port: 8080 },
    overrides: [{ check: 'BACKUP', reason: 'nothing to lose' }],
    installedComponents: { kafka: '3.6.0' },
    totalInstances: 10,
    status: 'PENDING',
    statusReason: null,
    stage: 'checking',
    ending: null,
    pausedFrom: null,
    waitingFor: { reason: 'NOT_STARTED', until: at + 1 },
    blindSince: null,
    refusedSince: null,
    currentInstances: 10,
    currentBatch: 0,
    batchSince: null,
    batchLeft: 0,
    admitted: 0,
    nextBatchAt: null,
    stageSince: at,
    change: { podsChange: true, others: [], surgeRoom: 3 },
    instances: Array.from({ length: 10 }, (_, index) => instanceOf(id, index)),
    checks: [{ name: 'BACKUP', phase: 'PRE', status: 'PASSED', message: 'fine', evidence: { a: [1, null] } }],
    warnings: [{ code: 'DOWNTIME', message: 'none is ready\0' }],
    rollbackInfo: {
      currentFailures: 1,
      rollbackReason: null,
      rollbackInitiatedAt: at,
      rollbackInitiatedBy: null,
      rolledBackInstances: [randomUUID()],
    },
    transitions: [{ from: 'PENDING', to: 'VALIDATING', at, by: 'somebody', reason: null }],
    approvals: [{ by: 'somebody', at, batch: 1, reason: 'go' }],
    claims: [{ releaseId: randomUUID(), deployId: randomUUID(), undoId: randomUUID(), revision: 3, secretUid: 's' }],
    claiming: false,
    deployed: false,
    takesOver: false,
    frozen: false,
    frozenVersions: null,
    promotedBy: null,
    initiatedBy: 'somebody',
    principalId: 'key:1',
    label: 'admin@matih.ai',
    reason: 'because',
    seq: 0n,
    version: 0,
    createdAt: at,
    startedAt: null,
    endedAt: null,
    ...more,
  }
}
