import type { Uuid } from '../../core/subject.ts'

/** What sealed bytes belong to: bytes that were moved to another row or column do not open there. */
export const sealedAs = {
  releaseValues: (releaseId: Uuid) => `release-values:${releaseId}`,
  operationValues: (operationId: Uuid) => `operation-values:${operationId}`,
  evidence: (operationId: Uuid) => `evidence:${operationId}`,
  revisionValues: (releaseId: Uuid, revision: number) => `revision-values:${releaseId}:${revision}`,
  manifest: (releaseId: Uuid, revision: number) => `manifest:${releaseId}:${revision}`,
} as const
