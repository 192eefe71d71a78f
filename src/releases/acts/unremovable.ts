import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { listItems } from '../../core/list-items.ts'
import { listRecords, readRevision, splitManifest } from '../../infra/helm/index.ts'
import type { Release } from '../core/model.ts'
import type { ReleaseCluster } from '../ports.ts'

type Part = { readonly source: string | null; readonly object: JsonObject }

/**
 * Why helm can delete nothing of a release, however often it tries, and what a person can do: it gives up before the first object
 * where it cannot name one, or where the cluster does not know its kind, and does not say so (docs/adr/0069). Null where neither is so.
 */
export async function unremovable(cluster: ReleaseCluster, release: Release): Promise<string | null> {
  const parts = await partsOf(cluster, release)
  const nameless = parts.find(({ object }) => nameOf(object) === '')
  if (nameless !== undefined) {
    const where = nameless.source === null ? '' : ` of ${nameless.source}`
    return `helm cannot delete ${String(nameless.object.kind)}${where}, which has no metadata.name: ${byHand(release)}`
  }
  const unknown = await firstUnknown(cluster, parts)
  if (unknown === null) return null
  return `the cluster does not know ${unknown}: an admin can define it again, then uninstall again; or ${byHand(release)}`
}

/** What of a release is left to do once helm can do nothing: Flotilla follows. */
const byHand = ({ namespace, name }: Release): string =>
  `delete the objects of the release by hand, and then its records (kubectl -n ${namespace} delete secret ` +
  `-l owner=helm,name=${name}), and it is UNINSTALLED`

async function partsOf({ endpoint }: ReleaseCluster, { namespace, name }: Release): Promise<readonly Part[]> {
  const { records } = await listRecords(endpoint, { namespace, release: name })
  const newest = Math.max(0, ...records.map(({ version }) => version))
  const stored = newest === 0 ? null : await readRevision(endpoint, namespace, name, newest)
  return splitManifest(stored?.record.manifest ?? '').flatMap(({ source, object }) =>
    listItems(object).map((item) => ({ source, object: item })),
  )
}

async function firstUnknown(cluster: ReleaseCluster, parts: readonly Part[]): Promise<string | null> {
  const kinds = new Map(
    parts.map(({ object: { apiVersion, kind } }) => [`${kind} of ${apiVersion}`, { apiVersion, kind }]),
  )
  for (const [words, { apiVersion, kind }] of kinds) {
    if (!(await cluster.serves(String(apiVersion), String(kind)))) return words
  }
  return null
}

function nameOf({ metadata }: JsonObject): string {
  return isJsonObject(metadata) && typeof metadata.name === 'string' ? metadata.name : ''
}
