import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { operationLabel } from '../arguments.ts'
import { decodeRelease, encodeRelease, readRelease } from './codec.ts'
import {
  isHelmStatus,
  isRevision,
  type RecordMetadata,
  recordName,
  type StoredRecord,
  UnreadableRecordError,
} from './record.ts'

/** The labels that helm writes itself. */
const helmLabels = ['name', 'owner', 'status', 'version', 'createdAt', 'modifiedAt']

/**
 * Reads a release Secret. Type, name, labels and content must agree on whose revision it is (SECURITY.md); its status is the
 * content's, as it is for helm, whose label can differ from it (docs/adr/0065). Throws `UnreadableRecordError`.
 */
export function readSecret(secret: JsonObject): StoredRecord {
  const metadata = readMetadata(object(secret.metadata))
  if (secret.type !== 'helm.sh/release.v1') throw new UnreadableRecordError('the Secret has another type')
  const raw = decodeRelease(word(object(secret.data).release))
  const record = readRelease(raw)
  const agrees =
    record.name === metadata.name && record.namespace === metadata.namespace && record.version === metadata.version
  if (!agrees) throw new UnreadableRecordError('the labels and the content of the record differ')
  const { uid, resourceVersion } = metadata
  return { record, uid, resourceVersion, labels: ownLabels(secret), secret, raw }
}

/** Reads the metadata of a release Secret. Throws `UnreadableRecordError` when name and labels differ. */
export function readMetadata(metadata: JsonObject): RecordMetadata {
  const labels = object(metadata.labels)
  const [name, version, status] = [word(labels.name), Number(word(labels.version)), word(labels.status)]
  const isNamed = name !== '' && isRevision(version) && metadata.name === recordName(name, version)
  const isRecord = labels.owner === 'helm' && isNamed
  if (!isRecord || !isHelmStatus(status)) throw new UnreadableRecordError('name and labels of the record differ')
  return {
    name,
    namespace: word(metadata.namespace),
    version,
    status,
    uid: word(metadata.uid),
    resourceVersion: word(metadata.resourceVersion),
    createdAt: word(metadata.creationTimestamp),
    operationId: word(labels[operationLabel]) || null,
  }
}

/** How a revision ends that Helm has left as it was: `failed` for our reason, or `superseded` by a later one. */
export type Ending = { readonly status: 'failed'; readonly description: string } | { readonly status: 'superseded' }

/**
 * The Secret that says how its revision has ended, in its JSON and its label, and has the manifest that is given. Everything
 * else stays, resourceVersion included: whoever has written meanwhile wins.
 */
export function endedSecret(
  stored: StoredRecord,
  ending: Ending,
  at: Date,
  manifest: string = stored.record.manifest,
): JsonObject {
  const info = { ...object(stored.raw.info), ...ending }
  const metadata = object(stored.secret.metadata)
  const modifiedAt = String(Math.floor(at.getTime() / 1000))
  const labels = { ...object(metadata.labels), status: ending.status, modifiedAt }
  return {
    ...stored.secret,
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, labels },
    data: { ...object(stored.secret.data), release: encodeRelease({ ...stored.raw, info, manifest }) },
  }
}

function ownLabels(secret: JsonObject): Record<string, string> {
  const labels = Object.entries(object(object(secret.metadata).labels))
  return Object.fromEntries(labels.filter(([key]) => !helmLabels.includes(key)).map(([k, v]) => [k, word(v)]))
}

const word = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {})
