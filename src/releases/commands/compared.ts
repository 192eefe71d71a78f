import type { JsonObject } from '../../core/json.ts'
import { listRecords, type RecordMetadata, readRevision, UnreadableRecordError } from '../../infra/helm/index.ts'
import type { ReleaseState } from '../core/model.ts'
import { comparedWith } from '../core/revisions.ts'
import type { ReleaseDeps } from '../deps.ts'
import { keepChart } from '../keep-chart.ts'
import { helmRevision } from '../observe.ts'
import { revisionContent } from '../store/queries.ts'

/** A revision that an upgrade is compared with. */
export type Compared = {
  readonly revision: number
  readonly values: JsonObject
  readonly manifest: string
  readonly chartDigest: string | null
}

type Stored = Pick<RecordMetadata, 'version' | 'uid' | 'status'>
type Read = (stored: Stored) => Promise<Compared | null>

/** The revision that helm compares an upgrade with, by its records; null where it has none that can be read. Throws `ClusterError`. */
export async function comparedRevision(deps: ReleaseDeps, state: ReleaseState): Promise<Compared | null> {
  const { clusterId, namespace, name, id, revision } = state.release
  const { endpoint } = deps.ports.clusters.of(clusterId)
  const { records } = await listRecords(endpoint, { namespace, release: name })
  const isMirrored = ({ version, uid }: Stored) =>
    state.revisions.some((known) => known.secretUid === uid && known.revision === version)
  const record: Read = async ({ version }) => {
    const stored = await readRevision(endpoint, namespace, name, version)
    return stored === null ? null : helmRevision(stored, await keepChart(deps.ports.charts, stored))
  }
  const mirrored: Read = ({ version }) => mirroredRevision(deps, id, version)
  const read: Read = async (stored) => (isMirrored(stored) ? await mirrored(stored) : null) ?? record(stored)
  return (await firstReadable(records, read)) ?? mirroredRevision(deps, id, revision)
}

async function mirroredRevision({ db, vault }: ReleaseDeps, id: string, revision: number): Promise<Compared | null> {
  const content = await revisionContent(db, vault, id, revision)
  return content === null ? null : { ...content, values: content.values as JsonObject }
}

/** Labels prove nothing: helm passes over a record that it cannot read, and so does this. */
export async function firstReadable(records: readonly Stored[], read: Read): Promise<Compared | null> {
  const revision = comparedWith(records.map(({ version, status }) => ({ revision: version, status })))
  // A record of the same number beside it has not this status.
  const found = records.find(({ version, status }) => version === revision && status === 'deployed')
  const stored = found ?? records.find(({ version }) => version === revision)
  if (stored === undefined) return null
  const readable = await read(stored).catch((error: unknown) => {
    if (error instanceof UnreadableRecordError) return null
    throw error
  })
  return (
    readable ??
    firstReadable(
      records.filter((each) => each !== stored),
      read,
    )
  )
}
