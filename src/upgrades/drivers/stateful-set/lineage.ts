import { numberOr } from '../gate/json.ts'
import type { Lineage, Workload } from '../gate/model.ts'

/** A StatefulSet owns its pods itself, and its status names the revision of its present template. Pure. */
export function lineageOf({ metadata, status = {} }: Workload): Lineage {
  const seen = numberOr(status.observedGeneration, 0) >= (metadata.generation ?? 0)
  const current = seen && typeof status.updateRevision === 'string' ? status.updateRevision : null
  return { owners: new Set([metadata.uid ?? '']), current }
}
