import { isJsonObject, type Json } from '../../../core/json.ts'
import { isRecordOf, looksLikeRecord, type Room } from './classify.ts'
import { readFields, repeated, single, text } from './protobuf.ts'

/** What of a Secret decides whether it may be written. */
type SecretIdentity = {
  readonly name: string
  readonly generateName: string
  readonly namespace: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
}

const protobufType = 'application/vnd.kubernetes.protobuf'
const magic = Buffer.from('k8s\0')
const recordType = 'helm.sh/release.v1'

/**
 * May this Secret be written (SECURITY.md, "Release records")? Helm writes its records as protobuf: such a body must
 * be a record of the room's release. Any other body must not be one, nor a token of a service account. `name` is the
 * one in the path, null for a create.
 */
export function isAllowedSecret(contentType: string, body: Buffer, name: string | null, room: Room): boolean {
  try {
    if (isProtobuf(contentType)) return isOurRecord(readProtobuf(body), name, room)
    return (name === null || !looksLikeRecord(name)) && isPlain(readJson(body))
  } catch {
    return false
  }
}

/** The name that a Secret has in its body, for saying which one was refused; null where there is none to read. */
export function nameOfSecret(contentType: string, body: Buffer): string | null {
  try {
    return (isProtobuf(contentType) ? readProtobuf(body) : readJson(body)).name || null
  } catch {
    return null
  }
}

const isProtobuf = (contentType: string): boolean => contentType.split(';')[0]?.trim() === protobufType

function isOurRecord(secret: SecretIdentity, name: string | null, room: Room): boolean {
  return (
    isRecordOf(room.release, secret.name) &&
    (name === null || name === secret.name) &&
    secret.generateName === '' &&
    (secret.namespace === '' || secret.namespace === room.namespace) &&
    secret.type === recordType &&
    secret.labels.owner === 'helm' &&
    secret.labels.name === room.release &&
    secret.name === `sh.helm.release.v1.${room.release}.v${secret.labels.version}`
  )
}

function isPlain(secret: SecretIdentity): boolean {
  return (
    !looksLikeRecord(secret.name) &&
    !looksLikeRecord(secret.generateName) &&
    !secret.type.startsWith('helm.sh/') &&
    !secret.type.endsWith('service-account-token') &&
    secret.labels.owner !== 'helm'
  )
}

/** The envelope: `k8s\0`, then Unknown {1: TypeMeta {1: apiVersion, 2: kind}, 2: object}. */
function readProtobuf(body: Buffer): SecretIdentity {
  if (!body.subarray(0, 4).equals(magic)) throw new Error('not a Kubernetes protobuf')
  const envelope = body.subarray(4)
  const meta = required(envelope, 1)
  if (text(meta, 1) !== 'v1' || text(meta, 2) !== 'Secret') throw new Error('not a Secret')
  if (text(envelope, 3) !== '') throw new Error('encoded content')
  return readSecret(required(envelope, 2))
}

/** Secret {1: ObjectMeta {1: name, 2: generateName, 3: namespace, 11: labels}, 2: data, 3: type}. */
function readSecret(secret: Buffer): SecretIdentity {
  const meta = required(secret, 1)
  return {
    name: text(meta, 1),
    generateName: text(meta, 2),
    namespace: text(meta, 3),
    type: text(secret, 3),
    labels: Object.fromEntries(repeated(meta, 11).map(readEntry)),
  }
}

function readEntry(entry: Buffer): readonly [string, string] {
  for (const { number } of readFields(entry)) if (number > 2) throw new Error('not a map entry')
  return [text(entry, 1), text(entry, 2)]
}

function required(message: Buffer, number: number): Buffer {
  const found = single(message, number)
  if (found === null) throw new Error(`protobuf: field ${number} is missing`)
  return found
}

/** Helm sends objects and patches as JSON objects; a patch made of operations could hide what it writes. */
function readJson(body: Buffer): SecretIdentity {
  const secret: Json = JSON.parse(body.toString('utf8'))
  if (!isJsonObject(secret)) throw new Error('not an object')
  const meta = isJsonObject(secret.metadata) ? secret.metadata : {}
  const labels = isJsonObject(meta.labels) ? Object.entries(meta.labels) : []
  return {
    name: word(meta.name),
    generateName: word(meta.generateName),
    namespace: word(meta.namespace),
    type: word(secret.type),
    labels: Object.fromEntries(labels.map(([key, value]) => [key, word(value)])),
  }
}

const word = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
