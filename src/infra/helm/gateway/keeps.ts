import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Kept, KeptFields } from '../types.ts'
import type { ObjectLocation } from './path.ts'

/** An object that helm sends, whole or as a patch. */
type Sent = JsonObject & { readonly spec: JsonObject }

/**
 * The body of a write, where a Service that it selects anew goes on selecting by the labels that are kept, and a workload
 * keeps its number of instances and the fields that hold it. Helm applies a selector whole, so that what somebody else has
 * added would be gone the moment it does, its number against that of whoever has scaled, and its bounds of a rollout over
 * those of a gate. Pure.
 */
export function keepFields(body: Buffer, object: ObjectLocation, keeps: readonly Kept[]): Buffer {
  const kept = keeps.filter((one) => isOf(one, object))
  const wanted = kept.length === 0 ? null : readJson(body)
  if (!isSent(wanted)) return body
  const sent = kept.reduce(keptIn, wanted)
  return sent === wanted ? body : Buffer.from(JSON.stringify(sent))
}

function isOf(kept: Kept, { group, resource, name }: ObjectLocation): boolean {
  if ('service' in kept) return group === '' && resource === 'services' && kept.service === name
  return group === 'apps' && resource === kept.resource && kept.workload === name
}

const isSent = (wanted: Json): wanted is Sent => isJsonObject(wanted) && isJsonObject(wanted.spec)

function keptIn(sent: Sent, kept: Kept): Sent {
  if ('fields' in kept) return withFields(sent, kept)
  const change = 'service' in kept ? selectorOf(sent.spec, kept.labels) : replicasOf(sent.spec, kept.replicas)
  return change === null ? sent : { ...sent, spec: { ...sent.spec, ...change } }
}

const selectorOf = ({ selector }: JsonObject, labels: Readonly<Record<string, string>>): JsonObject | null =>
  isJsonObject(selector) ? { selector: { ...selector, ...labels } } : null

/** What does not say how many says nothing against it. */
const replicasOf = (spec: JsonObject, replicas: number): JsonObject | null =>
  typeof spec.replicas === 'number' ? { replicas } : null

/** Fields that are not sent stay by themselves. */
function withFields(sent: Sent, { fields, note }: KeptFields): Sent {
  const names = Object.keys(fields).filter((name) => name in sent.spec)
  if (names.length === 0) return sent
  const metadata = isJsonObject(sent.metadata) ? sent.metadata : {}
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {}
  const noted = { ...annotations, [note]: JSON.stringify(only(names, sent.spec)) }
  return { ...sent, metadata: { ...metadata, annotations: noted }, spec: { ...sent.spec, ...only(names, fields) } }
}

const only = (names: readonly string[], object: JsonObject): JsonObject =>
  Object.fromEntries(names.map((name) => [name, object[name] ?? null]))

function readJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // No object that helm applies: the cluster says what is wrong with it.
    return null
  }
}
