import type { KeptFields } from '../../infra/helm/index.ts'
import type { FrozenRelease } from '../../releases/index.ts'
import type { FleetParts } from './fleet/context.ts'
import { heldWorkloads } from './frozen-fleet.ts'
import { renderedName } from './gate/annotation.ts'

/**
 * The fields by which workloads of a release are held after some of their pods have been let go: written over by helm,
 * they would let the controller remove pods (docs/adr/0037). Throws `ClusterError`.
 */
export async function readHeldFields(parts: FleetParts, release: FrozenRelease): Promise<readonly KeptFields[]> {
  const found = await heldWorkloads(parts, release)
  return found.flatMap(({ name, kind, live }) => {
    const fields = live === null ? null : kind.held(live)
    return fields === null ? [] : { workload: name, resource: kind.resource.plural, fields, note: renderedName }
  })
}
