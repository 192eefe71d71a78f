import type { ActFailure } from '../../core/decision.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { listItems } from '../../core/list-items.ts'
import { listRecords, type RenderedObject, readRevision, splitManifest } from '../../infra/helm/index.ts'
import type { KindRef } from '../../infra/kubernetes/index.ts'
import type { Release } from '../core/model.ts'
import type { ReleaseCluster } from '../ports.ts'

type Named = Pick<Release, 'namespace' | 'name'>
type Unserved = (kinds: readonly KindRef[]) => Promise<KindRef | null>

/** Why helm can delete nothing of a release, by its newest record; null where nothing of the kind is found. Throws where it cannot be read. */
export async function unremovable(
  cluster: ReleaseCluster,
  release: Named,
  signal: AbortSignal,
): Promise<string | null> {
  const { endpoint } = cluster
  const { namespace, name } = release
  const { records } = await listRecords(endpoint, { namespace, release: name })
  const newest = Math.max(0, ...records.map(({ version }) => version))
  const stored = newest === 0 ? null : await readRevision(endpoint, namespace, name, newest)
  return whyUnremovable(stored?.record.manifest ?? '', (kinds) => cluster.unserved(kinds, signal), release)
}

/**
 * Why helm can delete nothing of a manifest, however often it tries, and what a person can do: it gives up before the first
 * object where it cannot name one, or where the cluster does not know its kind, and does not say so (docs/adr/0069).
 */
export async function whyUnremovable(manifest: string, unserved: Unserved, release: Named): Promise<string | null> {
  const parts = splitManifest(manifest).flatMap(({ source, object }) =>
    listItems(object).map((item) => ({ source, object: item })),
  )
  const nameless = parts.find(({ object }) => nameOf(object) === '')
  if (nameless !== undefined)
    return `helm cannot delete ${partWords(nameless)}, which has no metadata.name: ${byHand(release)}`
  const unknown = await firstUnknown(unserved, parts)
  if (unknown === null) return null
  return `the cluster does not know ${unknown}: an admin can define it again, then uninstall again; or ${byHand(release)}`
}

/** A failure with why: before its own detail, which may be long and is cut at its end when it is told. */
export const whyFirst = (failure: ActFailure, why: string): ActFailure => ({
  ...failure,
  detail: `${why}; ${failure.detail}`,
})

/** What is left to do once helm can do nothing: Flotilla follows. */
const byHand = ({ namespace, name }: Named): string =>
  `delete the objects of the release by hand, and then its records (kubectl -n ${namespace} delete secret ` +
  `-l owner=helm,name=${name}), and it is UNINSTALLED`

/** A tenant's pods can write records: neither long texts nor many requests come of one. */
const longest = 300
const mostKinds = 50

function partWords({ source, object }: RenderedObject): string {
  const words = `${String(object.kind)}${source === null ? '' : ` of ${source}`}`
  return words.length > longest ? 'an object' : words
}

async function firstUnknown(unserved: Unserved, parts: readonly RenderedObject[]): Promise<string | null> {
  const kinds = new Map(
    parts.map(({ object }) => {
      const [apiVersion, kind] = [String(object.apiVersion), String(object.kind)]
      return [`${kind} of ${apiVersion}`, { apiVersion, kind }]
    }),
  )
  const found = await unserved([...kinds.values()].slice(0, mostKinds))
  if (found === null) return null
  const words = `${found.kind} of ${found.apiVersion}`
  return words.length > longest ? 'a kind of it' : words
}

function nameOf({ metadata }: JsonObject): string {
  return isJsonObject(metadata) && typeof metadata.name === 'string' ? metadata.name : ''
}
