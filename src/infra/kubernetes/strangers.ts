import { findLive, isOfAnother, type Owner } from './gone.ts'
import type { ManifestObject } from './manifest.ts'
import { mapParallel } from './parallel.ts'
import type { RequestOptions } from './types.ts'
import type { ReadParts } from './workloads.ts'

const AT_ONCE = 8

/**
 * Those of the objects that are there and are not the release's: of another release, of nobody who says so, or on their way
 * out. Helm must not take them for its own. Throws `ClusterError`.
 */
export async function readStrangers(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  { namespace, name }: Pick<Owner, 'namespace' | 'name'>,
  options: RequestOptions = {},
): Promise<readonly ManifestObject[]> {
  const release = { namespace, name, marked: true }
  const strange = await mapParallel(objects, AT_ONCE, async (object) => {
    const live = await findLive(parts, object, release, options)
    if (live === null) return false
    return live.metadata.deletionTimestamp !== undefined || isOfAnother(live, release, object)
  })
  return objects.filter((_, index) => strange[index] === true)
}
